"""The sections of a run that are not families: training, checkpoint, logging, hardware. Settings only."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import ValidationInfo, field_validator

from nbtrain.schema import Section, field
from nbtrain.training import naming
from nbtrain.training.loggers import Target

MOST_EPOCHS = 200
"""Epochs that auto stands for at most: the upper end of the slider; early stopping ends nearly all runs before."""


UNDECIDED_BATCH = 32
"""Images per step where the batch size is auto and not decided yet: what a configuration starts with."""


class Training(Section):
    """How long, how many at once, and when to stop."""

    epochs: int | Literal["auto"] = field(50, ge=1, le=100_000, soft=(10, 200), unit="epochs", live=True)
    """Passes over the training images. auto: as many as fit into the time budget by a measurement, where there is one;
    else up to 200, and early stopping ends the run."""
    batch_size: int | Literal["auto"] = field(32, ge=1, le=65_536, soft=(8, 256), log=True, unit="images")
    """Images per step on the device. auto: measured before the run; the smallest power of two that is nearly as fast
    as the fastest, of those within the memory target that leave an epoch 10 steps."""
    batch_multiplier: int = field(1, ge=1, le=64, soft=(1, 16), unit="batches")
    """Batches whose gradients are added up before the weights change: a larger batch without more memory."""
    clip_norm: float = field(0.0, ge=0.0, le=1e6, soft=(0.0, 10.0), unit="norm", label="Gradient clipping", live=True)
    """Largest norm of the gradient; longer ones are scaled down to it. 0 switches clipping off."""
    ema: bool = field(False, label="Average weights (EMA)")
    """Keep a moving average of the weights and validate with it."""
    ema_decay: float = field(0.999, ge=0.0, lt=1.0, unit="ratio", label="EMA decay", when=lambda training: training.ema)
    """Share of the old average that is kept at each step."""
    early_stopping: bool = field(True)
    """End the run when the watched metric has not improved for a number of epochs."""
    monitor: Literal["auto", "loss", "accuracy", "f1", "auroc", "map"] = field(
        "auto", label="Watched metric", labels={"f1": "F1", "auroc": "AUROC", "map": "mAP"}
    )
    """Validation metric that decides what is best; auto takes the task's main metric."""
    patience: int = field(
        10, ge=1, le=10_000, soft=(3, 30), unit="epochs", live=True, when=lambda training: training.early_stopping
    )
    """Epochs without improvement after which the run ends."""
    min_delta: float = field(
        1e-4, ge=0.0, le=1.0, unit="ratio", advanced=True, when=lambda training: training.early_stopping
    )
    """Smallest change that counts as an improvement."""
    stall_limit_s: int = field(600, ge=0, le=86_400, unit="seconds", advanced=True, label="Give up after a stall of")
    """Seconds without any progress, after training has begun, that end the run; what it hangs in is shown.
    A loader worker that gives nothing for half of that is replaced. 0: never. A single step must be quicker."""
    time_budget_minutes: float = field(
        0.0, ge=0.0, le=525_600.0, soft=(0.0, 600.0), unit="minutes", live=True, advanced=True, label="Time budget"
    )
    """Time after which the run has kept a checkpoint and paused; each resume has it anew. 0: no limit."""
    seed: int = field(42, ge=0, le=2**31 - 1, unit="seed", advanced=True)
    """Seed of all randomness: the same seed, configuration and data give the same run on the CPU."""

    @property
    def batch(self) -> int | None:
        """Images per step, None while that is auto and not decided."""
        return None if self.batch_size == "auto" else self.batch_size

    @property
    def most_epochs(self) -> int:
        """Epochs that the run has at most."""
        return MOST_EPOCHS if self.epochs == "auto" else self.epochs

    @property
    def epochs_are_measured(self) -> bool:
        """Whether the number of epochs hangs on how long one takes."""
        return self.epochs == "auto" and self.time_budget_minutes > 0


