"""What is said of memory and disk, against what the libraries really keep."""

from __future__ import annotations

import pytest
import torch

from nbtrain.advice.machine import states_per_weight
from nbtrain.training.optimizers import Optimizer


@pytest.mark.parametrize("kind", Optimizer.kinds())
@pytest.mark.parametrize("changes", [{}, {"momentum": 0.0}, {"momentum": 0.5}, {"centered": True}])
def test_states_are_those_that_the_optimizer_keeps(kind, changes):
    settings = Optimizer.of(kind)()
    for name, value in changes.items():
        settings = settings.set(name, value) if hasattr(settings, name) else settings
    told = states_per_weight(settings)
    if told is None:
        return  # nothing is said of it
    model = torch.nn.Linear(7, 5, bias=False)
    optimizer = settings.build(model)
    model(torch.ones(1, 7)).sum().backward()
    optimizer.step()
    kept = [value for state in optimizer.state.values() for value in state.values()]
    assert told == sum(torch.is_tensor(value) and value.numel() == 35 for value in kept)
