"""Training steps alone, on batches that lie in memory: the bound of what a loop with a loader can reach.

The same network, optimizer and preparation as nbtrain's trainer, with nothing beside them.
"""

from __future__ import annotations

import time

import torch
from torch import nn
from torchvision import models

from bench.peers.task import MEAN, STD, given
from nbtrain.training.optimizers import AdamW
from nbtrain.training.parts import Prepare
from nbtrain.training.precision import Precision, keep_memory


def main() -> None:
    """Take as many steps as a training of the task has in each epoch."""
    task, notes = given()
    device = torch.device("cpu")
    torch.set_num_threads(task.threads)
    keep_memory()
    torch.manual_seed(task.seed)
    model = models.get_model(task.model, num_classes=task.n_classes)
    model = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer, prepare = AdamW(lr=task.lr).build(model), Prepare(device, MEAN, STD)
    precision = Precision(task.precision, device)  # type: ignore[arg-type]
    made = [torch.randint(0, 256, (task.batch, 3, task.size, task.size), dtype=torch.uint8) for _ in range(2)]
    wanted = torch.randint(0, task.n_classes, (task.batch,))
    n_steps = task.n_images // task.batch
    for _ in range(task.epochs):
        for step in range(n_steps):
            optimizer.zero_grad()
            with precision.autocast():
                logits = model(prepare(made[step % 2]))
            nn.functional.cross_entropy(logits.float(), wanted).backward()
            optimizer.step()
            notes.step(task.batch)
        notes.validated.append((time.time(), 0.0))
    notes.tell()


if __name__ == "__main__":
    main()
