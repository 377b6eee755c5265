"""The loop that most people write: torchvision's ImageFolder, transforms v1 and a DataLoader."""

# /// script
# dependencies = []
# ///

from __future__ import annotations

import torch
from torch import nn
from torch.utils.data import DataLoader
from torchvision import models, transforms
from torchvision.datasets import ImageFolder

from bench.peers.task import MEAN, STD, Task, given


def loaders(task: Task) -> tuple[DataLoader, DataLoader]:
    """Return the loaders of both sets."""
    end = [transforms.ToTensor(), transforms.Normalize(MEAN, STD)]
    crop = transforms.Compose([transforms.RandomResizedCrop(task.size), transforms.RandomHorizontalFlip(), *end])
    middle = transforms.Compose([transforms.Resize(task.resize), transforms.CenterCrop(task.size), *end])
    how = {"batch_size": task.batch, "num_workers": task.workers, "persistent_workers": task.workers > 0}
    train = DataLoader(ImageFolder(f"{task.data}/train", crop), shuffle=True, drop_last=True, **how)
    return train, DataLoader(ImageFolder(f"{task.data}/val", middle), **how)


def main() -> None:
    """Train, validate after each epoch, save the weights."""
    task, notes = given()
    notes.imported()
    torch.set_num_threads(task.threads)
    torch.manual_seed(task.seed)
    train, val = loaders(task)
    model = models.get_model(task.model, num_classes=task.n_classes)
    optimizer = torch.optim.AdamW(model.parameters(), lr=task.lr, weight_decay=task.decay)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, task.epochs * len(train))
    loss_of = nn.CrossEntropyLoss()
    for _ in range(task.epochs):
        model.train()
        for images, labels in train:
            with torch.autocast("cpu", torch.bfloat16, enabled=task.precision == "bf16-mixed"):
                loss = loss_of(model(images), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            notes.step(len(images))
        model.eval()
        with torch.no_grad():
            right = sum((model(images).argmax(1) == labels).sum().item() for images, labels in val)
        notes.accuracy(right / len(val.dataset))
    torch.save(model.state_dict(), f"{task.scratch}/model.pt")
    notes.tell()


if __name__ == "__main__":
    main()
