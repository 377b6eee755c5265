"""Optimizers: settings that arrive in torch, and which parameters take decay."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from nbtrain.errors import ConfigError
from nbtrain.schema import fields
from nbtrain.training.optimizers import SGD, Adam, AdamW, Optimizer
from nbtrain.training.schedulers import Constant, Course


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


_ALL = {"lr": 0.03, "weight_decay": 0.2}
_ADAM = {"betas": (0.8, 0.95), "eps": 1e-5}
SETTINGS = {
    "sgd": ({"momentum": 0.8, "nesterov": False}, {}),
    "adam": (_ADAM, {"decoupled_weight_decay": False}),
    "adamw": (_ADAM, {"decoupled_weight_decay": True}),
    "rmsprop": ({"alpha": 0.9, "momentum": 0.5, "centered": True, "eps": 1e-5}, {}),
    "nadam": ({**_ADAM, "momentum_decay": 0.01}, {"decoupled_weight_decay": True}),
    "lion": ({"betas": (0.8, 0.95)}, {}),
    "muon": (
        {"momentum": 0.8, "nesterov": False, "iterations": 3, "betas": (0.8, 0.95)},
        {"ns_steps": 3, "adjust_lr_fn": "match_rms_adamw"},
    ),
    "lamb": ({**_ADAM, "max_grad_norm": 2.0}, {}),
    "schedule_free_adamw": (_ADAM, {"momentum": 0.8, "memory": 0.95}),
    "schedule_free_sgd": ({"momentum": 0.8}, {"memory": None}),
}
"""Of each kind: settings, none of them the default, and what torch must get of them under another name or besides."""
RENAMED = {"muon": {"iterations"}, "schedule_free_adamw": {"betas"}}


@pytest.mark.parametrize("kind", Optimizer.kinds())
def test_settings_arrive_in_torch(kind):
    own, more = SETTINGS[kind]
    made = Optimizer.kinds()[kind](**{**_ALL, **own})
    set_here = {found.path for found in fields(made)} - {".kind", "no_decay_on_norm_and_bias", "layer_decay"}
    assert set_here == {*_ALL, *own}, "a new setting wants a line here"
    assert all(getattr(made, name) != getattr(type(made)(), name) for name in set_here)
    group = made.build(Net()).param_groups[0]
    expected = {**_ALL, **{name: value for name, value in own.items() if name not in RENAMED.get(kind, ())}, **more}
    assert {name: group[name] for name in expected} == expected


def test_nesterov_needs_momentum():
    assert SGD().build(Net()).param_groups[0]["nesterov"]
    assert not SGD(momentum=0.0).build(Net()).param_groups[0]["nesterov"]


@pytest.mark.parametrize("kind", ["adamw", "nadam", "lion", "muon"])
def test_decoupled_decay_shrinks_weights_by_rate_times_decay_and_nothing_else(kind):
    """Mixed into the gradient it would become a step of the size of the rate."""
    model = nn.Sequential(nn.Linear(5, 3, bias=False))
    before = model[0].weight.detach().clone()
    optimizer = Optimizer.kinds()[kind](lr=0.1, weight_decay=0.3).build(model)
    model[0].weight.grad = torch.zeros(3, 5)
    optimizer.step()
    torch.testing.assert_close(model[0].weight.detach(), before * (1 - 0.1 * 0.3))


@pytest.mark.parametrize("made", Optimizer.kinds().values())
def test_with_layer_decay_the_head_learns_at_the_full_rate(made):
    model = Net()
    optimizer = made(lr=0.1, layer_decay=0.5).build(model)
    Constant().build(optimizer, Course(0.1, 10, 10))
    rates = {name: group["lr"] for group in optimizer.param_groups for name in names(model, group)}
    head, stem = 0.1, 0.05
    assert rates == {
        "token": stem, "conv.weight": stem, "conv.bias": stem, "norm.weight": stem, "norm.bias": stem,
        "head.weight": head, "head.bias": head,
    }  # fmt: skip


CATALOGUE = {
    "torchvision": ["vit_b_16", "swin_t", "swin_v2_t", "maxvit_t", "convnext_tiny", "resnet18", "efficientnet_b0"],
    "timm": [
        "vit_tiny_patch16_224", "swin_tiny_patch4_window7_224", "beit_base_patch16_224", "visformer_tiny",
        "samvit_base_patch16", "eca_botnext26ts_256", "naflexvit_base_patch16_parfac_gap", "resmlp_12_224",
        "mvitv2_tiny", "fastvit_t8", "xcit_nano_12_p8_224", "nf_regnet_b1",
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("provider", "variant"), [(provider, variant) for provider, some in CATALOGUE.items() for variant in some]
)
def test_of_a_published_network_only_weights_of_layers_take_decay(provider, variant):
    """No position table, class token, layer scale or temperature, whether the network names them itself or not."""
    with torch.device("meta"):
        if provider == "timm":
            import timm

            model = timm.create_model(variant, num_classes=5)
        else:
            from torchvision.models import get_model

            model = get_model(variant, num_classes=5)
    decayed = {name for group in AdamW().groups(model) if group["weight_decay"] for name in names(model, group)}
    shapes = {name: parameter.shape for name, parameter in model.named_parameters()}
    assert all(name.endswith("weight") and len(shapes[name]) > 1 for name in decayed), variant
    assert not [name for name in decayed if ".cpb_mlp." in name]
    weights = {n for n, shape in shapes.items() if n.endswith("weight") and len(shape) > 1 and ".cpb_mlp." not in n}
    assert decayed == weights


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
