"""Losses against torch's and torchvision's own."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional
from torchvision.ops import sigmoid_focal_loss

from nbtrain.training.losses import BCE, CrossEntropy, Focal, balanced

COUNTS = [10, 5, 1, 4]


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(3)
    logits = 3 * torch.randn(16, 4, generator=generator)
    labels = torch.randint(0, 4, (16,), generator=generator)
    return logits, labels, (torch.rand(16, 4, generator=generator) > 0.6).float()


def weights():
    return torch.tensor(balanced(COUNTS))


def test_auto_weights_are_those_of_scikit_learn():
    from sklearn.utils.class_weight import compute_class_weight

    labels = [c for c, count in enumerate(COUNTS) for _ in range(count)]
    expected = compute_class_weight("balanced", classes=np.arange(4), y=labels)
    assert balanced(COUNTS) == pytest.approx(expected.tolist())
    assert balanced([7, 7, 7]) == (1.0, 1.0, 1.0)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("class_weights", ["none", "auto"])
def test_cross_entropy_is_torchs(batch, smoothing, class_weights):
    logits, labels, _ = batch
    loss = CrossEntropy(label_smoothing=smoothing, class_weights=class_weights).build("classification", COUNTS)
    given = weights() if class_weights == "auto" else None
    torch.testing.assert_close(
        loss(logits, labels), functional.cross_entropy(logits, labels, weight=given, label_smoothing=smoothing)
    )


@pytest.mark.parametrize("class_weights", ["none", "auto"])
@pytest.mark.parametrize("made", [CrossEntropy(label_smoothing=0.1), Focal()])
def test_soft_targets_agree_with_whole_numbers(batch, made, class_weights):
    """With and without weights, so that mixing half of the batches does not bend the curve of the loss."""
    logits, labels, _ = batch
    loss = made.replace(class_weights=class_weights).build("classification", COUNTS)
    torch.testing.assert_close(loss(logits, functional.one_hot(labels, 4).float()), loss(logits, labels))


@pytest.mark.parametrize("class_weights", ["none", "auto"])
def test_focal_with_gamma_zero_is_cross_entropy(batch, class_weights):
    logits, labels, _ = batch
    focal, plain = (
        made.replace(class_weights=class_weights).build("classification", COUNTS)
        for made in (Focal(gamma=0), CrossEntropy())
    )
    torch.testing.assert_close(focal(logits, labels), plain(logits, labels))


def test_focal_looks_less_at_what_is_right():
    sure, unsure = torch.tensor([[4.0, 0.0]]), torch.tensor([[0.5, 0.0]])
    label = torch.tensor([0])
    focal, plain = Focal().build("classification"), CrossEntropy().build("classification")
    assert focal(sure, label) / focal(unsure, label) < 0.1 * plain(sure, label) / plain(unsure, label)


@pytest.mark.parametrize("gamma", [0.5, 2.0])
def test_focal_for_several_labels_is_torchvisions(batch, gamma):
    logits, _, shares = batch
    expected = sigmoid_focal_loss(logits, shares, alpha=-1, gamma=gamma, reduction="mean")
    torch.testing.assert_close(Focal(gamma=gamma).build("multilabel")(logits, shares), expected)


@pytest.mark.parametrize("made", [BCE(), Focal(gamma=0)])
@pytest.mark.parametrize("class_weights", ["none", "auto"])
def test_bce_is_torchs(batch, made, class_weights):
    logits, _, shares = batch
    given = weights() if class_weights == "auto" else None
    expected = functional.binary_cross_entropy_with_logits(logits, shares, pos_weight=given)
    loss = made.replace(class_weights=class_weights).build("multilabel", COUNTS)
    torch.testing.assert_close(loss(logits, shares), expected)
