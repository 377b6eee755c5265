"""The moving average: its warm-up, its arithmetic, its independence of the model."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from nbtrain.training.ema import Ema


def test_the_average_follows_its_definition():
    model = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    ema = Ema(model, 0.9)
    expected = model[0].weight.detach().clone()
    for step in range(1, 200):
        with torch.no_grad():
            model[0].weight += 0.1
        model[1].num_batches_tracked += 1
        ema.update(model, step)
        decay = min(0.9, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * model[0].weight.detach()
    torch.testing.assert_close(ema.model[0].weight, expected)
    assert ema.model[1].num_batches_tracked == 199
    assert not ema.model.training
    assert not any(p.requires_grad for p in ema.model.parameters())
    assert model[0].weight.requires_grad


@pytest.mark.parametrize("step", [1, 5])
def test_early_steps_forget_the_random_start_quickly(step):
    model = nn.Linear(1, 1)
    ema = Ema(model, 0.9999)
    before = ema.model.weight.item()
    with torch.no_grad():
        model.weight += 1
    ema.update(model, step)
    assert ema.model.weight.item() - before == pytest.approx(1 - (1 + step) / (10 + step), abs=1e-5)
