"""A copy of a run's state in host memory, taken while the loop goes on to its next step.

Weights and the optimizer's state change in one place of the loop only, the optimizer's step. So just what changes
earlier (running means, losses) is copied at once; the rest is copied beside the next forward and backward pass, and the
loop waits before its step where that has not finished. The copy is exact: storages are copied as they lie, so tensors
that share memory do so in the copy. Its memory is kept for the next one: fresh pages cost as much as the copying.

It knows tensors and who may touch them when. It does not know what a state means, nor what becomes of the copy.
The CUDA half is untested.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor


class Snapshot:
    """One copy at a time: :meth:`begin` in the loop, :meth:`copy` elsewhere, :meth:`before_step` in the loop."""

    def __init__(self) -> None:
        self._kept: dict[tuple[int, bool], Tensor] = {}
        self._pairs: list[tuple[Tensor, Tensor]] = []
        self._stream: torch.cuda.Stream | None = None
        self._event: torch.cuda.Event | None = None

    def begin(self, state: Any, changing: Iterable[Tensor]) -> Any:
        """Return a state in host memory which is whole after :meth:`copy`; ``changing`` is copied at once."""
        copies: dict[int, tuple[Tensor, Tensor]] = {}
        copied = self._walk(state, copies)
        for place in {_place(tensor) for tensor in changing} & copies.keys():
            source, copy = copies.pop(place)
            copy.copy_(source, non_blocking=True)
        self._pairs = list(copies.values())
        on_device = [pair for pair in self._pairs if pair[0].is_cuda]
        self._event = self._queued(on_device) if on_device else None
        return copied

    def copy(self) -> None:
        """Copy what is left; for another thread than the loop's."""
        if self._event is not None:
            self._event.synchronize()
        for source, copy in self._pairs:
            if not source.is_cuda:
                copy.numpy()[:] = source.numpy()  # as torch's copy_, without its thread pool, which the loop is using
        self._pairs = []

    def before_step(self) -> None:
        """Let a GPU wait for the copying; on the CPU the caller has waited for :meth:`copy` itself."""
        if self._event is not None:
            torch.cuda.current_stream(self._event.device).wait_event(self._event)

    def _queued(self, pairs: Iterable[tuple[Tensor, Tensor]]) -> torch.cuda.Event:
        """Queue the copies from a GPU beside its computing, behind what was queued before."""
        self._stream = self._stream or torch.cuda.Stream()  # type: ignore[no-untyped-call]
        self._stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self._stream):
            for source, copy in pairs:
                copy.copy_(source, non_blocking=True)
        event: torch.cuda.Event = self._stream.record_event()
        return event

    def _walk(self, value: Any, copies: dict[int, tuple[Tensor, Tensor]]) -> Any:
        if isinstance(value, Tensor):
            return self._copy_of(value.detach(), copies) if value.untyped_storage().nbytes() else value.cpu()
        if isinstance(value, Mapping):
            return {key: self._walk(item, copies) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return type(value)(self._walk(item, copies) for item in value)
        return value

    def _copy_of(self, tensor: Tensor, copies: dict[int, tuple[Tensor, Tensor]]) -> Tensor:
        """Return a tensor in host memory for ``tensor``, of which several may share one storage."""
        place = _place(tensor)
        if place not in copies:
            source = _bytes(tensor)
            copies[place] = (source, self._room(len(copies), source))
        storage = copies[place][1].untyped_storage()
        return torch.empty(0, dtype=tensor.dtype).set_(storage, tensor.storage_offset(), tensor.shape, tensor.stride())

    def _room(self, number: int, source: Tensor) -> Tensor:
        """Return the memory for the copy of storage ``number``, the same as last time where it fits."""
        key = (number, source.is_cuda)
        if key not in self._kept or self._kept[key].numel() != source.numel():
            self._kept[key] = torch.empty(source.numel(), dtype=torch.uint8, pin_memory=source.is_cuda)
        return self._kept[key]


def _place(tensor: Tensor) -> int:
    """Return what two tensors have in common that share their memory; devices share one address space."""
    return tensor.untyped_storage().data_ptr()


def _bytes(tensor: Tensor) -> Tensor:
    storage = tensor.untyped_storage()
    return torch.empty(0, dtype=torch.uint8, device=tensor.device).set_(storage, 0, (storage.nbytes(),), (1,))
