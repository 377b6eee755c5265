"""Lives of one small training by one tool: ``python -m bench.resume_lives TOOL FOLDER``, with tests/ on the path.

For each way of keeping checkpoints: one run to the end, one that is killed by SIGKILL after a step in the middle of an
epoch and then resumed as the tool's documentation says. Every life is a fork of this process, which has only imported.
Each step's images are written down as soon as the step is done; ``lives.json`` holds them, and whether the weights at
the end are equal. Network, images, batch size, optimizer and kind of augmentation are the same for all.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.utils.data import Dataset

from bench import peers
from training.tiny import Network, digits, jitter, tiny_loop

IMAGES, BATCH, EPOCHS, KILL_AT, LR, SEED = 320, 16, 3, 33, 1e-2, 5
STEPS_PER_EPOCH = IMAGES // BATCH
WAYS = {
    "nbtrain": {"every epoch": {}, "by the minute": {"save_every_s": 1e-9}},
    "lightning": {"every epoch": {}, "every 5 steps": {"every_n_train_steps": 5}},
    "hf trainer": {
        "every epoch": {"save_strategy": "epoch"},
        "every 5 steps": {"save_strategy": "steps", "save_steps": 5},
        "every 5 steps, ignore_data_skip": {"save_strategy": "steps", "save_steps": 5, "ignore_data_skip": True},
    },
}


class Notes:
    """Writes down each finished step; kills the process after the one it was told."""

    def __init__(self, path: Path, kill_at: int | None) -> None:
        self._file, self._kill_at = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND), kill_at

    def step(self, step: int, images: list[int]) -> None:
        """Note that ``step`` was done with ``images``."""
        os.write(self._file, json.dumps([step, images]).encode() + b"\n")
        if step == self._kill_at:
            os.kill(os.getpid(), signal.SIGKILL)


class Digits(Dataset[dict[str, Any]]):
    """The same digits as nbtrain's run, augmented the same way, drawing from torch's generator."""

    def __len__(self) -> int:
        return IMAGES

    def __getitem__(self, place: int) -> dict[str, Any]:
        pixels, labels = digits()
        image = jitter(torch.from_numpy(pixels[place]).permute(2, 0, 1)).float() / 255
        return {"images": image, "labels": labels[place], "ids": place}


def nbtrain(folder: Path, notes: Notes, resume: bool, **way: Any) -> nn.Module:
    """Train with nbtrain's loop; resuming is what it does by itself."""
    loop, _ = tiny_loop(folder / "checkpoints", n=IMAGES, batch=BATCH, epochs=EPOCHS, lr=LR, **way)
    stream = loop.parts.train.stream

    def noted(*place: int) -> Iterator[Any]:
        for batch in stream(*place):
            yield batch
            notes.step(loop.place.step, batch.positions.tolist())

    loop.parts.train.stream = noted  # type: ignore[method-assign]
    loop.run()
    return loop.parts.model


def lightning(folder: Path, notes: Notes, resume: bool, **way: Any) -> nn.Module:
    """Train with Lightning's Trainer; resume with ``ckpt_path="last"``."""
    import pytorch_lightning as pl
    from pytorch_lightning.callbacks import ModelCheckpoint

    class Module(pl.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.net = Network()

        def training_step(self, batch: Any, _: int) -> Any:
            return nn.functional.cross_entropy(self.net(batch["images"]), batch["labels"], label_smoothing=0.05)

        def on_train_batch_end(self, outputs: Any, batch: Any, batch_idx: int) -> None:
            notes.step(self.trainer.global_step, batch["ids"].tolist())

        def configure_optimizers(self) -> Any:
            return torch.optim.AdamW(self.parameters(), lr=LR)

    pl.seed_everything(SEED, verbose=False)
    module = Module()
    loader = torch.utils.data.DataLoader(Digits(), BATCH, shuffle=True)
    kept = ModelCheckpoint(folder / "checkpoints", save_last=True, **way)
    trainer = pl.Trainer(
        max_epochs=EPOCHS, accelerator="cpu", logger=False, callbacks=[kept], default_root_dir=folder,
        enable_progress_bar=False, enable_model_summary=False,
    )  # fmt: skip
    trainer.fit(module, loader, ckpt_path="last" if resume else None)
    return module.net


def hf_trainer(folder: Path, notes: Notes, resume: bool, **way: Any) -> nn.Module:
    """Train with transformers' Trainer; resume with ``resume_from_checkpoint=True``."""
    from transformers import Trainer, TrainerCallback, TrainingArguments

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net, self.ids = Network(), list[int]()

        def forward(self, images: Any, labels: Any, ids: Any) -> dict[str, Any]:
            self.ids = ids.tolist()
            logits = self.net(images)
            return {"loss": nn.functional.cross_entropy(logits, labels, label_smoothing=0.05), "logits": logits}

    class Noting(TrainerCallback):
        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            if self.before is not None:  # one step late: a checkpoint is kept only after this call
                notes.step(*self.before)
            self.before = (state.global_step, model.ids)

        before: tuple[int, list[int]] | None = None

        def on_train_end(self, *_: Any, **__: Any) -> None:
            if self.before is not None:
                notes.step(*self.before)

    torch.manual_seed(SEED)
    model = Model()
    arguments = TrainingArguments(
        str(folder / "checkpoints"), num_train_epochs=EPOCHS, per_device_train_batch_size=BATCH, learning_rate=LR,
        lr_scheduler_type="constant", use_cpu=True, report_to=[], disable_tqdm=True, logging_strategy="no", seed=SEED,
        remove_unused_columns=False, **way,
    )  # fmt: skip
    Trainer(model, arguments, train_dataset=Digits(), callbacks=[Noting()]).train(resume_from_checkpoint=resume or None)
    return model.net


TOOLS: dict[str, Callable[..., nn.Module]] = {"nbtrain": nbtrain, "lightning": lightning, "hf trainer": hf_trainer}


def main() -> None:
    """Live all lives of one tool."""
    tool, folder = sys.argv[1], Path(sys.argv[2])
    if tool != "nbtrain":
        sys.path.append(str(peers.FOLDER / tool.replace(" ", "_")))
        __import__("pytorch_lightning" if tool == "lightning" else "transformers.trainer")
    told = {}
    for name, way in WAYS[tool].items():
        here = folder / name
        _life(tool, here / "whole", way)
        _life(tool, here / "pieces", way, kill_at=KILL_AT)
        _life(tool, here / "pieces", way, resume=True)
        lives = [_noted(here / "pieces" / file) for file in ("first", "second")]
        ends = [torch.load(here / one / "weights.pt", weights_only=True) for one in ("whole", "pieces")]
        told[name] = {"lives": lives, "equal": all(torch.equal(ends[0][key], ends[1][key]) for key in ends[0])}
    (folder / "lives.json").write_text(json.dumps(told), encoding="utf-8")


def _life(tool: str, folder: Path, way: dict[str, Any], *, kill_at: int | None = None, resume: bool = False) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    pid = os.fork()
    if pid == 0:
        try:
            torch.set_num_threads(1)
            model = TOOLS[tool](folder, Notes(folder / ("second" if resume else "first"), kill_at), resume, **way)
            torch.save(model.state_dict(), folder / "weights.pt")
            os._exit(0)
        finally:
            os._exit(1)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if code != (0 if kill_at is None else -signal.SIGKILL):
        raise RuntimeError(f"{tool} in {folder} ended with {code}")


def _noted(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


if __name__ == "__main__":
    main()
