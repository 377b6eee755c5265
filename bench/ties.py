"""How often two runs of one configuration are called a tie, and a clearly worse configuration is not: real trainings.

The demo's digits, and two of them side by side with several labels each. Every run has a seed of its own, all of one
data set are evaluated on the same split, and each pair of runs of one configuration is a comparison of equals. Seeds
begin where nobody has chosen anything by them: FIRST_SEED is moved on whenever the rule has been.
"""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from bench.table import Row
from nbtrain import demo, files
from nbtrain.build import build
from nbtrain.evaluation import folder, paired
from nbtrain.evaluation.predictions import Predictions
from nbtrain.messages import Message
from nbtrain.probing import evaluate
from nbtrain.probing.desk import Desk
from nbtrain.project import freeze
from nbtrain.project.project import Project

TITLE = "Ties among runs of one configuration (digits)"
FIRST_SEED = 80_001
RUNS, LONG_RUNS, WORSE_RUNS, RESAMPLES = 8, 20, 3, 500
PAIRS, N_PAIRS = "pairs", 900
_ALIKE = {"hardware.device": "cpu", "hardware.threads": 1, "data.workers": 0, "training.early_stopping": False}
CONFIGURATIONS: Mapping[str, Mapping[str, Any]] = {
    "small residual network, 2 epochs": {"training.epochs": 2},
    "small residual network, 5 epochs": {"training.epochs": 5},
    "plain CNN, 3 epochs": {"model.kind": "custom", "model.blocks": 2, "model.width": 16, "training.epochs": 3},
    "several labels, 3 epochs": {"data.dataset": PAIRS, "training.epochs": 3, "task.kind": "multilabel"},
}
WORSE: Mapping[str, Any] = {"training.epochs": 5, "optimizer.lr": 1e-4}
"""A rate that is thirty times too low."""
BEATEN_BY, FEWER = "small residual network, 5 epochs", "small residual network, 2 epochs"


def measure(*, long: bool = False) -> list[Row]:
    """Return the share of ties per configuration and of all, accuracies, and how often the worse one is called so."""
    runs, rows, made = (LONG_RUNS if long else RUNS), list[Row](), dict[str, list[Predictions]]()
    with tempfile.TemporaryDirectory(prefix="nbtrain-bench-") as place:
        project = demo.digits(Path(place) / "digits")
        project.add_images(_pairs(project.path / "images", Path(place) / PAIRS), PAIRS)
        seed = FIRST_SEED
        for name, changes in CONFIGURATIONS.items():
            made[name] = [_judged(project, changes, seed + at) for at in range(runs)]
            seed += runs
        worse = [_judged(project, WORSE, seed + at) for at in range(WORSE_RUNS)]
        project.close()
    ties = list[bool]()
    for name, found in made.items():
        pairs = [_compared(a, b).tie for a, b in itertools.combinations(found, 2)]
        ties += pairs
        rows += [
            Row(f"{name}: right images", "ratio", tuple(float(one.right.mean()) for one in found)),
            Row(f"{name}: ties among {len(pairs)} pairs", "ratio", (_share(pairs),)),
        ]
    told = [_compared(a, b).verdict.better == "a" for a in made[BEATEN_BY] for b in worse]
    later = [_compared(a, b).verdict.better == "a" for a in made[BEATEN_BY] for b in made[FEWER]]
    return [
        *rows,
        Row(f"ties among all {len(ties)} pairs of equals", "ratio", (_share(ties),), 0.9, True),
        Row("learning rate too low: right images", "ratio", tuple(float(one.right.mean()) for one in worse)),
        Row(f"called worse in {len(told)} pairs", "ratio", (_share(told),), 0.9, True),
        Row(f"2 epochs called worse than 5, of {len(later)} pairs", "ratio", (_share(later),)),
    ]


def _compared(a: Predictions, b: Predictions) -> paired.Comparison:
    return paired.compare(a, b, resamples=RESAMPLES)


def _judged(project: Project, changes: Mapping[str, Any], seed: int) -> Predictions:
    """Train in this process, evaluate the best checkpoint on the validation images, and return what it says."""
    config = project.new_config().set_all({**_ALIKE, **changes, "training.seed": seed})
    if config.task.kind == "multilabel":
        config = config.set("loss.kind", "bce")
    run = project.path / "experiments" / f"seed-{seed}" / "runs" / "0001"
    run.mkdir(parents=True)
    frozen, said = freeze.frozen(project.data, config), list[Message]()
    files.write_json(run / "config.json", frozen)
    build(frozen, run, said.append, lambda: ()).run()
    choices = {m.path: {"value": m.value, "reason": m.reason} for m in said if m.kind == "resolved"}
    files.write_json(run / "resolved.json", {"choices": choices})
    request = {"run": str(run.relative_to(project.path)), "part": "val", "checkpoint": "best"}
    number = evaluate.work(Desk(project.path, request, said.append))["number"]
    return folder.predictions(folder.path(run.parents[1], int(number)))


def _pairs(digits: Path, folder: Path) -> Path:
    """Write images of two digits each, and a table with the labels of both; return the table."""
    generator, rows = np.random.default_rng(0), ["file,labels"]
    found = sorted(digits.rglob("*.png"))
    folder.mkdir()
    for number in range(N_PAIRS):
        two = [found[place] for place in generator.integers(0, len(found), 2)]
        image = Image.new("RGB", (2 * demo.SIZE_PX, demo.SIZE_PX))
        for place, path in enumerate(two):
            image.paste(Image.open(path), (place * demo.SIZE_PX, 0))
        image.save(folder / f"{number:04}.png")
        labels = {path.parent.name for path in two} | (
            {"odd sum"} if sum(int(one.parent.name) for one in two) % 2 else set()
        )
        rows.append(f"{number:04}.png,{'|'.join(sorted(labels))}")
    (folder / "labels.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return folder / "labels.csv"


def _share(found: list[bool]) -> float:
    return sum(found) / len(found)
