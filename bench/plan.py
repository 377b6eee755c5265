"""The plan against what came: predicted and actual time and peak memory of 12 small real configurations.

Each is measured by ``experiment.plan()`` and then trained to its end, in turns; nothing of one corrects the next. Time
is the person's, from the start of the trainer to its last word; memory is the trainer's highest resident memory, all of
it, and, as the harder figure, what of it lies above the process as it was before the model was there.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.table import Row
from nbtrain import demo

TITLE = "Plan: predicted against actual over 12 configurations (handwritten digits)"
MAX_TIME, MAX_MEMORY = 0.15, 0.10
_FEW = {"data.test_ratio": 0.6}
"""A fifth of the images trains, as many validate: larger networks are done in seconds."""
_LARGE = {"task.image_size": 96}
CONFIGURATIONS: tuple[dict[str, Any], ...] = (
    {"training.epochs": 10},
    {"training.epochs": 6, "training.batch_size": 16},
    {"training.epochs": 10, "training.batch_size": 256, "optimizer.kind": "sgd", "optimizer.lr": 0.05},
    {"training.epochs": 6, "data.workers": 1, "training.ema": True},
    {"training.epochs": 5, "hardware.precision": "bf16-mixed"},
    {"training.epochs": 4, "task.image_size": 64, "training.batch_multiplier": 2, "training.batch_size": 32},
    {"training.epochs": 4, "model.kind": "custom", "model.width": 16, "model.blocks": 3},
    {"training.epochs": 3, "model.variant": "mobilenetv3_small_050", "training.batch_size": 32, **_FEW},
    {"training.epochs": 3, "model.variant": "resnet18", "training.batch_size": 32, **_FEW},
    {"training.epochs": 2, "model.variant": "resnet18", "task.image_size": 64, "training.batch_size": 64, **_FEW},
    {"training.epochs": 3, "model.kind": "torchvision", "model.variant": "shufflenet_v2_x0_5", **_FEW, **_LARGE},
    {"training.epochs": 2, "model.variant": "vit_tiny_patch16_224", "task.image_size": 64, "data.workers": 1, **_FEW},
)  # fmt: skip


def measure() -> list[Row]:
    """Return the errors of time and memory, one value per configuration."""
    found: list[dict[str, float]] = []
    with tempfile.TemporaryDirectory(prefix="nbtrain-bench-") as folder:
        before = os.environ.get("XDG_DATA_HOME")
        os.environ["XDG_DATA_HOME"] = folder
        try:
            project = demo.digits(Path(folder) / "digits")
            project.warm_up()
            time.sleep(15)  # a person reads the page meanwhile; the warm process gets ready
            found = [_one(project, number, changes) for number, changes in enumerate(CONFIGURATIONS)]
            project.close()
        finally:
            os.environ.pop("XDG_DATA_HOME") if before is None else os.environ.update(XDG_DATA_HOME=before)

    def errors(what: str) -> tuple[float, ...]:
        return tuple(abs(one[f"foretold_{what}"] / one[what] - 1) for one in found)

    return [
        Row("run time: error of the prediction", "ratio", errors("s"), MAX_TIME),
        Row("peak memory: error of the prediction", "ratio", errors("bytes"), MAX_MEMORY),
        Row("peak memory above the bare process: error", "ratio", errors("own"), MAX_MEMORY),
        Row("measuring", "s", tuple(one["measured_s"] for one in found)),
        Row("runs: predicted", "s", tuple(one["foretold_s"] for one in found)),
        Row("runs: actual", "s", tuple(one["s"] for one in found)),
        Row("peak memory: predicted", "MiB", tuple(one["foretold_bytes"] / 2**20 for one in found)),
        Row("peak memory: actual", "MiB", tuple(one["bytes"] / 2**20 for one in found)),
    ]


def _one(project: Any, number: int, changes: dict[str, Any]) -> dict[str, float]:
    """Plan one configuration, train it, and return both sides."""
    config = project.new_config().set_all({"data.dataset": "digits", "training.early_stopping": False})
    config = config.set("model.kind", changes["model.kind"]) if "model.kind" in changes else config
    experiment = project.new(f"{number}", config.set_all(changes))
    experiment.save()
    began_s = time.perf_counter()
    plan = experiment.plan()
    measured_s = time.perf_counter() - began_s
    status = experiment.train().wait(120)
    if status != "completed":
        raise RuntimeError(f"{changes}: {status}: {experiment.error}")
    told = json.loads((Path(experiment.run_path) / "plan.json").read_text(encoding="utf-8"))
    own = plan.measured.process_bytes
    one = {
        "s": experiment.duration_s, "foretold_s": plan.run_s, "measured_s": measured_s,
        "bytes": told["peak_bytes"], "foretold_bytes": told["foretold_bytes"],
        "own": told["peak_bytes"] - own, "foretold_own": told["foretold_bytes"] - own,
    }  # fmt: skip
    words = ", ".join(f"{path.partition('.')[2]} {value}" for path, value in changes.items())
    print(
        f"  {one['foretold_s']:6.1f} → {one['s']:6.1f} s   {one['foretold_bytes'] / 2**20:6.0f} →"
        f" {one['bytes'] / 2**20:6.0f} MiB (own {one['foretold_own'] / 2**20:5.0f} → {one['own'] / 2**20:5.0f})"
        f"   planned in {measured_s:4.1f} s   {words}",
        flush=True,
    )
    return one
