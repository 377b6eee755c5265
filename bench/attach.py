"""Coming back to what is there, and ending it: a run with a long history, a long list, and Stop.

Attaching and listing are measured in fresh processes, from ``Project(path)`` to the last number; their imports are not
counted. The run with the long history is living: its journal is written by another process, as a trainer's is. Stop is
measured on real trainers: of the digits, against the longest of their own steps, and in every other phase on
photographs, where each phase lasts long enough to be met. A trainer that is killed must leave nothing behind: no loader
process, no small parent.
"""

from __future__ import annotations

import itertools
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from bench import photographs
from bench.table import Row
from nbtrain import demo, files, processes
from nbtrain.data.sources import Folder
from nbtrain.messages import Acknowledged, Message, Metric, Status
from nbtrain.project import freeze
from nbtrain.project.experiment import Experiment
from nbtrain.project.project import Project
from nbtrain.runs import warm
from nbtrain.runs.folder import RunFolder
from nbtrain.runs.journal import JournalReader

TITLE = "Coming back, and Stop"
POINTS, EXPERIMENTS, ROUNDS, PHOTOGRAPHS = 50_000, 1000, 5, 1000
SLOW: dict[str, Any] = {
    "model.variant": "resnet50", "task.image_size": 64, "training.epochs": 100, "training.batch_size": 32,
    "data.cache": "off", "data.workers": 1,
}  # fmt: skip
PHASES: dict[str, dict[str, Any]] = {
    "importing": {},
    "scanning data": {},
    "planning": {"training.batch_size": "auto"},
    "building": {"model.variant": "vit_base_patch16_224", "task.image_size": 224},
    "validating": {"model.variant": "test_resnet", "data.val_ratio": 0.9},
}
"""What makes each phase last, by its name."""

_SPEAK = """
import sys, time
from nbtrain import files, locks, processes
from nbtrain.messages import Metric, Status
from nbtrain.runs.folder import RunFolder, RunStatus
from nbtrain.runs.journal import Journal

run, count = RunFolder(sys.argv[1]), int(sys.argv[2])
lock = locks.FileLock(run.lock); lock.acquire()
files.write_json(run.path / "owner.json", {**processes.identity(), "generation": 1})
journal = Journal(run.events)
journal.say(Status(status="training", phase="training", epochs=100, steps=count))
for step in range(1, count + 1):
    values = {"loss": 1 / step, "lr": 0.1, "accuracy": 0.5}
    journal.say(Metric(step=step, epoch=100 * step / count, split="train", values=values))
journal.flush()
run.write_status(RunStatus("training", phase="training", step=count, heartbeat_s=time.time()))
print("ready", flush=True)
while True:
    run.write_status(RunStatus("training", phase="training", step=count, heartbeat_s=time.time())); time.sleep(0.5)
"""
_ATTACH = """
import sys, time
from nbtrain import Project
import nbtrain.project.experiment, nbtrain.project.project, numpy
began = time.perf_counter()
found = Project(sys.argv[1]).experiment("Long")
while (points := len(found.curves.series("train", "loss")[0])) < int(sys.argv[2]): time.sleep(0.002)
print(time.perf_counter() - began, points, found.status)
"""
_LIST = """
import sys, time
from nbtrain import Project
import nbtrain.project.experiment, nbtrain.project.project
began = time.perf_counter()
rows = [(e.name, e.status, e.best, e.progress) for e in Project(sys.argv[1]).experiments()]
print(time.perf_counter() - began, len(rows), sum(row[1] == "completed" for row in rows))
"""


def measure() -> list[Row]:
    """Return the seconds to attach and to list, and what a Stop takes."""
    with tempfile.TemporaryDirectory(prefix="nbtrain-bench-") as folder:
        path = Path(folder) / "digits"
        project = demo.digits(path)
        photos = _photographs(Path(folder))
        return [*_attaching(project), *_stopping(project), *_phases(photos), *_orphans(photos), *_listing(project)]