class Checkpoint(Section):
    """What is kept of the weights, and how often."""

    every_n_epochs: int = field(1, ge=1, le=100_000, unit="epochs", live=True, label="Save every")
    """Epochs between two checkpoints; the last epoch is always saved."""
    every_n_minutes: float = field(
        0.0, ge=0.0, le=10_080.0, soft=(0.0, 120.0), unit="minutes", live=True, label="Save also every"
    )
    """Minutes after which one is kept in the middle of an epoch too; 0 waits for the ends of epochs."""
    keep_last_n: int = field(1, ge=1, le=10_000, unit="checkpoints", label="Keep the last")
    """Newest checkpoints that are kept beside the best one."""
    keep_best_only: bool = field(False)
    """After the run, delete every checkpoint but the best."""
    best_name: str = field("best_model.pt", advanced=True, label="Name of the best")
    """File name under which the best checkpoint is also found; may hold {name}, {epoch}, {step}, {metric:.3f}."""
    last_name: str = field("last_checkpoint.pt", advanced=True, label="Name of the last")
    """File name under which the newest checkpoint is also found; may hold {name}, {epoch}, {step}, {metric:.3f}."""

    @property
    def at_once(self) -> int:
        """Checkpoints that lie on the disk at once: the newest, the best, and the one being written."""
        return self.keep_last_n + 2

    @field_validator("best_name", "last_name")
    @classmethod
    def _one_file(cls, name: str) -> str:
        return naming.checked(name)

    @field_validator("last_name")
    @classmethod
    def _another_file(cls, name: str, info: ValidationInfo) -> str:
        if name == info.data.get("best_name") and not naming.has_blanks(name):
            raise ValueError("the best and the last checkpoint need names of their own")
        return name


class Logging(Section):
    """How often a run says how it is doing."""

    every_n_steps: int = field(10, ge=1, le=100_000, unit="steps", label="Log every", advanced=True)
    """Steps over which the training loss is averaged before it is written to the journal."""
    profile: bool = field(False, advanced=True)
    """Measure where the time goes: profile.json of the run folder has the seconds of each phase of the run, and
    profile.html a flame graph of a few of its steps. The numbers are the same; the recorded steps are slower."""
    targets: tuple[Target, ...] = field((), advanced=True, label="Also log to")
    """Other programs that get the same numbers, as files on this machine; each is an extra of the package."""


class Hardware(Section):
    """Where a run computes, and how precisely."""

    device: str = field("auto", label="Device")
    """auto (the first GPU, else the CPU), cpu, or one GPU such as cuda:0."""
    precision: Literal["32", "auto", "bf16-mixed", "16-mixed"] = field(
        "32",
        labels={
            "32": "32 bit",
            "auto": "32 bit or bfloat16, as measured",
            "bf16-mixed": "bfloat16 mixed",
            "16-mixed": "float16 mixed (GPU)",
        },
    )
    """Number format of the computation; mixed keeps the weights in 32 bit. auto times a few steps of this model before
    the run and takes bfloat16 where it is at least 1.15 times as fast, which it is for some models on some machines;
    that changes numbers, so it is never chosen unless auto is set."""
    compile: bool = field(False, advanced=True, label="Compile the network")
    """Let torch.compile make one program of the training pass. Off, because making it takes from seconds to minutes
    before the first step and on most CPUs saves little; on GPUs and in long runs it can pay. It is kept below the
    user's cache folder, so the next run begins sooner. Numbers differ in their last bits from those of an uncompiled
    run. Where it cannot be made, for lack of a C++ compiler for one, the run says so and trains uncompiled."""
    threads: int | Literal["auto"] = field("auto", ge=1, le=1024, unit="threads", advanced=True, label="CPU threads")
    """Compute threads of a run on the CPU. auto leaves a core to the notebook and the loader, and takes fewer where a
    few steps show that this is a tenth faster; what was measured is kept for this configuration on this machine."""
    memory_target: float = field(0.8, ge=0.1, le=0.95, soft=(0.3, 0.95), unit="ratio", advanced=True)
    """Share of the device's free memory that auto batch size may fill. A fifth is left by default, because a
    measurement foretells the peak to a few percent and other programs move; above 0.95 nothing is left for either."""
    deterministic: bool = field(False, advanced=True)
    """On a GPU: only use operations that give the same bits every time, so that the same run on the same kind of GPU
    with the same versions repeats itself, and a resume is exact. Slower; a model with an operation that has no such
    version fails. Without effect on the CPU, where runs repeat themselves anyway."""

    @field_validator("device")
    @classmethod
    def _one_device(cls, device: str) -> str:
        name = device.strip().lower()
        if "," in name or name in {"all", "cuda"}:
            raise ValueError("training on several devices is not there yet; name one, such as cuda:0")
        if not re.fullmatch(r"auto|cpu|cuda:\d{1,2}", name, re.ASCII):
            raise ValueError("a device is auto, cpu, or one GPU such as cuda:0")
        return name
