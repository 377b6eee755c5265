"""Losses against torch's and torchvision's own."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional
from torchvision.ops import sigmoid_focal_loss

from nbtrain.errors import ConfigError
from nbtrain.schema import fields
from nbtrain.training.losses import BCE, Asymmetric, CrossEntropy, Focal, Loss, SoftF1, balanced, effective

COUNTS = [10, 5, 1, 4]


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(3)
    logits = 3 * torch.randn(16, 4, generator=generator)
    labels = torch.randint(0, 4, (16,), generator=generator)
    return logits, labels, (torch.rand(16, 4, generator=generator) > 0.6).float()


@pytest.fixture
def all_images():
    """Return outputs and labels of a whole training set with ``COUNTS`` images of each class."""
    generator = torch.Generator().manual_seed(4)
    labels = torch.tensor([c for c, count in enumerate(COUNTS) for _ in range(count)])
    return 3 * torch.randn(len(labels), 4, generator=generator), labels[
        torch.randperm(len(labels), generator=generator)
    ]


def weights():
    return torch.tensor(balanced(COUNTS))


def test_auto_weights_are_those_of_scikit_learn():
    from sklearn.utils.class_weight import compute_class_weight

    labels = [c for c, count in enumerate(COUNTS) for _ in range(count)]
    expected = compute_class_weight("balanced", classes=np.arange(4), y=labels)
    assert balanced(COUNTS) == pytest.approx(expected.tolist())
    assert balanced([7, 7, 7]) == (1.0, 1.0, 1.0)


def test_a_class_without_training_images_weighs_nothing():
    """scikit-learn refuses it; here the others share the mean of 1 among themselves."""
    assert balanced([6, 0, 2]) == pytest.approx((2 / 3, 0, 2))
    assert effective([6, 0, 2], 0.0) == (1.0, 0.0, 1.0)
    assert balanced([0, 0]) == effective([0, 0], 0.5) == (0.0, 0.0)


@pytest.mark.parametrize("way", ["auto", "effective"])
@pytest.mark.parametrize(("made", "task"), [(CrossEntropy, "classification"), (BCE, "multilabel")])
def test_label_smoothing_teaches_no_class_without_training_images(made, task, way):
    """Its output is never pulled up: of one label per image by nothing at all, of several by the noes alone."""
    loss = made(class_weights=way, label_smoothing=0.2).build(task, (6, 0, 2))
    logits = torch.zeros(8, 3, requires_grad=True)
    labels = torch.tensor([0, 0, 0, 0, 0, 0, 2, 2])
    loss(logits, labels if task == "classification" else functional.one_hot(labels, 3).float()).backward()
    absent = logits.grad[:, 1]
    assert (absent > 0).all()
    shared = float(torch.tensor([1 / 3]))  # the softmax alone: of 8 images, each by its weight
    pulled = absent.sum() - shared * float(-logits.grad.clamp(max=0).sum()) if task == "classification" else 0
    assert float(pulled) >= -1e-6


def test_no_weight_on_any_training_image_is_refused():
    made = CrossEntropy(class_weights="given", given_weights=(0, 0, 5))
    with pytest.raises(ConfigError, match="every class that has training images has the weight 0"):
        made.build("classification", (4, 4, 0))


def test_weights_of_one_label_per_image_have_a_mean_of_one_over_the_training_images(all_images):
    """So a single image keeps its weight, any division adds up, and only proportions of given weights matter."""
    logits, labels = all_images
    given = [
        CrossEntropy(class_weights="given", given_weights=weights).build("classification", COUNTS)
        for weights in ((1, 2, 3, 4), (10, 20, 30, 40))
    ]
    assert float(given[0](logits, labels)) == pytest.approx(float(given[1](logits, labels)))
    single = [float(given[0](logits[i : i + 1], labels[i : i + 1])) for i in range(len(labels))]
    assert np.mean(single) == pytest.approx(float(given[0](logits, labels)), rel=1e-5)
    plain = [float(CrossEntropy().build("classification")(logits[i : i + 1], labels[i : i + 1])) for i in range(20)]
    mean = sum(count * weight for count, weight in zip(COUNTS, (1, 2, 3, 4), strict=True)) / sum(COUNTS)
    assert single == pytest.approx([loss * (1, 2, 3, 4)[y] / mean for loss, y in zip(plain, labels, strict=True)])


def test_weights_of_several_labels_per_image_stand_as_they_are(batch):
    logits, _, shares = batch
    loss = BCE(class_weights="given", given_weights=(2, 2, 2, 2)).build("multilabel", COUNTS)
    expected = functional.binary_cross_entropy_with_logits(logits, shares, pos_weight=torch.full((4,), 2.0))
    torch.testing.assert_close(loss(logits, shares), expected)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("class_weights", ["none", "auto"])
def test_cross_entropy_is_torchs(all_images, smoothing, class_weights):
    logits, labels = all_images
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


@pytest.mark.parametrize("gamma", [0.5, 2.0, 5.0])
def test_focal_over_softmax_is_the_papers(batch, gamma):
    logits, labels, _ = batch
    p_B = logits.softmax(1)[torch.arange(len(labels)), labels]
    expected = (-((1 - p_B) ** gamma) * p_B.log()).mean()
    torch.testing.assert_close(Focal(gamma=gamma).build("classification")(logits, labels), expected)


OTHERS = {
    "class_weights": "auto", "beta": 0.5, "given_weights": (1, 5, 2, 3), "label_smoothing": 0.2, "gamma": 1.0,
    "gamma_yes": 3.0, "gamma_no": 1.0, "margin": 0.3,
}  # fmt: skip
BEFORE = {"beta": {"class_weights": "effective"}, "given_weights": {"class_weights": "given"}}


@pytest.mark.parametrize(
    ("made", "task", "name"),
    [(m, task, f.path) for m in Loss.kinds().values() for task in m.tasks for f in fields(m()) if f.path != ".kind"],
)
def test_every_setting_changes_the_loss(batch, made, task, name):
    logits, labels, shares = batch
    target = labels if task == "classification" else shares
    plain = {"given_weights": (1, 1, 1, 1), **BEFORE.get(name, {})}
    values = [float(made(**(plain | more)).build(task, COUNTS)(logits, target)) for more in ({}, {name: OTHERS[name]})]
    assert values[0] != pytest.approx(values[1], rel=1e-4)


def test_weighted_soft_f1_is_the_weighted_mean_of_the_classes(batch):
    logits, _, shares = batch
    p = logits.sigmoid()
    f1 = 2 * (p * shares).sum(0) / (p.sum(0) + shares.sum(0))
    given = torch.tensor([1.0, 5, 2, 3])
    loss = SoftF1(class_weights="given", given_weights=(1, 5, 2, 3)).build("multilabel", COUNTS)
    torch.testing.assert_close(loss(logits, shares), 1 - (given * f1).sum() / given.sum())


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


def test_bce_smoothing_moves_targets_towards_one_half(batch):
    logits, _, shares = batch
    expected = functional.binary_cross_entropy_with_logits(logits, shares * 0.8 + 0.1)
    torch.testing.assert_close(BCE(label_smoothing=0.2).build("multilabel")(logits, shares), expected)


@pytest.mark.parametrize("margin", [0.0, 0.05, 0.3])
@pytest.mark.parametrize("gammas", [(1, 4), (0, 0), (0.5, 2)])
def test_asymmetric_is_timms(batch, gammas, margin):
    from timm.loss import AsymmetricLossMultiLabel

    logits, _, shares = batch
    theirs = AsymmetricLossMultiLabel(gamma_pos=gammas[0], gamma_neg=gammas[1], clip=margin)
    ours = Asymmetric(gamma_yes=gammas[0], gamma_no=gammas[1], margin=margin).build("multilabel")
    one_by_one = sum(theirs(logits[i : i + 1], shares[i : i + 1]) for i in range(len(logits)))
    torch.testing.assert_close(ours(logits, shares), one_by_one / logits.numel(), rtol=1e-4, atol=1e-6)


def test_soft_f1_of_sure_answers_is_that_of_scikit_learn(batch):
    from sklearn.metrics import f1_score

    _, labels, shares = batch
    given = shares.clone()
    given[:5] = 1 - given[:5]
    several = SoftF1().build("multilabel")(100 * (given - 0.5), shares)
    assert float(several) == pytest.approx(1 - f1_score(shares, given, average="macro"), abs=1e-5)
    answers = labels.clone()
    answers[:5] = (answers[:5] + 1) % 4
    one = SoftF1().build("classification")(100 * functional.one_hot(answers, 4).float(), labels)
    assert float(one) == pytest.approx(1 - f1_score(labels, answers, average="macro"), abs=1e-5)


def test_soft_f1_leaves_out_classes_that_are_not_in_the_batch():
    logits, target = torch.tensor([[9.0, -9.0, -9.0]]), torch.tensor([[1.0, 0.0, 0.0]])
    assert SoftF1().build("multilabel")(logits, target) < 1e-3
    assert SoftF1().build("multilabel")(logits, torch.zeros(1, 3)) == 1


def test_effective_weights_are_the_papers():
    """With beta 0 equal, near 1 as auto; the paper's own normalisation sums to the number of classes."""
    assert effective(COUNTS, 0.0) == (1.0, 1.0, 1.0, 1.0)
    limit = torch.tensor(balanced(COUNTS))
    assert effective(COUNTS, 1 - 1e-9) == pytest.approx((limit * 4 / limit.sum()).tolist(), rel=1e-5)
    assert sum(effective(COUNTS, 0.9)) == pytest.approx(4)
    assert effective([0, 1], 0.9) == (0.0, 1.0)
    raw = (1 - 0.9) / (1 - 0.9 ** np.array(COUNTS))
    assert effective(COUNTS, 0.9) == pytest.approx((raw * 4 / raw.sum()).tolist())


def test_given_weights_are_those_of_torch_for_the_whole_training_set(all_images):
    logits, labels = all_images
    made = CrossEntropy(class_weights="given", given_weights=(1, 2, 3, 4)).build("classification", COUNTS)
    given = torch.tensor([1.0, 2, 3, 4])
    torch.testing.assert_close(made(logits, labels), functional.cross_entropy(logits, labels, weight=given))
