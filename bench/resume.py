"""What a kill in the middle of an epoch costs, and what a resume makes of it: nbtrain beside Lightning and HF Trainer.

The same small network learns the same digits; after step 33 of 60, in the second of three epochs, the process is
killed, and resumed as each tool documents it. Told is how many steps were lost, which share of that epoch's images the
weights at the end never saw or saw twice, and whether they equal those of a run that was never interrupted.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from bench import peers
from bench.resume_lives import IMAGES, KILL_AT, STEPS_PER_EPOCH, WAYS
from bench.table import Row

TITLE = f"Killed after step {KILL_AT} of an epoch that ends at {2 * STEPS_PER_EPOCH}, and resumed"


def measure() -> list[Row]:
    """Return four figures for each tool and each of its ways to keep checkpoints; nbtrain's are held to a limit."""
    for tool in ("lightning", "hf_trainer"):
        peers.install(tool)
    rows = []
    with tempfile.TemporaryDirectory(prefix="nbtrain-bench-") as folder:
        for tool in WAYS:
            place = Path(folder) / tool
            place.mkdir()
            _live(tool, place)
            for name, told in json.loads((place / "lives.json").read_text(encoding="utf-8")).items():
                rows += _rows(f"{tool}, {name}", told, ours=tool == "nbtrain")
    return rows


def _live(tool: str, place: Path) -> None:
    words = [sys.executable, "-W", "ignore", "-m", "bench.resume_lives", tool, str(place)]
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
    done = subprocess.run(words, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        raise RuntimeError(f"{tool} failed:\n{done.stdout[-2000:]}{done.stderr[-4000:]}")


def _rows(name: str, told: dict[str, Any], *, ours: bool) -> list[Row]:
    first, second = told["lives"]
    resumed_at = second[0][0] - 1
    done = [(step, ids) for step, ids in first if step <= resumed_at] + second
    epoch = range(STEPS_PER_EPOCH + 1, 2 * STEPS_PER_EPOCH + 1)
    seen = Counter(image for step, ids in done if step in epoch for image in ids)
    figures = {
        "steps lost": (float(KILL_AT - resumed_at), "steps", None),
        "images of the epoch never seen": (100 * (1 - len(seen) / IMAGES), "%", 0.0),
        "images of the epoch seen twice": (100 * sum(n > 1 for n in seen.values()) / IMAGES, "%", 0.0),
        "weights differ from the uninterrupted run's": (float(not told["equal"]), "yes = 1", 0.0),
    }
    return [Row(f"{name}: {what}", unit, (value,), limit if ours else None)
            for what, (value, unit, limit) in figures.items()]  # fmt: skip