def _attaching(project: Project) -> list[Row]:
    experiment = project.new("Long")
    experiment.save()
    run = RunFolder.create(experiment.folder, freeze.frozen(project.data, experiment.config))
    words = [sys.executable, "-c", _SPEAK, str(run.path), str(POINTS)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as trainer:
        try:
            if not trainer.stdout or trainer.stdout.readline().strip() != "ready":
                raise RuntimeError("the journal was not written")
            took_s = tuple(_asked(_ATTACH, project, str(POINTS), "training") for _ in range(ROUNDS))
        finally:
            trainer.kill()
    return [Row(f"attach to a living run with {POINTS} points, curves whole", "s", took_s, 1.0)]


def _listing(project: Project) -> list[Row]:
    """Measure the list of many trained experiments: one that was trained, and its copies."""
    trained = project.new("Trained", project.new_config().set("training.epochs", 2))
    if trained.train(beside=True).wait(120) != "completed":
        raise RuntimeError(str(trained.error))
    shutil.rmtree(Path(trained.run_path) / "checkpoints")
    have = len(list((project.path / "experiments").iterdir()))
    for number in range(EXPERIMENTS - have):
        _copy(Path(trained.folder), number)
    took_s = tuple(_asked(_LIST, project, str(EXPERIMENTS)) for _ in range(ROUNDS))
    return [Row(f"list {EXPERIMENTS} experiments with status, best and progress", "s", took_s, 1.0)]


def _copy(folder: Path, number: int) -> None:
    new = files.new_id()
    target = folder.with_name(f"copy-{number}-{new}")
    shutil.copytree(folder, target)
    plain = json.loads((target / "experiment.json").read_text(encoding="utf-8"))
    (target / "experiment.json").write_text(json.dumps({**plain, "id": new, "name": f"Copy {number}"}))


def _stopping(project: Project) -> list[Row]:
    project.warm_up()
    time.sleep(15)  # the warm process gets ready
    steps, gone_s = [], []
    for number in range(ROUNDS):
        config = project.new_config().set_all({"training.epochs": 10_000, "logging.every_n_steps": 1})
        experiment = project.new(f"Stop {number}", config)
        experiment.train(beside=True)
        while experiment.step < 30:
            time.sleep(0.05)
        run = RunFolder(experiment.run_path)
        pid = run.owner()["pid"]
        asked_s, asked_clock_s = time.monotonic(), time.time()
        experiment.stop()
        while processes.exists(pid):
            time.sleep(0.002)
        gone_s.append(time.monotonic() - asked_s)
        said = JournalReader(run.events).read()
        taken_s = next(m.t_s for m in said if isinstance(m, Acknowledged)) - asked_clock_s
        at_s = [m.t_s for m in said if isinstance(m, Metric) and m.split == "train"]
        longest_s = max(after - before for before, after in itertools.pairwise(at_s[-60:]))
        steps.append(max(0.0, taken_s) / longest_s)
    return [
        Row("Stop acknowledged, in steps of the run (its longest)", "steps", tuple(steps), 1.0),
        Row("Stop to process gone", "s", tuple(gone_s), 3.0),
    ]


def _photographs(folder: Path) -> Project:
    """Return a project of photographs, in which scanning and building take seconds."""
    project = Project(folder / "photographs")
    project.add_images(Folder(path=str(photographs.folder(PHOTOGRAPHS))), "photographs")
    return project


def _phases(project: Project) -> list[Row]:
    """Measure Stop in each phase but training, from the request to the end of the process."""
    rows = []
    for phase, changes in PHASES.items():
        gone_s = tuple(_stopped_in(project, phase, {**SLOW, **changes}) for _ in range(2))
        rows.append(Row(f"Stop while {phase}, to process gone", "s", gone_s, 3.0))
    return rows


def _stopped_in(project: Project, phase: str, changes: dict[str, Any]) -> float:
    """Return the seconds from Stop to the end of the trainer, asked as soon as ``phase`` begins."""
    for seen in (project.path / "datasets").glob("*.scan"):
        seen.unlink()  # so that there is something to scan
    experiment = project.new(phase, project.new_config().set_all(changes))
    run = _begun(experiment, cold=phase == "importing")
    reader = JournalReader(run.events)
    _until(lambda: any(_is_in(phase, said) for said in reader.read()))
    pid = run.owner()["pid"]
    asked_s = time.monotonic()
    experiment.stop()
    while processes.exists(pid):
        time.sleep(0.002)
    took_s = time.monotonic() - asked_s
    _until(lambda: not experiment.running)
    if experiment.status != "cancelled":
        raise RuntimeError(f"{phase}: {experiment.status} {experiment.error}")
    return took_s


def _is_in(phase: str, said: Message) -> bool:
    """Tell whether a run says that it is in ``phase``; a model is mostly built beside the scan."""
    if not isinstance(said, Status):
        return False
    return said.phase == phase or (phase == "building" and "being built" in said.detail)


def _begun(experiment: Experiment, *, cold: bool = False) -> RunFolder:
    """Start the run and return its folder."""
    ask = warm.ask
    if cold:
        warm.ask = lambda request: {"refused": "a cold start, to be measured"}
    try:
        experiment.train(beside=True)
    finally:
        warm.ask = ask
    return RunFolder(experiment.run_path)


def _orphans(project: Project) -> list[Row]:
    """Measure how long after a trainer's SIGKILL its loader processes and its small parent are gone."""
    workers_s, all_s = [], []
    changes = {**SLOW, "model.variant": "test_resnet", "data.worker_kind": "processes", "data.workers": 2}
    for _ in range(2):
        experiment = project.new("killed", project.new_config().set_all(changes))
        run = _begun(experiment)
        _until(lambda run=run: run.status().step > 0)
        trainer = psutil.Process(run.owner()["pid"])
        loaders, parent = trainer.children(recursive=True), trainer.parent()
        if not loaders or parent is None:
            raise RuntimeError("the trainer has no loader processes")
        trainer.kill()
        killed_s = time.monotonic()
        _until(lambda loaders=loaders: not any(processes.exists(one.pid) for one in loaders))
        workers_s.append(time.monotonic() - killed_s)
        _until(lambda pid=parent.pid: not processes.exists(pid))
        all_s.append(time.monotonic() - killed_s)
    return [
        Row("killed trainer: loader processes gone", "s", tuple(workers_s), 1.0),
        Row("killed trainer: small parent gone too", "s", tuple(all_s), 1.0),
    ]


def _until(condition: Callable[[], object]) -> None:
    end_s = time.monotonic() + 120
    while not condition():
        if time.monotonic() > end_s:
            raise RuntimeError("not within two minutes")
        time.sleep(0.002)


def _asked(code: str, project: Project, *expected: str) -> float:
    """Return the seconds that a fresh process tells, which must have found what is there."""
    words = [sys.executable, "-c", code, str(project.path), expected[0]]
    took_s, *found = subprocess.run(words, capture_output=True, text=True, check=True).stdout.split()
    if found[: len(expected)] != list(expected):
        raise RuntimeError(f"expected {expected}, found {found}")
    return float(took_s)
