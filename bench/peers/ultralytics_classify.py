"""Ultralytics' classification trainer: torchvision's backbone as one of its blocks, under its own head.

On the CPU it takes no loader workers, and leaves one core, whatever it is told.

Ultralytics is under the AGPL: nothing of nbtrain imports it, and this file is not part of the package.
"""

# /// script
# dependencies = ["ultralytics>=8.3"]
# ///

from __future__ import annotations

from pathlib import Path
from typing import Any

from ultralytics.models.yolo.classify import ClassificationTrainer

from bench.peers.task import given

CHANNELS = {"mobilenet_v3_small": 576, "resnet18": 512}
NETWORK = """
nc: {nc}
backbone:
  - [-1, 1, TorchVision, [{channels}, {model}, null, True, 2]]
head:
  - [-1, 1, Classify, [nc]]
"""


def main() -> None:
    """Train."""
    task, notes = given()
    notes.imported()
    network = Path(task.scratch, "network-cls.yaml")
    network.write_text(NETWORK.format(nc=task.n_classes, channels=CHANNELS[task.model], model=task.model))
    trainer = ClassificationTrainer(
        overrides={
            "model": str(network), "data": task.data, "imgsz": task.size, "batch": task.batch, "epochs": task.epochs,
            "device": "cpu", "workers": task.workers, "seed": task.seed, "project": task.scratch, "name": "run",
            "exist_ok": True, "pretrained": False, "plots": False, "verbose": False, "amp": False,
            "optimizer": "AdamW", "lr0": task.lr, "lrf": 0.0, "cos_lr": True, "warmup_epochs": 0, "nbs": task.batch,
            "weight_decay": task.decay, "momentum": 0.9, "scale": 0.92, "fliplr": 0.5, "hsv_h": 0.0, "hsv_s": 0.0,
            "hsv_v": 0.0, "auto_augment": None, "erasing": 0.0, "dropout": 0.0,
        }
    )  # fmt: skip

    def validated(trainer: Any) -> None:
        notes.accuracy(trainer.metrics["metrics/accuracy_top1"])

    trainer.add_callback("on_train_batch_end", lambda _: notes.step(task.batch))
    trainer.add_callback("on_fit_epoch_end", validated)
    trainer.train()
    notes.tell()


if __name__ == "__main__":
    main()
