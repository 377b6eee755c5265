"""How long things take to begin, and what they take of the machine: imports, the first step, the warm process, memory.

Imports are whole processes, interleaved, as ratios to ``import ipywidgets``. The first step is the moment at which the
trainer tells its first loss, counted from ``train()``: warm (forked from the process that has imported) and cold (a
fresh Python), beside a plain PyTorch script with the same images, model, batch and number of threads, counted from the
start of its Python. Memory is that of all processes of a run, shared pages shared out, at its highest, on photographs.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from bench import photographs
from bench.table import Row
from nbtrain import demo, locks, processes
from nbtrain.data.sources import Folder
from nbtrain.messages import Message, Metric, Status
from nbtrain.project.experiment import Experiment
from nbtrain.project.project import Project
from nbtrain.runs import environment, launch, warm
from nbtrain.runs.devices import runtime_folder
from nbtrain.runs.folder import RunFolder
from nbtrain.runs.journal import JournalReader

TITLE = "Start"
TYPED = "from nbtrain import TrainingStudio, demo"
IMPORTS = {
    "import ipywidgets": None,
    "import nbtrain": 1.5,
    TYPED: 3.0,
    f"{TYPED}; TrainingStudio(PROJECT)": None,
}
"""What is measured against the first of them, and at most how many times its seconds it may take.

The last is the whole of a first cell: what the line above leaves for later is in it.
"""
BYTE_CODE = {"kept": {}, "not kept": {"PYTHONDONTWRITEBYTECODE": "1"}}
"""Containers often set this: every module is compiled anew then, the widgets' too."""
MAX_WARM_S, MAX_COLD, MAX_PRIVATE_MIB, MAX_LATE_S, MAX_MEMORY = 1.0, 1.0, 450.0, 10.0, 1.0
IDLE_S, IMAGES, SIZE_PX, BATCH = 20.0, 80, 96, 32
_QUIET_S, _LOOK_S = 2.0, 0.1

PLAIN = """
import sys, time
import torch, timm
from torchvision import datasets
from torchvision.transforms import v2
root, variant, size, batch, workers, threads, epochs = *sys.argv[1:3], *map(int, sys.argv[3:])
torch.set_num_threads(threads)
steps = [v2.ToImage(), v2.RandomResizedCrop(size), v2.RandomHorizontalFlip(), v2.ToDtype(torch.float32, True)]
steps.append(v2.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
found = datasets.ImageFolder(root, v2.Compose(steps))
loader = torch.utils.data.DataLoader(found, batch, shuffle=True, num_workers=workers)
model = timm.create_model(variant, num_classes=len(found.classes)).to(memory_format=torch.channels_last)
optimizer, loss_of = torch.optim.AdamW(model.parameters(), 1e-3), torch.nn.CrossEntropyLoss()
for epoch in range(epochs):
    for images, targets in loader:
        loss = loss_of(model(images.to(memory_format=torch.channels_last)), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(time.time(), loss.item(), flush=True)
torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict()}, "checkpoint.pt")
"""


