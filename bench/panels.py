"""What the panels cost and how fresh they are, in a real JupyterLab in a real browser.

Painting: from the key that runs the cell to the frame that shows 100 cards, the form and the run bar. Typing: from a
key in the form to the frame that shows it, and whatever holds the page up when the kernel's answer is drawn. Freshness:
a trainer's journal grows by 200 messages a second; the page notes when each step's number is on screen, on the same
machine's clock as the one that wrote it; idle, and while a cell keeps the kernel busy. Nothing may be lost.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.notebook import Frames, notebook
from bench.table import Row
from browser.page import NotebookView
from nbtrain import demo
from nbtrain.runs.folder import RunFolder

TITLE = "Panels"
EXPERIMENTS = 100
PAINT_ROUNDS = 5
RATE_PER_S, SECONDS = 200, 10

_STUDIO = "from nbtrain import TrainingStudio\nstudio = TrainingStudio({path!r}); studio"
_PAINT = """async () => {
    const began = performance.now();
    const shown = () => document.querySelectorAll('.nbt-experiments .card').length >= %d
        && document.querySelector('.nbt-form .field') && document.querySelector('.nbt-run_bar .row');
    const painted = new Promise(done => { const look = () => shown()
        ? requestAnimationFrame(() => setTimeout(() => done(performance.now() - began)))
        : requestAnimationFrame(look); look(); });
    jupyterapp.commands.execute('notebook:run-cell');
    return await painted;
}"""
_KEYSTROKES = 20
_WATCH_KEYS = """() => {
    window.keys = []; window.tasks = [];
    new PerformanceObserver(list => window.tasks.push(...list.getEntries().map(one => one.duration)))
        .observe({type: 'longtask'});
    document.querySelector('.nbt-form').addEventListener('keydown', () => {
        const began = performance.now();
        requestAnimationFrame(() => setTimeout(() => window.keys.push(performance.now() - began)));
    }, {capture: true});
}"""
_NOTE = """() => {
    window.seen = [];
    const note = () => {
        const found = document.querySelector('.nbt-run_bar')?.innerText.match(/step ([\\d\\s\\u202f]+)/);
        const step = found && Number(found[1].replace(/\\D/g, ''));
        if (step && step !== window.seen.at(-1)?.[0]) requestAnimationFrame(() => setTimeout(() =>
            window.seen.push([step, performance.timeOrigin + performance.now()]))); };
    window.noting = new MutationObserver(note);
    const all = {subtree: true, childList: true, characterData: true};
    window.noting.observe(document.querySelector('.nbt-run_bar'), all);
}"""
_SPEAK = """
import sys, time
from pathlib import Path
from nbtrain.messages import Metric, Status
from nbtrain.runs.folder import RunFolder, RunStatus
from nbtrain.runs.journal import Journal
from nbtrain import files, locks, processes

run, rate, count = RunFolder(Path(sys.argv[1])), float(sys.argv[2]), int(sys.argv[3])
lock = locks.FileLock(run.lock); lock.acquire()
files.write_json(run.path / "owner.json", {**processes.identity(), "generation": 1})
run.write_status(RunStatus("training", phase="training", heartbeat_s=time.time()))
journal = Journal(run.events)
journal.say(Status(status="training", phase="training", epochs=1, steps=count)); journal.flush()
time.sleep(3)
began = time.perf_counter()
for step in range(1, count + 1):
    while time.perf_counter() < began + step / rate: time.sleep(0.0005)
    journal.say(Metric(step=step, epoch=step / count, split="train", values={"loss": 1 / step, "lr": 0.1}))
    journal.flush()
    if step % 100 == 0: run.write_status(RunStatus("training", phase="training", step=step, heartbeat_s=time.time()))
