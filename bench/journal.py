"""The journal of a run: saying, reading back, and what charts get of it, at a million messages of five numbers.

CPU time is what counts: of the trainer's thread for saying, of the reader's for the rest; a busy machine stretches wall
time, which is printed beside it where a person would wait. Plain JSON lines are what reading them and keeping five
lists costs without knowing anything. The first reading goes over all lines and leaves the index behind; the later ones
are what whoever comes back waits for. All of it is in the page cache.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import orjson
import scipy.signal  # noqa: F401 - imports are not counted

from bench.table import Row
from nbtrain.messages import Metric
from nbtrain.project.journal_index import IndexedStory, path_of
from nbtrain.project.story import Story
from nbtrain.runs.journal import Journal
from nbtrain.ui.drawn import Drawn

TITLE = "Journal: a million messages of five numbers"
POINTS, BATCH, ROUNDS, REDRAWS = 1_000_000, 100_000, 3, 20
NEWS = 100
"""Messages between two redraws of a chart: 300 ms at 330 steps a second."""
NAMES = ("loss", "lr", "accuracy", "grad_norm", "top5")
DRAWN = ("loss", "accuracy", "lr", "top5")
"""As many curves as a run with three charts of its metrics has."""


def measure() -> list[Row]:
    """Return what a message costs to say, and a million of them to read back, to draw and to go on drawing."""
    with tempfile.TemporaryDirectory(prefix="nbtrain-bench-") as folder:
        events = Path(folder) / "events.jsonl"
        rows = [_saying(events)]
        plain = Row("plain JSON lines into lists (orjson)", "CPU s", (_cpu_s(lambda: _plainly(events, orjson.loads)),))
        slow = Row("the same with the standard json", "CPU s", (_cpu_s(lambda: _plainly(events, json.loads)),))
        first = Row("first reading, without an index", "CPU s", (_cpu_s(lambda: IndexedStory(events).read_on()),))
        return [*rows, plain, slow, first, *_coming_back(events), *_drawing(events)]


def metric(step: int) -> Metric:
    """Return what a trainer says of one step: numbers with all their digits."""
    values = {name: (1 + place) / step**0.5 for place, name in enumerate(NAMES)}
    return Metric(step=step, epoch=step / 1000, split="train", values=values)


def write(events: Path, count: int, first: int = 1) -> list[float]:
    """Say ``count`` messages; return the CPU microseconds of this thread per message, batch by batch."""
    journal, took_us = Journal(events), []
    steps = iter(range(first, first + count))
    while batch := [metric(step) for step in islice(steps, min(count, BATCH))]:
        began_s = time.thread_time()
        for message in batch:
            journal.say(message)
        journal.flush()
        took_us.append(1e6 * (time.thread_time() - began_s) / len(batch))
    journal.close()
    return took_us


def _saying(events: Path) -> Row:
    return Row("say(), each of them", "CPU µs", tuple(write(events, POINTS)), 5.0)


def _plainly(events: Path, loads: Callable[[bytes], dict[str, dict[str, float]]]) -> None:
    columns: dict[str, list[float]] = {name: [] for name in NAMES}
    with open(events, "rb") as file:
        for line in file:
            values = loads(line)["values"]
            for name, column in columns.items():
                column.append(values[name])


def _coming_back(events: Path) -> list[Row]:
    """Measure reading behind an index, and that with all curves drawn, as one who comes back waits for it."""
    cpu_s, wall_ms, drawn_ms = [], [], []
    for _ in range(ROUNDS):
        began_s, began_cpu_s = time.perf_counter(), time.thread_time()
        story = IndexedStory(events).read_on()
        cpu_s.append(time.thread_time() - began_cpu_s)
        wall_ms.append(1e3 * (time.perf_counter() - began_s))
        draw(Drawn(), story)
        drawn_ms.append(1e3 * (time.perf_counter() - began_s))
        if len(story.history.series("train", "loss")[0]) < POINTS:
            raise RuntimeError("the journal was not read back whole")
    behind_ms = [_behind_ms(events) for _ in range(ROUNDS)]
    return [
        Row("reading back by the index", "CPU s", tuple(cpu_s)),
        Row("the same by the clock", "ms", tuple(wall_ms)),
        Row("read back and thinned for the charts, by the clock", "ms", tuple(drawn_ms), 500.0),
        Row("the same while it grows: index at four fifths", "ms", tuple(behind_ms)),
        Row(
            "size of the index, share of the journal",
            "ratio",
            (path_of(events).stat().st_size / events.stat().st_size,),
        ),
    ]


def _behind_ms(events: Path) -> float:
    """Return what it takes where a kernel left the index of a living run behind, and then all lines must be read on."""
    copy = events.with_name("copy") / events.name
    copy.parent.mkdir()
    try:
        with open(events, "rb") as whole, open(copy, "wb") as part:
            part.write(whole.read(int(0.8 * events.stat().st_size)))
        IndexedStory(copy).read_on()
        with open(events, "rb") as whole, open(copy, "r+b") as part:
            shutil.copyfileobj(whole, part)
        began_s = time.perf_counter()
        draw(Drawn(), IndexedStory(copy).read_on())
        return 1e3 * (time.perf_counter() - began_s)
    finally:
        shutil.rmtree(copy.parent)


def draw(drawn: Drawn, story: Story, smoothing: float = 0.6) -> int:
    """Work out the points of every curve, raw and smoothed; return how many they are."""
    kinds = [(name, weight) for name in DRAWN for weight in (0.0, smoothing)]
    return sum(len(drawn.points(story.history, "train", name, weight).y) for name, weight in kinds)


def redraw_ms(drawn: Drawn, story: Story, last: int) -> tuple[float, ...]:
    """Return the CPU milliseconds of each redraw after some news, for a story whose newest step is ``last``."""
    took_ms = []
    for number in range(REDRAWS):
        first = last + 1 + number * NEWS
        story.tell(metric(step) for step in range(first, first + NEWS))
        began_s = time.thread_time()
        draw(drawn, story)
        took_ms.append(1e3 * (time.thread_time() - began_s))
    return tuple(took_ms)


def _drawing(events: Path) -> list[Row]:
    story, drawn = IndexedStory(events).story, Drawn()
    first_ms = 1e3 * _cpu_s(lambda: draw(drawn, story))
    again_ms = redraw_ms(drawn, story, POINTS)
    return [
        Row("thinning and smoothing of 8 curves, at first", "CPU ms", (first_ms,)),
        Row(f"the same again after {NEWS} more steps", "CPU ms", again_ms, 5.0),
    ]


def _cpu_s(work: Callable[[], object]) -> float:
    began_s = time.thread_time()
    work()
    return time.thread_time() - began_s
