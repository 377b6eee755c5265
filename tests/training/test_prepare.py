"""Bringing a batch into the form that a model takes: the same numbers on every way."""

from __future__ import annotations

import pytest
import torch

from nbtrain.training.parts import Prepare

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@pytest.mark.parametrize("order", [torch.channels_last, torch.contiguous_format])
@pytest.mark.parametrize("shape", [(1, 3, 8, 8), (4, 3, 7, 9), (9, 3, 16, 5)])
@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
def test_rows_at_once_give_the_numbers_of_one_colour_after_the_other(order, shape, dtype):
    drawn = torch.Generator().manual_seed(3)
    images = torch.randint(0, 256, shape, dtype=torch.uint8, generator=drawn).to(dtype, memory_format=order)
    before = images.clone()
    made = Prepare(torch.device("cpu"), MEAN, STD)(images)
    for colour in range(3):
        wanted = (before[:, colour].float() - 255 * MEAN[colour]) * torch.tensor(1 / (255 * STD[colour]))
        assert torch.equal(made[:, colour], wanted)
    assert made.is_contiguous(memory_format=torch.channels_last)
    if dtype is torch.uint8:
        assert torch.equal(images, before)
