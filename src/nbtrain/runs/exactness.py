"""Whether a resumed run repeats itself: what a step said in an earlier life against what it says in this one.

The trainer of a later life compares, and says the answer once, as a journal line: when every step that had to be
repeated has been, or at the first that differs. Equal means equal to the last bit. The journal is read backwards from
its end, and only as far as the life goes back. A life that goes back itself (training/rescue.py) changes its numbers
on purpose, and tells that; nothing behind it is compared.
"""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Callable, Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from nbtrain import files
from nbtrain.errors import NbtrainError
from nbtrain.messages import ENDED, Exact, Message, Metric, Status, decode
from nbtrain.runs.folder import RunFolder
from nbtrain.training.changes import FREE, Changes

Rows = dict[tuple[str, int], Mapping[str, float]]
"""Metrics by split and step."""
EXACT = "exact"
_CHUNK_BYTES = 1 << 18
_TELLING = (b'"metric"', b'"status"')


class Repeats:
    """Passes messages on to ``say``, and says Exact where steps of an earlier life were repeated."""

    def __init__(self, say: Callable[[Message], None], run: RunFolder) -> None:
        self._say, self._run = say, run
        self._before: Rows | None = None
        self._compared, self._done, self._step, self._from = 0, False, 0, 0

    def say(self, message: Message) -> None:
        """Pass a message on, after the answer where it is known now."""
        if not self._done:
            self._hear(message)
        self._say(message)

    def _hear(self, message: Message) -> None:
        if isinstance(message, Metric) and self._before is not None:
            self._compare(message, self._before)
        elif isinstance(message, Status) and message.status == "training":
            if self._before is None:
                self._before, self._from = superseded(self._run.events, message.step), message.step
                self._done = not self._before
            elif message.step < self._step:
                self._answer()
            self._step = message.step
        elif isinstance(message, Status) and message.status in ENDED:
            self._answer()

    def _compare(self, said: Metric, rows: Rows) -> None:
        self._step = max(self._step, said.step)
        before = rows.pop((said.split, said.step), None)
        if before is None:
            return
        self._compared += 1
        differs = _difference(said, before)
        if differs:
            why = _why(self._run, self._from, said.step)
            self._answer(equal=False, step=said.step, text=f"{differs}{why and f'; {why}'}")
        elif not rows:
            self._answer()

    def _answer(self, *, equal: bool = True, step: int = 0, text: str = "") -> None:
        self._done = True
        if self._compared:
            self._say(Exact(compared=self._compared, equal=equal, step=step, text=text))


def superseded(journal: Path, step: int) -> Rows:
    """Return the numbers that the journal's newest story has of steps after ``step``."""
    rows: Rows = {}
    back_to: float = math.inf
    for line in _lines_backwards(journal):
        message = decode(line) if any(word in line[:40] for word in _TELLING) else None
        if isinstance(message, Status) and message.status == "training":
            back_to = min(back_to, message.step)  # what was said before it of later steps no longer counts
        elif isinstance(message, Metric):
            if message.step <= step:
                break
            if message.step <= back_to:
                rows.setdefault((message.split, message.step), message.values)
    return rows


def _lines_backwards(path: Path) -> Iterator[bytes]:
    """Yield the whole lines of a file, the last one first."""
    try:
        with open(path, "rb", opener=files.ordinary) as file:
            end, rest = file.seek(0, os.SEEK_END), b""
            while end:
                start = max(0, end - _CHUNK_BYTES)
                file.seek(start)
                first, *lines = (file.read(end - start) + rest).split(b"\n")
                yield from reversed(lines)
                end, rest = start, first
            yield rest
    except OSError:
        return


def _difference(said: Metric, before: Mapping[str, float]) -> str:
    """Return the first metric that differs, in words; empty where none does."""
    for name, value in said.values.items():
        first = before.get(name, math.nan)
        if value != first and not (math.isnan(value) and math.isnan(first)):
            return f"step {said.step}: {said.split} {name} was {first!r} before the resume and is {value!r} after it"
    return ""


def _why(run: RunFolder, start: int, step: int) -> str:
    """Return what is known to make numbers of ``step`` differ in a life that went on from ``start``; may be empty."""
    return "; ".join([*_changes(run, start, step), *_others(run)])


def _changes(run: RunFolder, start: int, step: int) -> Iterator[str]:
    """Yield what a person has changed since the first life took these steps."""
    with contextlib.suppress(NbtrainError):
        for entry in Changes.of(run.path).entries:
            if start <= entry.step < step and entry.path not in FREE:
                yield f"{entry.path} was changed from {entry.old} to {entry.value} at step {entry.step}"


def _others(run: RunFolder) -> list[str]:
    try:
        frozen = run.config
        hardware = frozen["config"]["hardware"]
        device = run.resolved().get("hardware.device", {}).get("value", hardware["device"])
        versions = {name: frozen["versions"][name] for name in ("torch", "numpy")}
    except (OSError, NbtrainError, KeyError, TypeError, AttributeError):
        return []
    changed = [f"{name} is {now} and was {was}" for name, was in versions.items() if (now := _version(name)) != was]
    gpu = str(device).startswith("cuda") and not hardware.get("deterministic")
    return [*changed, *(["a GPU repeats itself only with hardware.deterministic"] if gpu else [])]


def _version(name: str) -> Any:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
