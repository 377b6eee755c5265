"""The training pass compiled by torch.compile: made on first use, kept in a cache, left alone where it cannot be made.

Only the forward pass of training, and the backward pass that belongs to it, are compiled; validation, averages and
checkpoints see the same module as ever. A pass is compiled for what it meets: the shape of a batch, and which
parameters are trained. Each time that takes from seconds to minutes, and while it does, ``tell`` is called every
second. What cannot be compiled trains uncompiled, which is told and never fails a run. It knows a module and a folder;
it does not know when compiling pays.

Shapes: B images, C channels, H height, W width, K classes.
"""

from __future__ import annotations

import os
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from platformdirs import user_cache_path
from torch import Tensor, nn

from nbtrain.errors import lacks_memory
from nbtrain.training.precision import Precision

TICK_S = 1.0
"""How often it is told that it still compiles."""
_CACHE = "TORCHINDUCTOR_CACHE_DIR"
Key = tuple[tuple[int, ...], tuple[bool, ...]]


def folder() -> str:
    """Return where compiled passes are kept; anybody may delete it."""
    return str(user_cache_path("nbtrain", appauthor=False) / "compiled")


class Compiled:
    """The training pass of ``model``, compiled where that is possible; ``why_not`` says why it is not."""

    def __init__(
        self,
        model: nn.Module,
        tell: Callable[[str], None],
        gave_up: Callable[[str], None],
        *,
        backend: str = "inductor",
    ) -> None:
        """``tell`` takes what it is doing, on another thread, and "" at its end; ``gave_up`` takes why it cannot."""
        self.model, self.tell, self._gave_up = model, tell, gave_up
        self.why_not = _lacks(model) if backend == "inductor" else ""
        self.took_s = 0.0
        """Seconds that compiling has taken so far."""
        self._ready: set[Key] = set()
        if not self.why_not:
            _keep_in_folder()
            self._pass: Callable[[Tensor], Tensor] = torch.compile(model, backend=backend, dynamic=False)

    def __call__(self, images_BCHW: Tensor) -> Tensor:
        """Return the model's outputs, as it is compiled for this kind of batch."""
        if self.why_not:
            return self.model(images_BCHW)  # type: ignore[no-any-return]
        key = self._key(images_BCHW)
        return self._pass(images_BCHW) if key in self._ready else self._first(images_BCHW, key)

    def warm_up(self, images_BCHW: Tensor, precision: Precision) -> None:
        """Compile for batches like this one; the model, its gradients and the random numbers stay as they were."""
        if self.why_not:
            self._gave_up(self.why_not)
            return
        buffers = [(buffer, buffer.detach().clone()) for buffer in self.model.buffers()]
        devices = [images_BCHW.device] if images_BCHW.device.type == "cuda" else []
        try:
            with torch.random.fork_rng(devices), self._told():
                with precision.autocast():
                    logits_BK = self._pass(images_BCHW)
                # A backward pass may be compiled only when it is asked for.
                logits_BK.float().sum().backward()  # type: ignore[no-untyped-call]
            self._ready.add(self._key(images_BCHW))
        except Exception as error:  # noqa: BLE001 - whatever it is, training uncompiled will meet it or not
            self._give_up(error)
        self.model.zero_grad(set_to_none=True)
        with torch.no_grad():
            for buffer, before in buffers:
                buffer.copy_(before)

    def _first(self, images_BCHW: Tensor, key: Key) -> Tensor:
        try:
            with self._told():
                logits_BK: Tensor = self._pass(images_BCHW)
        except Exception as error:
            if lacks_memory(error):  # computing in parts may help, which is the loop's matter
                raise
            self._give_up(error)
            return self.model(images_BCHW)  # type: ignore[no-any-return]
        self._ready.add(key)
        return logits_BK

    def _key(self, images_BCHW: Tensor) -> Key:
        return tuple(images_BCHW.shape), tuple(p.requires_grad for p in self.model.parameters())

    def _give_up(self, error: Exception) -> None:
        self.why_not = _first_line(error)
        self._gave_up(self.why_not)

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Tell every second that it compiles, for as long as the context lasts."""
        over, began_s = threading.Event(), time.perf_counter()

        def tick() -> None:
            while True:
                self.tell(f"compiling the network, {time.perf_counter() - began_s:.0f} s")
                if over.wait(TICK_S):
                    return

        thread = threading.Thread(target=tick, name="nbtrain-compiling", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
            self.tell("")
            self.took_s += time.perf_counter() - began_s


def _lacks(model: nn.Module) -> str:
    """Return what this machine lacks to compile, "" where that cannot be seen beforehand."""
    on_cpu = all(parameter.device.type == "cpu" for parameter in model.parameters())
    compiler = os.environ.get("CXX") or ("clang++" if sys.platform == "darwin" else "g++")
    if on_cpu and sys.platform != "win32" and shutil.which(compiler) is None:
        return f"no C++ compiler ({compiler}) was found; the system's package manager has one"
    return ""


def _keep_in_folder() -> None:
    """Let the compiler keep its programs in :func:`folder`, unless the person has said where.

    By itself it takes a temporary folder, which a restart empties, and writes that into the environment as it loads.
    """
    from torch._inductor.runtime.cache_dir_utils import default_cache_dir

    if os.environ.get(_CACHE, default_cache_dir()) == default_cache_dir():
        os.environ[_CACHE] = folder()


def _first_line(error: Exception) -> str:
    inner = getattr(error, "inner_exception", None) or error
    lines = [line.strip() for line in str(inner).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__)[:200].rstrip(".")
