"""One training by one side, as a whole process, and what it took: seconds, images per second, CPU time, memory.

Known here: how a process is started and watched. What it is told to do is a task's; what figures mean is train.py's.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

from bench import peers
from bench.load import Load
from bench.peers.task import Notes, Task

Figures: TypeAlias = dict[str, float]
OURS = {
    "nbtrain": ("warm", "nbtrain, from the click"),
    "nbtrain_cold": ("cold", "nbtrain, without the warm process"),
    "nbtrain_bf16": ("warm", "nbtrain, bf16"),
}
LABELS = {**{tool: label for tool, (_, label) in OURS.items()}, **peers.TOOLS, "pure": "steps alone, data in memory"}
_LIMIT_S = 560


def run(tool: str, task: Task) -> Figures | str:
    """Return the figures of one training, or why there are none, in words."""
    reason = absent(tool)
    if reason:
        return reason
    with tempfile.TemporaryDirectory(prefix="nbtrain-bench-", ignore_cleanup_errors=True) as scratch:
        task = replace(task, scratch=scratch, precision="bf16-mixed" if tool == "nbtrain_bf16" else task.precision)
        return _run(tool, task, Path(scratch))


@cache
def absent(tool: str) -> str:
    """Return why a tool cannot be run here, nothing where it can; installs it at first."""
    if tool not in peers.TOOLS:
        return ""
    try:
        peers.install(tool)
    except (OSError, subprocess.CalledProcessError) as error:
        told = str(getattr(error, "stderr", "") or error).strip().splitlines()
        return f"could not be installed: {told[-1][:160] if told else error}"
    return ""


def _run(tool: str, task: Task, scratch: Path) -> Figures | str:
    words, environment = _started(tool, task)
    began_s = time.time()
    with open(scratch / "out.txt", "w+b") as out, open(scratch / "err.txt", "w+b") as errors:
        process = subprocess.Popen(words, env=environment, stdout=out, stderr=errors)
        roots = (lambda: _trainers(scratch)) if tool in OURS else (lambda: [process.pid])
        try:
            with Load(roots, lambda: _warm(scratch)) as load:
                code = process.wait(_LIMIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            return f"took more than {_LIMIT_S} s"
        ended_s = time.time()
        if code:
            told = (scratch / "err.txt").read_text(errors="replace").strip().splitlines()
            return f"failed with code {code}: {told[-1][:160] if told else 'no words'}"
    notes = Notes(**json.loads((scratch / "out.txt").read_text().splitlines()[-1]))
    notes.began_s, notes.ended_s = notes.began_s or began_s, notes.ended_s or ended_s
    return figures(notes, task, load)


def _started(tool: str, task: Task) -> tuple[list[str], dict[str, str] | None]:
    """Return the words and the variables that a side is started with."""
    python = [sys.executable, "-W", "ignore", "-m"]
    if tool in OURS:  # its variables stay as they are, so that one warm process serves all rounds
        return [*python, "bench.ours", task.encoded(), OURS[tool][0]], None
    if tool == "pure":
        return [*python, "bench.pure", task.encoded()], None
    environment = peers.environment(peers.FOLDER / tool, task.threads)
    return [*python, f"bench.peers.{tool}", task.encoded()], environment


def figures(notes: Notes, task: Task, load: Load) -> Figures:
    """Return what a training took, from its notes.

    An epoch is timed from the end of the validation before it to its last step; the first from its first step on.
    """
    per_epoch = len(notes.steps) // task.epochs
    epochs = [notes.steps[i * per_epoch : (i + 1) * per_epoch] for i in range(task.epochs)]
    (first_s, _), *rest = epochs[0]
    whole_s = notes.ended_s - notes.began_s
    found = {
        "first_step_s": first_s - notes.began_s,
        "whole_s": whole_s,
        "whole_rate": _images(notes.steps) / whole_s,
        "first_rate": _images(rest) / (rest[-1][0] - first_s),
        "first_cpu_ms": 1e3 * load.cpu_s(first_s, rest[-1][0]) / _images(rest),
        "peak_mib": load.peak_mib,
        "accuracy": notes.validated[-1][1],
        "mean_accuracy": sum(value for _, value in notes.validated) / len(notes.validated),
    }
    if notes.imported_s:
        found["imports_s"] = notes.imported_s - notes.began_s
    if load.beside_mib:
        found["warm_mib"] = load.beside_mib
    if task.epochs > 1:
        spans = [(done_s, steps[-1][0]) for steps, (done_s, _) in zip(epochs[1:], notes.validated, strict=False)]
        later = sum(map(_images, epochs[1:]))
        found["later_rate"] = later / sum(end_s - start_s for start_s, end_s in spans)
        found["later_cpu_ms"] = 1e3 * sum(load.cpu_s(*span) for span in spans) / later
    return found


def _images(steps: list[tuple[float, int]]) -> int:
    return sum(n for _, n in steps)


def _trainers(scratch: Path) -> list[int]:
    """Return the trainer that a project's run names, once there is one."""
    found = []
    for owner in scratch.glob("project/experiments/*/runs/*/owner.json"):
        try:
            found.append(int(json.loads(owner.read_text())["pid"]))
        except (OSError, ValueError, KeyError):
            continue
    return found


def _warm(scratch: Path) -> list[int]:
    try:
        pid: Any = json.loads((scratch / "warm.json").read_text())
    except (OSError, ValueError):
        return []
    return [int(pid)] if pid else []