def measure(rounds: int = 3) -> list[Row]:
    """Return imports as ratios, seconds to the first step, and memory."""
    with tempfile.TemporaryDirectory(prefix="nbtrain-bench-") as folder, _alone(Path(folder)):
        return [*_imports(Path(folder), rounds), *_first_steps(Path(folder), rounds), *_memory(Path(folder))]


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Give this benchmark a warm process and devices of its own."""
    before = os.environ.get("XDG_RUNTIME_DIR")
    os.environ["XDG_RUNTIME_DIR"] = str(folder)
    try:
        yield
    finally:
        os.environ.pop("XDG_RUNTIME_DIR") if before is None else os.environ.update(XDG_RUNTIME_DIR=before)


def _imports(folder: Path, rounds: int) -> list[Row]:
    return [row for kept in BYTE_CODE for row in _imports_with(kept, folder, rounds)]


def _imports_with(kept: str, folder: Path, rounds: int) -> list[Row]:
    """Measure the imports where byte code is kept, or is not; neither side finds any of before."""
    place = {"PYTHONPYCACHEPREFIX": str(folder / f"byte code {kept}"), "NBTRAIN_WARM": "0"}
    without = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment = {**without, **place, **BYTE_CODE[kept]}
    seconds: dict[str, list[float]] = {code: [] for code in ("pass", *IMPORTS)}
    for _ in range(rounds + 1):
        for code, found in seconds.items():
            found.append(_process_s(code.replace("PROJECT", repr(str(folder / "new"))), environment))
    empty = seconds.pop("pass")[1:]  # the first round filled the disk cache, and wrote byte code where it is kept
    net = {code: [a - b for a, b in zip(found[1:], empty, strict=True)] for code, found in seconds.items()}
    first, *others = IMPORTS
    rows = [Row(f"{first} (without Python's own start), byte code {kept}", "s", tuple(net[first]))]
    for code in others:
        ratios = tuple(a / b for a, b in zip(net[code], net[first], strict=True))
        rows.append(Row(f"{code}, against {first}, byte code {kept}", "ratio", ratios, IMPORTS[code]))
    return rows


def _process_s(code: str, environment: dict[str, str]) -> float:
    began_s = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)
    return time.perf_counter() - began_s


# ---------------------------------------------------------------------- the first step


def _first_steps(folder: Path, rounds: int) -> list[Row]:
    project = demo.digits(folder / "digits")
    images = project.path / "images"
    try:
        rows = _warm_rows(project, rounds)
        cold, plain = [], []
        _plain_first_s(images)  # both find their files in the disk's cache
        for _ in range(rounds):
            cold.append(_first_step(project, cold=True)[0])
            plain.append(_plain_first_s(images))
    finally:
        project.close()
    ratio = tuple(ours / theirs for ours, theirs in zip(cold, plain, strict=True))
    return [
        *rows,
        Row("train() to the first step, cold", "s", tuple(cold)),
        Row("plain script to its first step", "s", tuple(plain)),
        Row("cold ÷ plain script", "ratio", ratio, MAX_COLD),
    ]


def _warm_rows(project: Project, rounds: int) -> list[Row]:
    """Measure starts from the warm process, and that process itself, to its end."""
    if warm.unavailable():
        print(f"  no warm process here: {warm.unavailable()}")
        return []
    warm.IDLE_S, usual_s = IDLE_S, warm.IDLE_S
    try:
        pid, ready_s = _await_warm()
        private_mib = processes.private_mib(pid)
        told = [_first_step(project, cold=False) for _ in range(rounds + 1)]
        last_s = time.monotonic()
    finally:
        warm.IDLE_S = usual_s
    while processes.exists(pid):
        time.sleep(_LOOK_S)
    late_s = time.monotonic() - last_s - IDLE_S
    first, *others = told  # the first one scans the images, the others find what it has seen
    phases = [Row(f"  of it until {name}", "s", tuple(at[name] for _, at in others)) for name in others[0][1]]
    return [
        Row("train() to the first step, warm, new data set", "s", (first[0],)),
        Row("train() to the first step, warm", "s", tuple(s for s, _ in others), MAX_WARM_S),
        *phases,
        Row("warm process: from its start to ready", "s", (ready_s,)),
        Row("warm process: private memory", "MiB", (private_mib,), MAX_PRIVATE_MIB),
        Row("warm process: gone after its idle time, late by", "s", (max(0.0, late_s),), MAX_LATE_S),
    ]


def _await_warm() -> tuple[int, float]:
    """Start the warm process; return its pid once it has nothing more to do, and the seconds until then."""
    began_s, lock = time.monotonic(), runtime_folder() / f"warm-{environment.key()}.lock"
    launch.ensure_warm()
    while not (pid := locks.holder(lock)):
        time.sleep(_LOOK_S)
    server, busy_s, spent_s = psutil.Process(pid), time.monotonic(), 0.0
    while time.monotonic() - busy_s < _QUIET_S:
        time.sleep(_LOOK_S)
        now_s = sum(server.cpu_times()[:2])
        if now_s > spent_s:
            busy_s, spent_s = time.monotonic(), now_s
    return pid, busy_s - began_s


def _first_step(project: Project, *, cold: bool) -> tuple[float, dict[str, float]]:
    """Return the seconds from ``train()`` to the first loss, and those until each phase began."""
    experiment = project.new("cold" if cold else "warm")
    experiment.config = experiment.config.set_all({"logging.every_n_steps": 1, "training.epochs": 50})
    began_s = time.time()
    with _started_cold(cold):
        experiment.train(beside=True)
    messages = _until(experiment, lambda message: isinstance(message, Metric))
    experiment.delete()
    at: dict[str, float] = {}
    for message in messages:
        if isinstance(message, Status) and message.phase:
            at.setdefault(message.phase, message.t_s - began_s)
    return messages[-1].t_s - began_s, at


@contextmanager
def _started_cold(cold: bool) -> Iterator[None]:
    """Make the next start a cold one by hiding the warm process for its length."""
    ask = warm.ask
    if cold:
        warm.ask = lambda request: {"refused": "a cold start, to be measured"}
    try:
        yield
    finally:
        warm.ask = ask


def _until(experiment: Experiment, wanted: Callable[[Message], bool]) -> list[Message]:
    """Return what a run has said up to the first message that is wanted."""
    if experiment.run is None:
        raise RuntimeError("the experiment has no run")
    reader, end_s, heard = JournalReader(experiment.run.events), time.monotonic() + 120, list[Message]()
    while time.monotonic() < end_s:
        for message in reader.read():
            heard.append(message)
            if wanted(message):
                return heard
        time.sleep(0.01)
    raise RuntimeError(f"not within two minutes: {experiment.status} {experiment.error}")


def _plain_first_s(images: Path) -> float:
    """Return the seconds from the start of the plain script's Python to its first loss."""
    began_s = time.time()
    with _plain(images, "test_resnet", demo.SIZE_PX, 64, 0, 1, cwd=images.parent) as script:
        line = script.stdout.readline() if script.stdout else ""
        script.kill()
    return float(line.split()[0]) - began_s


