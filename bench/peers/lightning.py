"""Lightning's Trainer with a module and loaders as its first page shows them, checkpoints after each epoch."""

# /// script
# dependencies = ["pytorch-lightning>=2.5"]
# ///

from __future__ import annotations

from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from torchvision import models

from bench.peers.plain import loaders
from bench.peers.task import Notes, Task, given


class Classifier(pl.LightningModule):
    """The network, its loss and its optimizer."""

    def __init__(self, task: Task) -> None:
        super().__init__()
        self.task, self.net = task, models.get_model(task.model, num_classes=task.n_classes)

    def training_step(self, batch: list[Tensor], _: int) -> Tensor:
        """Return the loss of a batch."""
        images, labels = batch
        loss = nn.functional.cross_entropy(self.net(images), labels)
        self.log("train_loss", loss)
        return loss

    def validation_step(self, batch: list[Tensor], _: int) -> None:
        """Log the accuracy of a batch."""
        images, labels = batch
        self.log("val_acc", (self.net(images).argmax(1) == labels).float().mean(), batch_size=len(images))

    def configure_optimizers(self) -> dict[str, Any]:
        """Return the optimizer with a schedule by the step."""
        optimizer = torch.optim.AdamW(self.parameters(), lr=self.task.lr, weight_decay=self.task.decay)
        steps = int(self.trainer.estimated_stepping_batches)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


class Noting(pl.Callback):
    """Notes steps and validations."""

    def __init__(self, notes: Notes) -> None:
        self.notes = notes

    def on_train_batch_end(self, trainer: pl.Trainer, module: Any, out: Any, batch: list[Tensor], _: int) -> None:
        """Note a step."""
        self.notes.step(len(batch[0]))

    def on_validation_epoch_end(self, trainer: pl.Trainer, module: Any) -> None:
        """Note a validation."""
        self.notes.accuracy(trainer.callback_metrics["val_acc"].item())


def main() -> None:
    """Train."""
    task, notes = given()
    notes.imported()
    torch.set_num_threads(task.threads)
    pl.seed_everything(task.seed, verbose=False)
    train, val = loaders(task)
    trainer = pl.Trainer(
        max_epochs=task.epochs, accelerator="cpu", logger=False, callbacks=[Noting(notes)],
        default_root_dir=task.scratch, enable_progress_bar=False, enable_model_summary=False, num_sanity_val_steps=0,
    )  # fmt: skip
    trainer.fit(Classifier(task), train, val)
    notes.tell()


if __name__ == "__main__":
    main()
