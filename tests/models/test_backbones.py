"""Models: family and variant stay a pair, and what is built is what was asked for."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import save_file

from nbtrain.errors import ConfigError, DataError
from nbtrain.models.backbones import Timm, Torchvision
from nbtrain.models.freezing import to_training
from nbtrain.models.heads import head_parameters
from nbtrain.schema import fields

TIMM_TESTS = ("test_resnet", "test_convnext", "test_efficientnet", "test_vit", "test_mambaout", "test_nfnet")


def test_a_variant_sets_its_family():
    assert Timm(variant="vit_tiny_patch16_224").family == "ViT"
    assert Timm().set("variant", "convnext_atto").family == "ConvNeXt"
    assert Torchvision.parse({"variant": "squeezenet1_0"}).family == "SqueezeNet"


def test_a_family_brings_a_variant():
    changed = Timm(pretrained=True).set("family", "ConvNeXt")
    assert changed.entry.family == "ConvNeXt"
    assert changed.pretrained
    assert Timm(family="ViT").entry.family == "ViT"


def test_the_family_of_a_variant_is_kept():
    chosen = Timm(variant="resnet50")
    assert chosen.set("family", "ResNet") == chosen


def test_an_old_name_of_a_family_does_no_harm():
    """Families may be renamed between versions; the variant is what counts."""
    assert Timm(family="a former name", variant="resnet50").family == "ResNet"


def test_another_provider_keeps_the_variant_it_shares():
    assert Timm(variant="vgg11", pretrained=True).switched("torchvision") == Torchvision(
        variant="vgg11", pretrained=True
    )
    assert Timm(variant="convnext_atto").switched("torchvision").variant == "resnet18"


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        ("variant", "resnet5o", "Did you mean resnet50"),
        ("family", "ResNest", "Did you mean"),
        ("variant", 7, "is not a text"),
        ("freeze", "half", "Allowed"),
    ],
)
def test_what_is_unknown_is_refused_with_what_is_near(path, value, told):
    with pytest.raises(ConfigError, match=told) as refused:
        Timm().set(path, value)
    assert refused.value.problems[0].path == path


def test_a_form_sees_families_and_variants_with_their_cost():
    described = {field.path: field for field in fields(Timm(), "model")}
    assert list(described)[1:3] == ["model.family", "model.variant"]
    chosen = {choice.value: choice.hint for choice in described["model.variant"].choices}
    assert chosen["resnet18"] == "11.7 M parameters · 3.63 GFLOPs · apache-2.0"
    assert "ViT" in {choice.value for choice in described["model.family"].choices}


@pytest.mark.parametrize("variant", TIMM_TESTS)
def test_timm_models_get_a_head_for_the_classes(variant):
    model = Timm(variant=variant).build(classes=5, image_size=96)
    assert model.eval()(torch.zeros(2, 3, 96, 96)).shape == (2, 5)
    assert model.training is False


@pytest.mark.parametrize("variant", ["squeezenet1_1", "shufflenet_v2_x0_5", "mobilenet_v3_small", "googlenet"])
def test_torchvision_models_get_a_head_for_the_classes(variant):
    model = Torchvision(variant=variant).build(classes=5, image_size=64)
    assert model.training
    assert model(torch.randn(2, 3, 64, 64)).shape == (2, 5)


def test_an_image_size_that_cannot_be_is_told():
    with pytest.raises(ConfigError) as refused:
        Timm(variant="crossvit_tiny_240").build(classes=2, image_size=96)
    (problem,) = refused.value.problems
    assert problem.path == "task.image_size"
    assert "crossvit_tiny_240 cannot work on images of 96 px" in problem.message
    assert problem.advice == "Its own size is 240 px."


def test_dropout_and_drop_path_reach_the_network():
    model = Timm(variant="test_vit", dropout=0.3, drop_path=0.2).build(3, 64)
    assert model.head_drop.p == 0.3
    assert model.blocks[-1].drop_path1.drop_prob == pytest.approx(0.2)


@pytest.mark.parametrize("variant", ["resnet18", "squeezenet1_1"])
def test_dropout_before_a_torchvision_head(variant):
    model = Torchvision(variant=variant, dropout=0.5).build(3, 64)
    features = torch.randn(4, 3, 64, 64)
    model.eval()
    assert torch.equal(model(features), model(features))
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 0.0
    model.train()
    assert not torch.equal(model(features), model(features))
    fresh = Torchvision(variant=variant).build(3, 64)
    assert list(model.state_dict()) == list(fresh.state_dict())


@pytest.mark.parametrize("settings", [{"drop_path": 0.1}])
def test_what_a_network_does_not_know_is_told(settings):
    with pytest.raises(ConfigError, match=r"model\.drop_path: vgg11 knows no drop path"):
        Timm(variant="vgg11", **settings).build(3, 64)


@pytest.mark.parametrize("made", [Timm(variant="test_resnet"), Torchvision(variant="resnet18")])
def test_a_frozen_backbone_does_not_change(made):
    torch.manual_seed(0)
    model = made.replace(freeze="backbone").build(3, 64)
    head = head_parameters(model)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.1)
    for _ in range(2):
        loss = torch.nn.functional.cross_entropy(
            to_training(model)(torch.randn(4, 3, 64, 64)), torch.tensor([0, 1] * 2)
        )
        loss.backward()
        optimizer.step()
    changed = {name for name, tensor in model.state_dict().items() if not torch.equal(tensor, before[name])}
    assert changed == head


@pytest.mark.parametrize(("ending", "save"), [(".safetensors", save_file), (".pt", torch.save)])
def test_a_weights_file_is_loaded_and_told(tmp_path, ending, save):
    source = Timm(variant="test_resnet").build(10, 64)
    path = tmp_path / f"weights{ending}"
    save(source.state_dict(), path)
    told = []
    model = Timm(variant="test_resnet", weights_file=str(path)).build(3, 64, told.append)
    total = len(source.state_dict())
    assert told[0] == f"{total - 2} of {total} tensors were loaded from {path}."
    assert "2 tensors have another shape there and start fresh" in told[1]
    assert torch.equal(model.conv1[0].weight, source.conv1[0].weight)


def test_a_weights_file_wins_over_published_weights(tmp_path):
    source = Timm(variant="test_resnet").build(3, 64)
    path = tmp_path / "w.pt"
    torch.save({"model_state_dict": source.state_dict(), "epoch": 3}, path)
    model = Timm(variant="test_resnet", weights_file=str(path), pretrained=True).build(3, 64)
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), source.parameters(), strict=True))


@pytest.mark.parametrize("made", [Timm(variant="test_resnet"), Torchvision(variant="squeezenet1_1")])
def test_without_a_network_it_says_which_file_to_fetch(tmp_path, monkeypatch, made):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    with pytest.raises(DataError) as refused:
        made.replace(pretrained=True).build(3, 64)
    assert made.variant in str(refused.value)
    assert "https://" in refused.value.advice
    assert "model.weights_file" in refused.value.advice


def test_weights_that_nobody_published_are_refused():
    with pytest.raises(ConfigError, match=r"model\.pretrained: no weights are published for ghostnet_050"):
        Timm(variant="ghostnet_050", pretrained=True).build(3, 64)