def _plain(images: Path, variant: str, *numbers: int, cwd: Path) -> subprocess.Popen[str]:
    """Start the plain script: side in px, batch, loader workers and epochs are the ``numbers``."""
    threads = max(1, processes.usable_cores() - 1)
    words = [str(images), variant, *map(str, (*numbers[:3], threads, numbers[3]))]
    return subprocess.Popen([sys.executable, "-c", PLAIN, *words], stdout=subprocess.PIPE, text=True, cwd=cwd)


# ---------------------------------------------------------------------- memory


def _memory(folder: Path) -> list[Row]:
    """Measure the highest memory of a short run on photographs, with one loader worker, against the plain script's."""
    images = photographs.folder(IMAGES)
    project = Project(folder / "photographs")
    project.add_images(Folder(path=str(images)), "photographs")
    try:
        pairs = [(_ours_mib(project), _plain_mib(images, folder))]  # it hardly differs from round to round
    finally:
        project.close()
    ours, theirs = (tuple(side) for side in zip(*pairs, strict=True))
    return [
        Row("memory of trainer, parent and loader, at its highest", "MiB", ours),
        Row("memory of the plain script and its loader", "MiB", theirs),
        Row("ours ÷ plain script", "ratio", tuple(a / b for a, b in pairs), MAX_MEMORY),
    ]


def _ours_mib(project: Project) -> float:
    changes: dict[str, Any] = {
        "model.variant": "resnet18", "task.image_size": SIZE_PX, "training.batch_size": BATCH, "training.epochs": 1,
        "data.workers": 1, "data.cache": "off",
    }  # fmt: skip
    experiment = project.new("memory", project.new_config().set_all(changes))
    with _started_cold(True):
        experiment.train(beside=True)
    run = RunFolder(experiment.run_path)
    trainer = psutil.Process(run.owner()["pid"])
    peak = _peak_mib(lambda: [trainer.ppid(), trainer.pid, *(child.pid for child in trainer.children(recursive=True))])
    if experiment.wait(60) != "completed":
        raise RuntimeError(str(experiment.error))
    return peak


def _plain_mib(images: Path, folder: Path) -> float:
    work = folder / "plain"
    work.mkdir(exist_ok=True)
    with _plain(images, "resnet18", SIZE_PX, BATCH, 1, 1, cwd=work) as script:
        reading = threading.Thread(target=lambda: script.stdout.read() if script.stdout else "", daemon=True)
        reading.start()
        me = psutil.Process(script.pid)
        peak = _peak_mib(lambda: [me.pid, *(child.pid for child in me.children(recursive=True))])
        reading.join()
    shutil.rmtree(work)
    if script.returncode:
        raise RuntimeError("the plain script has failed")
    return peak


def _peak_mib(pids: Callable[[], list[int]]) -> float:
    """Return the highest sum of the memory of some processes, until the first that is asked for has ended."""
    peak = 0.0
    while True:
        try:
            now = pids()
        except psutil.Error:
            return peak
        sum_mib = sum(_shared_out_mib(pid) for pid in now if pid > 1)
        if not sum_mib:
            return peak
        peak = max(peak, sum_mib)
        time.sleep(_LOOK_S)


def _shared_out_mib(pid: int) -> float:
    """Return the memory of a process in MiB, each shared page divided by those who share it; 0 where it is gone."""
    try:
        rows = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0.0
    return next((int(row.split()[1]) / 1024 for row in rows if row.startswith("Pss:")), 0.0)
