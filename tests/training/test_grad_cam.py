"""Grad-CAM equals captum's on networks from everywhere, and refuses those that have no map."""

from __future__ import annotations

import pytest
import timm
import torch
from captum.attr import LayerGradCam
from torchvision.models import get_model

from nbtrain.errors import TrainingError
from nbtrain.models.cnn import CustomCNN
from nbtrain.training.grad_cam import GradCam

NETWORKS = {
    "timm": lambda: timm.create_model("test_resnet", num_classes=4),
    "timm, channels last": lambda: timm.create_model("test_convnext", num_classes=4),
    "timm, efficientnet": lambda: timm.create_model("test_efficientnet", num_classes=4),
    "torchvision": lambda: get_model("squeezenet1_1", num_classes=4),
    "custom": lambda: CustomCNN(blocks=2, width=8, activation="silu").build(4, 64),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_it_equals_captum(name):
    torch.manual_seed(0)
    model = NETWORKS[name]().eval().requires_grad_(False)
    images, labels = torch.randn(3, 3, 64, 64), torch.tensor([0, 2, 3])
    camera = GradCam(model, images)
    raw = camera.raw(images, labels)
    expected = LayerGradCam(model, camera.module).attribute(
        images.requires_grad_(), labels, relu_attributions=True, attribute_to_layer_input=False
    )
    assert raw.shape[1] > 1
    torch.testing.assert_close(raw, expected[:, 0], atol=1e-5, rtol=1e-5)
    maps = camera.maps(images, labels)
    assert maps.dtype.name == "uint8"
    assert all(one.max() in (0, 255) for one in maps)


@pytest.mark.parametrize("variant", ["test_vit"])
def test_networks_of_tokens_are_refused(variant):
    model = timm.create_model(variant, num_classes=4, img_size=64)
    with pytest.raises(TrainingError, match="works on tokens"):
        GradCam(model, torch.randn(1, 3, 64, 64))
