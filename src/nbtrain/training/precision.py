"""Where and how precisely a run computes: device, number format, threads. It knows machines, not models.

Each ``auto`` is decided here once and handed back with its reason, which the run folder keeps.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Generic, Literal, TypeVar

import torch
from torch import Tensor, nn

from nbtrain.errors import ConfigError, Problem
from nbtrain.processes import usable_cores

T = TypeVar("T")
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # from malloc.h


@dataclass(frozen=True, slots=True)
class Chosen(Generic[T]):
    """A decided ``auto`` and why it was decided so."""

    value: T
    reason: str


def choose_device(asked: str) -> Chosen[str]:
    """Return the device for ``auto``, or the one that was named, if this machine has it."""
    n_gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if asked == "auto":
        reason = f"the first of {n_gpus} GPUs" if n_gpus else "no GPU that PyTorch can use was found"
        return Chosen("cuda:0" if n_gpus else "cpu", reason)
    if asked != "cpu" and asked not in (gpus := [f"cuda:{i}" for i in range(n_gpus)]):
        there = ", ".join(["cpu", *gpus])
        raise ConfigError([Problem("hardware.device", f"this machine has no device {asked!r}.", f"There is: {there}.")])
    return Chosen(asked, "as set")


def choose_threads(asked: int | Literal["auto"], device: str) -> Chosen[int]:
    """Return the number of compute threads: all cores but one.

    The last core is for the loader, the notebook and the browser. With as many threads as cores, every operation waits
    at its end for the thread whose core does something else; beside a busy browser that cost a factor of three.
    """
    if asked != "auto":
        return Chosen(asked, "as set")
    cores = usable_cores()
    if device != "cpu":
        return Chosen(max(1, min(4, cores - 1)), "the GPU computes; the CPU only feeds it")
    return Chosen(max(1, cores - 1), f"{cores} cores, of which one is left to the loader and the notebook")


def has_bfloat16(device: torch.device) -> bool:
    """Return whether ``device`` computes in bfloat16 itself; whether that is faster is another question."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    try:
        return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
    except (AttributeError, RuntimeError):  # built without oneDNN
        return False


def keep_memory() -> bool:
    """Let the C library keep freed memory for the next step; return whether it does (glibc only).

    By default it hands large blocks back to the system, which clears every page anew when the next step asks again:
    page faults in every step, for memory that the next one needs again. The peak is the same.
    """
    try:
        library = ctypes.CDLL(None)
        at_mmap, at_trim = (
            library.mallopt(_M_MMAP_THRESHOLD, 1 << 30),
            library.mallopt(_M_TRIM_THRESHOLD, (1 << 31) - 1),
        )
    except (OSError, AttributeError, TypeError):  # no glibc here
        return False
    return bool(at_mmap and at_trim)


def make_deterministic(device: torch.device) -> bool:
    """Let this process use only operations that repeat themselves bit for bit; return whether that changes anything.

    To be called before the first operation on the GPU: cuBLAS reads its setting once. On the CPU the operations that
    are used repeat themselves as they are, with the same number of threads.
    """
    if device.type != "cuda":
        return False
    os.environ["CUBLAS_WORKSPACE_CONFIG"] = ":4096:8"
    torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = True, False
    return True


@dataclass(slots=True)
class Precision:
    """The number format of the forward pass, and the gradient scaling that float16 needs."""

    name: Literal["32", "bf16-mixed", "16-mixed"]
    device: torch.device
    scaler: torch.amp.GradScaler = field(init=False)

    def __post_init__(self) -> None:
        if self.name == "16-mixed" and self.device.type == "cpu":
            advice = "Choose bf16-mixed or 32, or a GPU."
            raise ConfigError([Problem("hardware.precision", "float16 is for GPUs; this run is on the CPU.", advice)])
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=self.name == "16-mixed")

    def check(self, model: nn.Module, image_size: int) -> None:
        """Refuse bfloat16 on the CPU for a model that makes single pixels of images of this size.

        There, oneDNN (PyTorch 2.15) leaves the weight gradient of a convolution with a stride partly unwritten: NaN
        at best, wrong numbers at worst. Seen only for inputs of 1×1; float32 and GPUs compute it rightly.
        """
        if self.name != "bf16-mixed" or self.device.type != "cpu":
            return
        layer = _strided_over_single_pixels(model, image_size)
        if layer:
            told = f"bfloat16 on the CPU gives wrong gradients for this model at {image_size} px (at {layer})."
            advice = "Choose precision 32, or a larger task.image_size."
            raise ConfigError([Problem("hardware.precision", told, advice)])

    def autocast(self) -> AbstractContextManager[object]:
        """Return the context in which the forward pass runs."""
        if self.name == "32":
            return nullcontext()
        dtype = torch.bfloat16 if self.name == "bf16-mixed" else torch.float16
        return torch.autocast(self.device.type, dtype)


def _strided_over_single_pixels(model: nn.Module, image_size: int) -> str:
    """Return the name of a convolution with a stride whose input is 1×1 pixels, "" where there is none."""
    found: list[str] = []

    def note(name: str) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
        return lambda _, inputs: found.append(name) if tuple(inputs[0].shape[-2:]) == (1, 1) else None

    strided = [(n, m) for n, m in model.named_modules() if isinstance(m, nn.Conv2d) and max(m.stride) > 1]
    hooks = [conv.register_forward_pre_hook(note(name)) for name, conv in strided]
    training = model.training
    try:
        with torch.no_grad():
            model.eval()(torch.zeros(1, 3, image_size, image_size))
    finally:
        model.train(training)
        for hook in hooks:
            hook.remove()
    return found[0] if found else ""
