"""Schedule-free steps against the paper's formulas (arXiv:2405.15682, equations 3 to 5), and going to x and back."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from nbtrain.training.optimizers import ScheduleFreeAdamW, ScheduleFreeSGD
from nbtrain.training.schedule_free import to_average

MADE = [ScheduleFreeSGD(lr=0.3, weight_decay=0.05), ScheduleFreeAdamW(lr=0.02, weight_decay=0.05)]


def task() -> tuple[nn.Module, torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    inputs = torch.randn(64, 5)
    return nn.Linear(5, 1), inputs, inputs @ torch.randn(5, 1) + 0.3


def trained(made, model, inputs, target, steps, lrs=None):
    optimizer = made.replace(no_decay_on_norm_and_bias=False).build(model)
    optimizer.to_path()
    for step in range(steps):
        if lrs:
            optimizer.param_groups[0]["lr"] = lrs[step]
        optimizer.zero_grad()
        nn.functional.mse_loss(model(inputs), target).backward()
        optimizer.step()
    return optimizer


@pytest.mark.parametrize("made", MADE)
def test_the_steps_are_the_papers(made):
    model, inputs, target = task()
    reference = copy.deepcopy(model).double()
    adaptive = isinstance(made, ScheduleFreeAdamW)
    beta = made.betas[0] if adaptive else made.momentum
    lrs = [made.lr * share for share in (0.2, 0.6, 1.0, 1.0, 0.5, 0.3)]
    optimizer = trained(made, model, inputs, target, len(lrs), lrs)
    ys = list(reference.parameters())
    zs, xs, squares = ([p.detach().clone() for p in ys] for _ in range(3))
    squares = [torch.zeros_like(s) for s in squares]
    total = highest = 0.0
    for step, lr in enumerate(lrs, 1):
        for y, z, x in zip(ys, zs, xs, strict=True):
            y.data = (1 - beta) * z + beta * x
            y.grad = None
        nn.functional.mse_loss(reference(inputs.double()), target.double()).backward()
        highest = max(highest, lr)
        total += highest**2
        for place, y in enumerate(ys):
            direction = y.grad
            if adaptive:
                squares[place] = 0.999 * squares[place] + 0.001 * direction**2
                direction = direction / ((squares[place] / (1 - 0.999**step)).sqrt() + made.eps)
            zs[place] = zs[place] - lr * (direction + made.weight_decay * y.detach())
            share = highest**2 / total
            xs[place] = (1 - share) * xs[place] + share * zs[place]
    to_average(optimizer)
    for ours, theirs in zip(model.parameters(), xs, strict=True):
        torch.testing.assert_close(ours.detach().double(), theirs, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("made", MADE)
def test_going_to_the_average_and_back_changes_no_bit(made):
    model, inputs, target = task()
    optimizer = trained(made, model, inputs, target, 7)
    before = [p.detach().clone() for p in model.parameters()]
    to_average(optimizer)
    to_average(optimizer)
    assert not torch.equal(before[0], model.weight)
    optimizer.to_path()
    optimizer.to_path()
    assert all(torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))


def test_other_optimizers_have_no_average():
    model, _, _ = task()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    before = model.weight.detach().clone()
    to_average(optimizer)
    assert torch.equal(model.weight, before)
