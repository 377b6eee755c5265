"""What grows with what: what ten times as many images, experiments, points, epochs or workers cost.

Each exponent is the slope of log cost over log count between the largest sizes, by CPU time, the least of some rounds:
1 is linear, 0 does not grow. NBTRAIN_BENCH_LARGE=1 adds a million images and ten million points.
"""

from __future__ import annotations

import gc
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import orjson
import scipy.signal  # noqa: F401 - imports are not counted

from bench import journal, loader, photographs
from bench.table import Row
from nbtrain import demo, files
from nbtrain.data.assembly import Part, look
from nbtrain.data.images import Images
from nbtrain.data.loader import Loader, Reading
from nbtrain.data.sources import detect
from nbtrain.messages import Metric, PerClass, Saved, Status
from nbtrain.project import counsel, freeze
from nbtrain.project.experiment import Experiment
from nbtrain.project.journal_index import IndexedStory
from nbtrain.project.project import Project
from nbtrain.project.story import Story
from nbtrain.runs.folder import RunFolder, RunStatus
from nbtrain.runs.journal import Journal
from nbtrain.ui.details import metric_rows
from nbtrain.ui.drawn import Drawn
from nbtrain.ui.experiments import Experiments

TITLE = "What grows with what"
LARGE = os.environ.get("NBTRAIN_BENCH_LARGE") == "1"
IMAGES = (1_000, 10_000, 100_000, *((1_000_000,) if LARGE else ()))
EXPERIMENTS = (10, 100, 1_000, 10_000)
POINTS = (1_000, 10_000, 100_000, 1_000_000, *((10_000_000,) if LARGE else ()))
EPOCHS = (10, 100, 1_000, 10_000)
WORKERS = (1, 2, 4, 8)
ROUNDS, LIST_ROUNDS, IDLE_S = 3, 3, 6.0
LINEAR, FLAT = 1.05, 0.25
"""Limits of the exponents: of what may grow with the count, and of what shall not."""
_LAST = 3
"""How many of the largest sizes the slope is taken over: below, what is paid once hides what grows."""
_LINKS = 10_000
"""Names that one file is given: file systems limit them."""


def measure() -> list[Row]:
    """Return the exponents, and the costs at the largest sizes."""
    with tempfile.TemporaryDirectory(prefix="nbtrain-bench-") as folder:
        root = Path(folder)
        parts = (_images, _experiments, _points, _epochs)
        return [row for part in parts for row in part(root)] + _workers()


def exponent(counts: Sequence[int], costs: Sequence[float]) -> float:
    """Return the slope of log cost over log count between the largest counts."""
    x, y = np.log(counts[-_LAST:]), np.log(np.maximum(costs[-_LAST:], 1e-9))
    return float(np.polyfit(x, y, 1)[0])


def _cpu_s(work: Callable[[], object], rounds: int = ROUNDS) -> float:
    """Return the least CPU seconds of this thread over some rounds, without what the last one has left."""
    took_s = []
    for _ in range(rounds):
        gc.collect()
        began_s = time.thread_time()
        work()
        took_s.append(time.thread_time() - began_s)
    return min(took_s)


def _rows(what: str, counts: Sequence[int], costs: Sequence[float], limit: float = LINEAR) -> list[Row]:
    at = f"{what} at {counts[-1]:,}".replace(",", " ")
    return [Row(f"{what}: exponent", "", (exponent(counts, costs),), limit), Row(at, "CPU ms", (1e3 * costs[-1],))]


# -- images -------------------------------------------------------------------------------------------------------


def _images(root: Path) -> list[Row]:
    """Measure how long it takes to list a folder of images in ten classes."""
    costs = []
    for count in IMAGES:
        folder = root / f"images-{count}"
        _link_images(folder, count)
        costs.append(_cpu_s(lambda folder=folder: look((Part("", detect(folder)),))))  # type: ignore[misc]
        shutil.rmtree(folder)
    return _rows("images listed", IMAGES, costs)


