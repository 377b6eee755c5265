"""fastai: ImageDataLoaders and a Learner, with the cosine of all others instead of one cycle."""

# /// script
# dependencies = ["fastai>=2.8"]
# ///

from __future__ import annotations

import fastai.vision.all as fv
import torch
from torchvision import models

from bench.peers.task import MEAN, STD, Notes, given


class Noting(fv.Callback):
    """Notes steps and validations."""

    order = 90

    def __init__(self, notes: Notes) -> None:
        self.notes = notes

    def after_batch(self) -> None:
        """Note a step."""
        if self.training:
            self.notes.step(len(self.xb[0]))

    def after_epoch(self) -> None:
        """Note a validation."""
        self.notes.accuracy(self.recorder.values[-1][-1])


def main() -> None:
    """Train, and keep the weights."""
    task, notes = given()
    notes.imported()
    torch.set_num_threads(task.threads)
    fv.set_seed(task.seed)
    data = fv.ImageDataLoaders.from_folder(
        task.data, train="train", valid="val", bs=task.batch, num_workers=task.workers, device=torch.device("cpu"),
        item_tfms=[fv.RandomResizedCrop(task.size, min_scale=0.08), fv.FlipItem(0.5)],
        batch_tfms=[fv.Normalize.from_stats(MEAN, STD)],
    )  # fmt: skip
    model = models.get_model(task.model, num_classes=task.n_classes)
    learner = fv.Learner(
        data, model, loss_func=fv.CrossEntropyLossFlat(), metrics=fv.accuracy, wd=task.decay, path=task.scratch,
        cbs=[Noting(notes)],
    )  # fmt: skip
    with learner.no_bar(), learner.no_logging():
        learner.fit(task.epochs, task.lr, cbs=fv.ParamScheduler({"lr": fv.SchedCos(task.lr, 0.0)}))
    learner.save("model")
    notes.tell()


if __name__ == "__main__":
    main()
