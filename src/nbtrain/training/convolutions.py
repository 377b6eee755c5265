"""Convolutions on the CPU: the same sums in an order that is faster there, for the small maps at a network's end.

oneDNN (PyTorch 2.15) has no fast weight gradient for depthwise kernels of 5×5 and more, and a fixed cost per call that
outweighs a 1×1 convolution over few pixels. In float32 on the CPU such layers take the ways below where their maps are
small enough (`python -m bench convolutions` measures both ways); depthwise kernels with a bias, as ConvNeXt's, were
slower that way and are left alone. Weights, names and states stay what they are.

Shapes: B images, C channels, H×W pixels of the input, h×w of the output, K×L kernel.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nbtrain.training.precision import Precision

FEW_PIXELS = 4 * 4
"""Pixels up to which a 1×1 convolution is a matrix product."""
SMALL_MAP = 8 * 8
"""Pixels of the output up to which a depthwise weight gradient is summed tap by tap."""
LARGE_KERNEL = 5


def quicken(model: nn.Module, precision: Precision) -> int:
    """Let the layers of ``model`` that can take the faster ways; return how many: none but for float32 on the CPU."""
    found = 0
    if (precision.device.type, precision.name) != ("cpu", "32"):
        return found
    for layer in model.modules():
        made = _faster(layer)
        if made:
            layer.__class__, found = made, found + 1
    return found


def _faster(layer: nn.Module) -> type[nn.Conv2d] | None:
    """Return the class that does what ``layer`` does, faster; subclasses of others stay what they are."""
    if type(layer) is not nn.Conv2d or isinstance(layer.padding, str) or layer.padding_mode != "zeros":
        return None
    if layer.kernel_size == layer.stride == layer.dilation == (1, 1) and layer.groups == 1 and layer.padding == (0, 0):
        return Pointwise
    depthwise = layer.groups == layer.in_channels == layer.out_channels > 1 and layer.dilation == (1, 1)
    return Depthwise if depthwise and layer.bias is None and min(layer.kernel_size) >= LARGE_KERNEL else None


class Pointwise(nn.Conv2d):
    """A 1×1 convolution that is a matrix product where there are few pixels."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - torch's name
        """Return the map: BCHW → B(out)HW."""
        if input.ndim != 4 or input.shape[2] * input.shape[3] > FEW_PIXELS:
            return super().forward(input)
        return F.linear(input.permute(0, 2, 3, 1), self.weight.flatten(1), self.bias).permute(0, 3, 1, 2)


class Depthwise(nn.Conv2d):
    """A depthwise convolution whose weight gradient is summed tap by tap where the output is small."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - torch's name
        """Return the map: BCHW → BChw."""
        if input.ndim != 4 or not (torch.is_grad_enabled() and self.weight.requires_grad):
            return super().forward(input)
        made: Tensor = _TapByTap.apply(input, self.weight, self.stride, self.padding)
        return made


class _TapByTap(torch.autograd.Function):
    """A depthwise convolution with a weight gradient of its own."""

    @staticmethod
    def forward(ctx: Any, input_BCHW: Tensor, weight_C1KL: Tensor, stride: Any, padding: Any) -> Tensor:
        ctx.save_for_backward(input_BCHW, weight_C1KL)
        ctx.how = stride, padding
        return F.conv2d(input_BCHW, weight_C1KL, None, stride, padding, groups=len(weight_C1KL))

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of input and weight."""
        (grad_BChw,), (input_BCHW, weight_C1KL), (stride, padding) = grads, ctx.saved_tensors, ctx.how
        of_input, of_weight = ctx.needs_input_grad[:2]
        small = grad_BChw.shape[2] * grad_BChw.shape[3] <= SMALL_MAP
        input_grad, weight_grad, _ = torch.ops.aten.convolution_backward(
            grad_BChw, input_BCHW, weight_C1KL, None, stride, padding, (1, 1), False, (0, 0), len(weight_C1KL),
            [of_input, of_weight and not small, False],
        )  # fmt: skip
        if of_weight and small:
            weight_grad = weight_gradient(grad_BChw, input_BCHW, weight_C1KL, stride, padding)
        return input_grad, weight_grad, None, None


def weight_gradient(
    grad_BChw: Tensor, input_BCHW: Tensor, weight_C1KL: Tensor, stride: tuple[int, int], padding: tuple[int, int]
) -> Tensor:
    """Return the gradient of a depthwise weight: for each tap, what its pixels and the output's gradient make."""
    grad_BhwC, input_BHWC = (one.permute(0, 2, 3, 1).contiguous() for one in (grad_BChw, input_BCHW))
    (n_channels, _, *kernel), size, map_size = weight_C1KL.shape, input_BCHW.shape[2:], grad_BChw.shape[2:]
    found_KLC = weight_C1KL.new_zeros((*kernel, n_channels))
    across = [_reach(tap, size[1], map_size[1], stride[1], padding[1]) for tap in range(kernel[1])]
    for row in range(kernel[0]):
        rows, input_rows = _reach(row, size[0], map_size[0], stride[0], padding[0])
        for column, (columns, input_columns) in enumerate(across):
            part = grad_BhwC[:, rows, columns] * input_BHWC[:, input_rows, input_columns]
            found_KLC[row, column] = part.reshape(-1, n_channels).sum(0)
    return found_KLC.permute(2, 0, 1).unsqueeze(1)


def _reach(tap: int, size: int, map_size: int, stride: int, padding: int) -> tuple[slice, slice]:
    """Return the outputs that a tap reaches inside the input, and the pixels that it sees for them."""
    first = max(0, -(-(padding - tap) // stride))
    end = max(first, min(map_size, (size - 1 + padding - tap) // stride + 1))
    start = first * stride + tap - padding
    return slice(first, end), slice(start, start + (end - first - 1) * stride + 1 if end > first else start, stride)