def _link_images(folder: Path, count: int) -> None:
    one = next(photographs.folder(loader.IMAGES).rglob("*.jpg")).read_bytes()
    for number in range(count):
        place = folder / f"class-{number % 10}"
        if number < 10:
            place.mkdir(parents=True)
        if number % _LINKS == 0:
            (source := folder.with_suffix(f".{number}")).write_bytes(one)
        os.link(source, place / f"{number:07}.jpg")


# -- experiments --------------------------------------------------------------------------------------------------


def _experiments(root: Path) -> list[Row]:
    """Measure opening and listing, one tick of one card, and what an idle project costs."""
    path, opened, ticked, there = root / "digits", [], [], 0
    for count in EXPERIMENTS:
        _fill(path, there, count)
        there = count
        opened.append(_cpu_s(lambda: _list(path), 2))
        project = Project(path)
        panel = Experiments(project)
        ticked.append(_cpu_s(lambda panel=panel: _tick(panel), 10))  # type: ignore[misc]
        panel.close()
        project.close()
    return [
        *_rows("experiments listed", EXPERIMENTS, opened),
        *_rows("one card's news in the list", EXPERIMENTS, ticked, FLAT),
        *_by_the_clock(path, there),
    ]


def _by_the_clock(path: Path, count: int) -> list[Row]:
    listed_s, idle = [], []
    for _ in range(LIST_ROUNDS):
        began_s = time.perf_counter()
        _list(path)
        listed_s.append(time.perf_counter() - began_s)
    project = Project(path)
    panel = Experiments(project)
    message = orjson.dumps(panel.cards)
    time.sleep(1)
    for _ in range(2):
        began_s = time.process_time()
        time.sleep(IDLE_S)
        idle.append(100 * (time.process_time() - began_s) / IDLE_S)
    new_ms = 1e3 * _cpu_s(lambda: (project.new("x"), panel.redraw()))
    panel.close()
    project.close()
    return [
        Row(f"list {count} experiments with status, best and progress", "s", tuple(listed_s), 3.0),
        Row(f"idle project of {count} experiments, all threads", "% CPU", tuple(idle), 3.0),
        Row(f"first message of the list of {count}", "MB", (len(message) / 1e6,)),
        Row(f"+ New in a list of {count}", "CPU ms", (new_ms,)),
    ]


def _list(path: Path) -> None:
    project = Project(path)
    rows = [(e.name, e.status, e.best, e.progress) for e in project.experiments()]
    if sum(row[1] == "completed" for row in rows) != len(rows):
        raise RuntimeError("the list is not whole")
    project.close()


def _tick(panel: Experiments) -> None:
    one = panel.model.cards[0]
    one.epoch += 1
    one.beat = time.time()
    panel.redraw()


def _fill(path: Path, have: int, count: int) -> None:
    """Make completed experiments, each with its own learning rate; what never differs is one file by many names."""
    if not have:
        project = demo.digits(path)
        _complete(project.new("First"))
        project.close()
    first = sorted((path / "experiments").iterdir())[0]
    plain = orjson.loads((first / "experiment.json").read_bytes())
    for number in range(max(1, have), count):
        new = files.new_id()
        target = first.with_name(f"run-{number}-{new}")
        for part in ("commands", "checkpoints"):
            (target / "runs/0001" / part).mkdir(parents=True)
        for name in ("config.json", "events.jsonl", "status.json", "owner.json"):
            os.link(first / "runs/0001" / name, target / "runs/0001" / name)
        plain["config"]["optimizer"]["lr"] = 1e-3 * (1 + number / count)
        changed = {**plain, "id": new, "name": f"Run {number}", "created_s": 1e9 + number}
        (target / "experiment.json").write_bytes(orjson.dumps(changed))


def _complete(experiment: Experiment) -> None:
    experiment.save()
    run = RunFolder.create(str(experiment.folder), freeze.frozen(experiment.project.data, experiment.config))
    Journal(run.events).close()
    owner = {"host": "elsewhere", "boot_id": "", "pid": 1, "started_s": 1e9, "start_ticks": 1, "generation": 1}
    files.write_json(run.path / "owner.json", owner)
    best = {"metric": "accuracy", "value": 0.9, "epoch": 2, "step": 80}
    run.write_status(
        RunStatus("completed", epoch=2, epochs=2, step=80, steps=80, heartbeat_s=1e9 + 60, best=best), durable=True
    )


