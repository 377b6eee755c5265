"""Optimizers: settings that arrive in torch, and which parameters take decay."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from nbtrain.errors import ConfigError
from nbtrain.training.optimizers import SGD, Adam, AdamW, Optimizer, RMSprop


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.token = nn.Parameter(torch.zeros(1, 1, 4))
        self.conv, self.norm, self.head = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Linear(4, 2)

    def no_weight_decay(self):
        return {"token"}


def names(model, group):
    known = {id(p): name for name, p in model.named_parameters()}
    return {known[id(p)] for p in group["params"]}


@pytest.mark.parametrize("made", Optimizer.kinds().values())
def test_norms_biases_and_embeddings_take_no_decay(made):
    model = Net()
    decayed, spared = made(weight_decay=0.1).build(model).param_groups
    assert names(model, decayed) == {"conv.weight", "head.weight"}
    assert (decayed["weight_decay"], spared["weight_decay"]) == (0.1, 0.0)
    assert names(model, spared) == {"token", "conv.bias", "norm.weight", "norm.bias", "head.bias"}


def test_all_take_decay_where_asked():
    model = Net()
    (group,) = AdamW(no_decay_on_norm_and_bias=False).build(model).param_groups
    assert names(model, group) == {name for name, _ in model.named_parameters()}


def test_frozen_parameters_are_left_out():
    model = Net()
    model.conv.requires_grad_(False)
    held = {name for group in AdamW().build(model).param_groups for name in names(model, group)}
    assert not {"conv.weight", "conv.bias"} & held


def test_nothing_to_train_is_refused():
    with pytest.raises(ConfigError, match="no parameter is left to train"):
        AdamW().build(Net().requires_grad_(False))


@pytest.mark.parametrize(
    ("settings", "theirs"),
    [
        (SGD(lr=0.03, momentum=0.8, nesterov=True), {"lr": 0.03, "momentum": 0.8, "nesterov": True}),
        (SGD(momentum=0.0), {"momentum": 0.0, "nesterov": False}),
        (Adam(lr=0.01, betas=(0.8, 0.9), eps=1e-6), {"lr": 0.01, "betas": (0.8, 0.9), "eps": 1e-6}),
        (AdamW(), {"lr": 1e-3, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0.01}),
        (RMSprop(alpha=0.9, momentum=0.5, centered=True), {"alpha": 0.9, "momentum": 0.5, "centered": True}),
    ],
)
def test_settings_arrive_in_torch(settings, theirs):
    group = settings.build(Net()).param_groups[0]
    assert {name: group[name] for name in theirs} == theirs


def test_the_fused_step_is_asked_for():
    assert AdamW().build(Net()).param_groups[0]["fused"]


@pytest.mark.parametrize("made", [SGD, Adam, AdamW])
def test_the_fused_step_is_the_plain_one(made):
    """Fused is faster, not different (to rounding)."""
    torch.manual_seed(0)
    fast, plain = Net(), Net()
    plain.load_state_dict(fast.state_dict())
    settings = made()
    optimizers = [settings.build(fast), settings._made(settings.groups(plain), fused=False)]
    gradients = [torch.randn_like(p) for p in fast.parameters()]
    for _ in range(5):
        for model, optimizer in zip((fast, plain), optimizers, strict=True):
            for parameter, gradient in zip(model.parameters(), gradients, strict=True):
                parameter.grad = gradient.clone()
            optimizer.step()
    for ours, theirs in zip(fast.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs)