time.sleep(3)
"""


def measure() -> list[Row]:
    """Return painting time and messages, and the age of what is on screen, idle and busy."""
    with tempfile.TemporaryDirectory(prefix="nbtrain-bench-") as folder:
        root = Path(folder)
        path = _many(root / "digits")
        with notebook(root, [_STUDIO.format(path=str(path)), "pass"]) as (view, frames):
            return [
                *_painting(view, frames),
                *_typing(view),
                *_freshness(view, path, busy=False),
                *_freshness(view, path, busy=True),
            ]


def _many(path: Path) -> Path:
    project = demo.digits(path)
    for number in range(EXPERIMENTS - 1):
        project.new(f"Experiment {number}").save()
    trained = project.new("Trained")  # the newest, so that it is selected and its charts are shown
    trained.set("training.epochs", 2)
    if trained.train(beside=True).wait(120) != "completed":
        raise RuntimeError(str(trained.error))
    project.close()
    return path


def _painting(view: NotebookView, frames: Frames) -> list[Row]:
    view.run(0)  # imports, once
    painted_ms, comm = [], []
    for _ in range(PAINT_ROUNDS):
        view.kernel.execute("studio.close(); import gc; gc.collect()")
        view.command("notebook:clear-all-cell-outputs")
        view.page.wait_for_timeout(1500)
        view.page.evaluate("() => { jupyterapp.shell.currentWidget.content.activeCellIndex = 0; }")
        frames.reset()
        painted_ms.append(float(view.page.evaluate(_PAINT % EXPERIMENTS)))
        view.page.wait_for_timeout(3000)
        comm.append(float(frames.comm))
    return [
        Row(f"TrainingStudio() with {EXPERIMENTS} experiments painted", "ms", tuple(painted_ms), 500),
        Row("comm messages for it, charts included", "messages", tuple(comm), 60),
    ]


def _typing(view: NotebookView) -> list[Row]:
    """Type into a field of a new experiment, as a person does; each key until the frame that shows it is painted."""
    view.kernel.execute("e = studio.project.new('Typed'); studio.experiments.selected = e.id")
    box = view.page.locator("[data-path='training.epochs'] input").first
    box.click()
    view.page.evaluate(_WATCH_KEYS)
    for number in range(_KEYSTROKES):
        view.page.keyboard.press("Backspace" if number % 2 else "7")
        view.page.wait_for_timeout(300)  # longer than the pause after which an edit is sent and drawn again
    keys_ms, tasks_ms = view.page.evaluate("() => [window.keys, window.tasks]")
    return [
        Row("keystroke in the form → repainted", "ms", tuple(keys_ms), 50),
        Row("tasks of the page over 50 ms while typing", "ms", tuple(tasks_ms) or (0.0,), 50),
    ]


def _freshness(view: NotebookView, path: Path, *, busy: bool) -> list[Row]:
    name, count = ("busy" if busy else "idle"), RATE_PER_S * SECONDS
    run = _run_of(view, name)
    view.page.evaluate(_NOTE)
    speaker = subprocess.Popen([sys.executable, "-c", _SPEAK, str(run.path), str(RATE_PER_S), str(count)])
    if busy:
        with view.busy(SECONDS + 20):
            view.page.locator(".nbt-run_bar").scroll_into_view_if_needed()  # what is not seen is not sent
            speaker.wait()
    else:
        speaker.wait()
    seen: list[list[float]] = view.page.evaluate("() => { window.noting.disconnect(); return window.seen; }")
    written = {m.step: m.t_s * 1000 for m in _metrics(run)}
    age_ms = tuple(at_ms - written[int(step)] for step, at_ms in seen if int(step) in written)
    known = view.wait_for(f"len(studio.experiment.curves.series('train', 'loss')[0]) == {count}", limit_s=10)
    lost = 0.0 if known else 1.0
    return [
        Row(f"written → visible in the run bar at {RATE_PER_S}/s, {name} kernel", "ms", age_ms, 100),
        Row(f"numbers shown per second, {name} kernel", "1/s", (len(seen) / SECONDS,)),
        Row(f"events lost, {name} kernel", "events", (lost,), 0),
    ]


def _run_of(view: NotebookView, name: str) -> RunFolder:
    """Make a run for a new, selected experiment, as a trainer of another process would find it."""
    code = f"""
e = studio.project.new({name!r}); e.save()
from nbtrain.project import freeze
from nbtrain.runs.folder import RunFolder
run = RunFolder.create(e.folder, freeze.frozen(studio.project.data, e.config)); e.refresh()
studio.experiments.selected = e.id
"""
    view.kernel.execute(code)
    path = view.evaluate("str(run.path)")
    view.wait_for(f"studio.experiment.name == {name!r}")
    time.sleep(1)
    return RunFolder(path)


def _metrics(run: RunFolder) -> list[Any]:
    from nbtrain.messages import Metric
    from nbtrain.runs.journal import JournalReader

    return [m for m in JournalReader(run.events).read() if isinstance(m, Metric)]