# -- points -------------------------------------------------------------------------------------------------------


def _points(root: Path) -> list[Row]:
    """Measure saying, reading and drawing a run's numbers."""
    said, first, again, redrawn = [], [], [], []
    for count in POINTS:
        events = root / f"points-{count}" / "events.jsonl"
        events.parent.mkdir()
        took_us = journal.write(events, count)
        said.append(float(np.mean(took_us)) * count / 1e6)
        first.append(_cpu_s(lambda events=events: IndexedStory(events).read_on(), 1))  # type: ignore[misc]
        again.append(_cpu_s(lambda events=events: _come_back(events)))  # type: ignore[misc]
        story, drawn = IndexedStory(events).read_on(), Drawn()
        journal.draw(drawn, story)
        redrawn.append(float(np.median(journal.redraw_ms(drawn, story, count))) / 1e3)
        shutil.rmtree(events.parent)
    return [
        *_rows("points said", POINTS, said),
        *_rows("points read without an index", POINTS, first),
        *_rows("points read back and thinned", POINTS, again),
        *_rows("charts drawn again after 100 points more", POINTS, redrawn, FLAT),
    ]


def _come_back(events: Path) -> None:
    journal.draw(Drawn(), IndexedStory(events).read_on())


# -- epochs -------------------------------------------------------------------------------------------------------


def _epochs(root: Path) -> list[Row]:
    """Measure folding a run's epochs, and what advice and tables make of them at the end of one."""
    told, judged = [], []
    project = Project(root / "none")
    for count in EPOCHS:
        messages = list(_epochs_of(count))
        told.append(_cpu_s(lambda messages=messages: Story().tell(messages), 2))  # type: ignore[misc]
        experiment = project.new(f"{count} epochs")
        experiment._story = Story()
        experiment._story.tell(messages)
        judged.append(_cpu_s(lambda e=experiment: (counsel.course(e), metric_rows(e.curves))))  # type: ignore[misc]
    return [*_rows("epochs told", EPOCHS, told), *_rows("epochs judged", EPOCHS, judged)]


def _epochs_of(count: int) -> Iterator[Status | Metric | PerClass | Saved]:
    yield Status(status="training", epochs=count, steps=10 * count)
    for epoch in range(1, count + 1):
        for step in range(10 * epoch - 9, 10 * epoch + 1):
            yield Metric(step=step, epoch=step / 10, split="train", values={"loss": 1 / step, "lr": 0.1})
        yield Metric(step=10 * epoch, epoch=epoch, split="val", values={"loss": 1 / epoch, "accuracy": 0.5})
        yield PerClass(step=10 * epoch, epoch=epoch, columns=("recall",), rows=(("a", 5, 0.5), ("b", 5, 0.5)))
        yield Saved(file=f"step-{10 * epoch:08}.pt", step=10 * epoch, epoch=epoch, size_bytes=1)


# -- workers ------------------------------------------------------------------------------------------------------


def _workers() -> list[Row]:
    """Measure the CPU time of an epoch, all threads together, read by more and more of them."""
    root = photographs.folder(loader.IMAGES)
    images = Images(root, detect(root).listing().records, loader.CROP, seed=0)
    costs = []
    for count in WORKERS:
        ours = Loader(images, loader.BATCH, Reading(workers=count, threads=True))
        try:
            took_s = []
            for epoch in range(ROUNDS):
                began_s = time.process_time()
                list(ours.stream(epoch * ours.steps_per_epoch, (epoch + 1) * ours.steps_per_epoch))
                took_s.append(time.process_time() - began_s)
            costs.append(min(took_s))
        finally:
            ours.close()
    return _rows("an epoch read by loader threads", WORKERS, costs, FLAT)
