"""timm's parts put together as its train.py does: its data set, loader, optimizer, schedule, meters and saver."""

# /// script
# dependencies = []
# ///

from __future__ import annotations

import timm.optim
import timm.scheduler
import timm.utils
import torch
from timm.data import create_dataset, create_loader
from torch import nn
from torchvision import models

from bench.peers.task import MEAN, STD, Task, given


def loader(task: Task, split: str) -> torch.utils.data.DataLoader:
    """Return the loader of one set, without the prefetcher, which is for GPUs."""
    training = split == "train"
    change = {"color_jitter": None, "scale": (0.08, 1.0), "no_aug": False} if training else {"crop_pct": 224 / 256}
    return create_loader(
        create_dataset("", root=f"{task.data}/{split}", split=split), (3, task.size, task.size), task.batch,
        is_training=training, use_prefetcher=False, num_workers=task.workers, persistent_workers=task.workers > 0,
        interpolation="bilinear", mean=MEAN, std=STD, **change,
    )  # fmt: skip


def main() -> None:
    """Train, validate and save after each epoch."""
    task, notes = given()
    notes.imported()
    torch.set_num_threads(task.threads)
    timm.utils.random_seed(task.seed)
    train, val = loader(task, "train"), loader(task, "val")
    model = models.get_model(task.model, num_classes=task.n_classes)
    optimizer = timm.optim.create_optimizer_v2(model, "adamw", lr=task.lr, weight_decay=task.decay)
    steps = len(train)
    schedule = timm.scheduler.CosineLRScheduler(optimizer, t_initial=task.epochs * steps, t_in_epochs=False)
    saver = timm.utils.CheckpointSaver(model, optimizer, checkpoint_dir=task.scratch, recovery_dir=task.scratch)
    loss_of = nn.CrossEntropyLoss()
    for epoch in range(task.epochs):
        model.train()
        losses = timm.utils.AverageMeter()
        for step, (images, labels) in enumerate(train, 1):
            loss = loss_of(model(images), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.update(loss.item(), len(images))
            schedule.step_update(epoch * steps + step)
            notes.step(len(images))
        model.eval()
        top1 = timm.utils.AverageMeter()
        with torch.inference_mode():
            for images, labels in val:
                top1.update(timm.utils.accuracy(model(images), labels)[0].item(), len(images))
        notes.accuracy(top1.avg / 100)
        saver.save_checkpoint(epoch, metric=top1.avg)
    notes.tell()


if __name__ == "__main__":
    main()
