"""transformers' Trainer on a torchvision network, evaluated and saved after each epoch."""

# /// script
# dependencies = ["transformers[torch]>=4.50"]
# ///

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torchvision import models
from transformers import Trainer, TrainerCallback, TrainingArguments

from bench.peers.plain import loaders
from bench.peers.task import Notes, Task, given


class Classifier(nn.Module):
    """A network that gives its loss, as the Trainer wants it."""

    def __init__(self, task: Task) -> None:
        super().__init__()
        self.net = models.get_model(task.model, num_classes=task.n_classes)

    def forward(self, pixel_values: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Return loss and logits."""
        logits = self.net(pixel_values)
        return {"loss": nn.functional.cross_entropy(logits, labels), "logits": logits}


class Noting(TrainerCallback):
    """Notes steps and validations."""

    def __init__(self, notes: Notes, batch: int) -> None:
        self.notes, self.batch = notes, batch

    def on_step_end(self, *_: Any, **__: Any) -> None:
        """Note a step."""
        self.notes.step(self.batch)

    def on_evaluate(self, *_: Any, metrics: dict[str, float], **__: Any) -> None:
        """Note a validation."""
        self.notes.accuracy(metrics["eval_accuracy"])


def collate(examples: list[tuple[Tensor, int]]) -> dict[str, Tensor]:
    """Return a batch."""
    images, labels = zip(*examples, strict=True)
    return {"pixel_values": torch.stack(images), "labels": torch.tensor(labels)}


def main() -> None:
    """Train."""
    task, notes = given()
    notes.imported()
    torch.set_num_threads(task.threads)
    arguments = TrainingArguments(
        task.scratch, num_train_epochs=task.epochs, per_device_train_batch_size=task.batch, weight_decay=task.decay,
        per_device_eval_batch_size=task.batch, learning_rate=task.lr, lr_scheduler_type="cosine", use_cpu=True,
        report_to=[], disable_tqdm=True, seed=task.seed, remove_unused_columns=False, eval_strategy="epoch",
        save_strategy="epoch", dataloader_num_workers=task.workers, dataloader_drop_last=False,
        dataloader_persistent_workers=task.workers > 0, label_names=["labels"], max_grad_norm=0.0,
    )  # fmt: skip
    torch.manual_seed(task.seed)
    train, val = (loader.dataset for loader in loaders(task))
    Trainer(
        Classifier(task), arguments, data_collator=collate, train_dataset=train, eval_dataset=val,
        compute_metrics=lambda told: {"accuracy": float(np.mean(told.predictions.argmax(1) == told.label_ids))},
        callbacks=[Noting(notes, task.batch)],
    ).train()  # fmt: skip
    notes.tell()


if __name__ == "__main__":
    main()
