"""The way of a tensor to the device: on a GPU by its own stream, so that a batch travels while the last one computes.

The loop asks for a batch while the GPU still works on the steps before; on the stream that computes, the copy would
have to wait for them. Where the tensor lies in page-locked memory the copy takes nothing from the processor either.
The GPU's half is untested on a real one. It knows tensors and streams, not what is in them.
"""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor


def to_device(tensor: Tensor, device: torch.device) -> Tensor:
    """Return ``tensor`` on ``device``; what is computed with it there waits for the copy, and nothing else does."""
    if device.type != "cuda":
        return tensor.to(device)
    copying, computing = _stream(device), torch.cuda.current_stream(device)
    with torch.cuda.stream(copying):
        there = tensor.to(device, non_blocking=True)
    computing.wait_stream(copying)
    there.record_stream(computing)  # its memory is not given away before what uses it is done
    return there


@lru_cache(maxsize=8)
def _stream(device: torch.device) -> torch.cuda.Stream:
    return torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
