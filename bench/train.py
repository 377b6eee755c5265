"""Whole trainings from JPEG files: nbtrain beside the tools that a person would take otherwise, under the same task.

Same photographs, network, batch size, augmentation, optimizer, schedule and epochs; each side a process of its own, in
turns, so that a busy machine disturbs all alike; ratios are taken within a round. Two settings: ``equal`` gives each
one compute thread and one loader worker, ``best`` what a short search found fastest for it.

    python -m bench train              two epochs of each, less than ten minutes on two quiet cores
    python -m bench --long train       more rounds, the search, three seeds: an hour or more
    python -m bench.train CASE SETTING ROUNDS [SIDE …]      adds rounds to one case
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from bench import peers, photographs, sides
from bench.peers.task import Task
from bench.table import RESULTS, Row, show

TITLE = "Whole trainings from JPEG files (500 × 376), beside other tools"
FOLDER = RESULTS / "train"
THREADS = ((1, 1), (2, 1), (1, 2), (2, 2))
"""(compute threads, loader workers) that the search tries."""
SEARCHED = 256
Setting = Literal["equal", "best"]


@dataclass(frozen=True)
class Held:
    """A limit: the figure of one side against that of the best of others, in the same round."""

    name: str
    side: str
    figure: str
    limit: float | None
    against: tuple[str, ...] = tuple(peers.TOOLS)
    more_is_better: bool = True

    def values(self, rounds: Sequence[dict[str, Any]]) -> Iterator[float]:
        """Yield the ratio of each round in which both sides have the figure."""
        for told in rounds:
            others = [told[one][self.figure] for one in self.against if self.figure in told.get(one, {})]
            if others and self.figure in told.get(self.side, {}):
                best = max(others) if self.figure.endswith("rate") else min(others)
                ours = told[self.side][self.figure]
                yield best / ours if self.figure.endswith("cpu_ms") else ours / best


@dataclass(frozen=True)
class Case:
    """One training that all sides do."""

    model: str
    size: int
    n_train: int
    n_val: int
    batch: int
    sides: tuple[str, ...]
    held: tuple[Held, ...]
    epochs: int = 2

    def task(self, n_train: int = 0, **more: Any) -> Task:
        """Return the task, on photographs that are made where they are not there."""
        data = photographs.learnable(n_train or self.n_train, self.n_val)
        how = {"model": self.model, "size": self.size, "batch": self.batch, "epochs": self.epochs, **more}
        return Task(str(data), "", **how)


def _speed(first: float, later: float, whole: float | None = None) -> tuple[Held, ...]:
    return (
        Held("images/s, first epoch: nbtrain ÷ best peer", "nbtrain", "first_rate", first),
        Held("images/s, from the second: nbtrain ÷ best peer", "nbtrain", "later_rate", later),
        Held("CPU time per image, first epoch: best peer ÷ nbtrain", "nbtrain", "first_cpu_ms", None),
        Held("CPU time per image, from the second: best peer ÷ nbtrain", "nbtrain", "later_cpu_ms", None),
        Held("whole run from the click: nbtrain ÷ best peer", "nbtrain", "whole_s", whole, more_is_better=False),
        Held("whole run, no warm process: ÷ best peer", "nbtrain_cold", "whole_s", None, more_is_better=False),
        Held("peak memory: nbtrain ÷ best peer", "nbtrain", "peak_mib", None, more_is_better=False),
    )


_STEADY = "later_rate"
CASES = {
    "mobilenet64": Case(
        "mobilenet_v3_small", 64, 640, 128, 64, ("nbtrain", *peers.TOOLS, "nbtrain_cold"), _speed(1.6, 1.8, 0.5)
    ),
    "mobilenet128": Case(
        "mobilenet_v3_small", 128, 640, 128, 64, ("nbtrain", *peers.TOOLS, "nbtrain_cold"), _speed(1.4, 1.4)
    ),
    "resnet224": Case(
        "resnet18", 224, 96, 32, 16, ("nbtrain", "nbtrain_bf16", "pure", *peers.TOOLS),
        (
            Held("images/s, float32: nbtrain ÷ best peer", "nbtrain", _STEADY, 1.0),
            Held("images/s, bf16: nbtrain ÷ best peer in float32", "nbtrain_bf16", _STEADY, 1.8),
            Held("images/s: nbtrain ÷ steps alone", "nbtrain", _STEADY, 0.95, ("pure",)),
            Held("CPU time per image: best peer ÷ nbtrain", "nbtrain", "later_cpu_ms", None),
        ),
    ),
    "seeds": Case(
        "resnet18", 64, 512, 128, 32, ("nbtrain", "plain"),
        (
            Held("images/s, from the second: nbtrain ÷ plain loop", "nbtrain", _STEADY, None),
            Held("whole run: nbtrain ÷ plain loop", "nbtrain", "whole_s", None, more_is_better=False),
            Held("accuracy, mean of all epochs: nbtrain ÷ plain loop", "nbtrain", "mean_accuracy", None),
        ),
        epochs=8,
    ),
}  # fmt: skip
FEW = ("nbtrain", "nbtrain_bf16", "pure", "plain", "timm_loop")
SHORT: tuple[tuple[str, Setting, int, tuple[str, ...]], ...] = (
    ("mobilenet64", "equal", 2, ()), ("mobilenet128", "equal", 1, ()), ("resnet224", "equal", 1, FEW),
)  # fmt: skip
LONG: tuple[tuple[str, Setting, int, tuple[str, ...]], ...] = (
    ("mobilenet64", "equal", 5, ()), ("mobilenet64", "best", 3, ()), ("mobilenet128", "equal", 3, ()),
    ("mobilenet128", "best", 3, ()), ("resnet224", "equal", 3, ()), ("resnet224", "best", 3, FEW),
    ("seeds", "equal", 3, ()),
)  # fmt: skip


def measure(long: bool = False) -> list[Row]:
    """Measure anew, and return the rows of all that was measured."""
    rows = []
    for case, setting, rounds, only in LONG if long else SHORT:
        _path(case, setting).unlink(missing_ok=True)
        rows += piece(case, setting, rounds, only)
    return rows


def piece(name: str, setting: Setting, rounds: int, only: Sequence[str] = ()) -> list[Row]:
    """Add rounds of one case under one setting to what is kept of it; return the rows of all its rounds."""
    case = CASES[name]
    kept = _kept(name, setting, case)
    chosen = [side for side in case.sides if not only or side in only]
    if setting == "best":
        _search(case, kept, chosen)
    for _ in range(rounds):
        turn = len(kept["rounds"])
        kept["rounds"].append({})
        kept.setdefault("load", []).append(0.0)
        for side in chosen[turn % len(chosen) :] + chosen[: turn % len(chosen)]:
            threads, workers = kept["threads"].get(_searched_as(side), THREADS[0])
            took = sides.run(side, case.task(threads=threads, workers=workers, seed=turn))
            print(f"  {name}, {setting}, round {turn + 1}: {sides.LABELS[side]}: {_line(took)}", flush=True)
            if isinstance(took, str):
                kept["absent"][side] = took
            else:
                kept["absent"].pop(side, None)
                kept["rounds"][-1][side] = {figure: float(f"{value:.5g}") for figure, value in took.items()}
            kept["load"][-1] = max(kept["load"][-1], round(os.getloadavg()[1], 1))
            _keep(name, setting, kept)  # after each: a long round may be broken off
    return list(rows_of(name, setting, kept))


def _keep(name: str, setting: str, kept: dict[str, Any]) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    text = json.dumps({**kept, "versions": _versions()}, indent=1, ensure_ascii=False)
    _path(name, setting).write_text(text + "\n", encoding="utf-8")


def rows_of(name: str, setting: Setting, kept: dict[str, Any]) -> Iterator[Row]:
    """Yield what is held to limits, then a line for each side that could not be run."""
    case = CASES[name]
    title = f"{case.model} @{case.size}{', three seeds' if name == 'seeds' else ''}, {setting}"
    for held in case.held:
        values = tuple(held.values(kept["rounds"]))
        if values:
            limit = held.limit if setting == "equal" else None
            yield Row(f"{title}: {held.name}", "ratio", values, limit, held.more_is_better)
    for side, reason in kept["absent"].items():
        yield Row(f"{title}: {sides.LABELS[side]}", "", (), note=reason)


def _search(case: Case, kept: dict[str, Any], chosen: Sequence[str]) -> None:
    """Find for each side the threads and workers that are fastest for it, in one short epoch each."""
    for side in dict.fromkeys(_searched_as(one) for one in chosen):
        if side in kept["threads"] or side == "ultralytics_classify":  # that one decides by itself
            continue
        found = {}
        for threads, workers in THREADS:
            took = sides.run(side, case.task(min(SEARCHED, case.n_train), epochs=1, threads=threads, workers=workers))
            if not isinstance(took, str):
                found[f"{threads}+{workers}"] = round(took["first_rate"], 1)
        if found:
            kept["search"][side] = found
            kept["threads"][side] = [int(n) for n in max(found, key=lambda one: found[one]).split("+")]
        print(f"  {sides.LABELS[side]}: {found}", flush=True)


def _searched_as(side: str) -> str:
    return "nbtrain" if side in sides.OURS else side


def _kept(name: str, setting: Setting, case: Case) -> dict[str, Any]:
    """Return what is kept of a case, of the same task on the same machine; else an empty one."""
    task = {key: getattr(case, key) for key in ("model", "size", "n_train", "n_val", "batch", "epochs")}
    machine = {"processor": _processor(), "cores": os.cpu_count(), "system": platform.system()}
    fresh: dict[str, Any] = {"task": task, "machine": machine, "threads": {}, "search": {}, "absent": {}, "rounds": []}
    try:
        found: dict[str, Any] = json.loads(_path(name, setting).read_text(encoding="utf-8"))
    except OSError:
        return fresh
    return found if (found["task"], found["machine"]) == (task, machine) else fresh


def _path(name: str, setting: str) -> Path:
    return FOLDER / f"{name}-{setting}.json"


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    named = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.machine())


def _versions() -> dict[str, str]:
    words = ["git", "-C", str(Path(__file__).parent), "rev-parse", "--short", "HEAD"]
    commit = subprocess.run(words, capture_output=True, text=True, check=False).stdout.strip()
    found = {"nbtrain": f"{importlib.metadata.version('nbtrain')} {commit}".strip()}
    found["python"] = platform.python_version()
    found |= {package: importlib.metadata.version(package) for package in ("torch", "torchvision", "timm")}
    for tool in peers.TOOLS:
        found |= peers.versions(tool)
    return found


def _line(took: sides.Figures | str) -> str:
    return took if isinstance(took, str) else ", ".join(f"{figure} {value:.4g}" for figure, value in took.items())


if __name__ == "__main__":
    show(TITLE, piece(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4:]))  # type: ignore[arg-type]
