"""Metrics against scikit-learn and torchmetrics, on easy and on awkward validations."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
import torch
from sklearn import metrics as reference
from torchmetrics import functional as torchmetrics

from nbtrain.evaluation import scores
from nbtrain.evaluation.predictions import Predictions
from nbtrain.training import metrics as metrics_module
from nbtrain.training.metrics import ClassMetrics, LabelMetrics, Metrics, Scores, ranked

CPU = torch.device("cpu")


def names(n: int) -> list[str]:
    return [f"class {i}" for i in range(n)]


def fed(metrics: Metrics, logits: torch.Tensor, truth: torch.Tensor, batch: int = 16) -> Scores:
    for part, labels in zip(logits.split(batch), truth.split(batch), strict=True):
        metrics.add(part, labels, part.float().abs().mean())
    return metrics.result()


def one_label(n: int, classes: int, *, seed: int = 0, decimals: int | None = None) -> tuple[torch.Tensor, torch.Tensor]:
    g = torch.Generator().manual_seed(seed)
    truth = torch.randint(0, classes, (n,), generator=g)
    logits = torch.randn(n, classes, generator=g) + 1.5 * torch.nn.functional.one_hot(truth, classes)
    return (logits if decimals is None else logits.round(decimals=decimals)), truth


@pytest.mark.parametrize(("n", "classes", "decimals"), [(200, 10, None), (150, 3, None), (300, 8, 0), (40, 2, 1)])
def test_one_label_equals_scikit_learn(n, classes, decimals):
    logits, truth = one_label(n, classes, decimals=decimals)
    got = fed(ClassMetrics(names(classes), CPU), logits, truth).values
    y, guess, scores = truth.numpy(), logits.argmax(1).numpy(), logits.softmax(1).numpy()
    expected = {
        "accuracy": reference.accuracy_score(y, guess),
        "precision": reference.precision_score(y, guess, average="macro", zero_division=0),
        "recall": reference.recall_score(y, guess, average="macro", zero_division=0),
        "f1": reference.f1_score(y, guess, average="macro", zero_division=0),
        "auroc": np.mean([reference.roc_auc_score(y == c, scores[:, c]) for c in range(classes)]),
    }
    if classes > 5:
        in_order = logits.double() - 1e-6 * torch.arange(classes)  # of equal scores the first class comes first
        expected["top5"] = torchmetrics.accuracy(
            in_order, truth, task="multiclass", num_classes=classes, top_k=5, average="micro"
        ).item()
    assert set(got) == {*expected, "loss"}
    assert {name: got[name] for name in expected} == pytest.approx(expected, abs=1e-6)


def test_loss_is_the_mean_over_images_whatever_the_batches():
    logits, truth = one_label(50, 4)
    metrics = ClassMetrics(names(4), CPU)
    for start, stop in ((0, 7), (7, 40), (40, 50)):
        loss = torch.nn.functional.cross_entropy(logits[start:stop], truth[start:stop])
        metrics.add(logits[start:stop], truth[start:stop], loss)
    whole = torch.nn.functional.cross_entropy(logits, truth)
    assert metrics.result().values["loss"] == pytest.approx(whole.item(), abs=1e-6)


def test_absent_classes_follow_the_references():
    """Class 4 is neither among the labels nor predicted; class 3 is predicted only."""
    truth = torch.tensor([0, 0, 1, 1, 2, 2, 2])
    logits = torch.nn.functional.one_hot(torch.tensor([0, 3, 1, 1, 2, 0, 2]), 5).float() * 3
    logits[:, 4] = -5
    scores = fed(ClassMetrics(names(5), CPU), logits, truth)
    y, guess = truth.numpy(), logits.argmax(1).numpy()
    for name, function in (("precision", reference.precision_score), ("f1", reference.f1_score)):
        assert scores.values[name] == pytest.approx(function(y, guess, average="macro", zero_division=0), abs=1e-9)
    theirs = torchmetrics.f1_score(logits, truth, task="multiclass", num_classes=5, average="macro")
    assert scores.values["f1"] == pytest.approx(theirs.item(), abs=1e-6)
    p = logits.softmax(1).numpy()
    assert scores.values["auroc"] == pytest.approx(
        np.mean([reference.roc_auc_score(y == c, p[:, c]) for c in range(3)])
    )
    assert scores.columns == ("class", "support", "precision", "recall", "f1", "auroc")
    assert scores.rows[4][:5] == ("class 4", 0, 0.0, 0.0, 0.0)
    assert math.isnan(scores.rows[4][5])


def test_per_class_rows_equal_scikit_learn():
    logits, truth = one_label(120, 6, decimals=1)
    scores = fed(ClassMetrics(names(6), CPU), logits, truth)
    p, r, f, s = reference.precision_recall_fscore_support(truth.numpy(), logits.argmax(1).numpy(), zero_division=0)
    for c, row in enumerate(scores.rows):
        assert row[:2] == (f"class {c}", s[c])
        auroc = reference.roc_auc_score(truth.numpy() == c, logits.softmax(1).numpy()[:, c])
        assert row[2:] == pytest.approx((p[c], r[c], f[c], auroc), abs=1e-6)


def many_labels(n: int, classes: int, decimals: int | None = None) -> tuple[torch.Tensor, torch.Tensor]:
    g = torch.Generator().manual_seed(3)
    truth = (torch.rand(n, classes, generator=g) < 0.3).float()
    logits = torch.randn(n, classes, generator=g) + truth
    return (logits if decimals is None else logits.round(decimals=decimals)), truth


@pytest.mark.parametrize("decimals", [None, 0])
def test_many_labels_equal_scikit_learn(decimals):
    logits, truth = many_labels(150, 7, decimals)
    got = fed(LabelMetrics(names(7), CPU), logits, truth)
    y, scores = truth.numpy(), logits.sigmoid().numpy()
    guess = (scores >= 0.5).astype(int)
    expected = {
        "map": reference.average_precision_score(y, scores, average="macro"),
        "precision": reference.precision_score(y, guess, average="macro", zero_division=0),
        "recall": reference.recall_score(y, guess, average="macro", zero_division=0),
        "f1": reference.f1_score(y, guess, average="macro", zero_division=0),
        "f1_micro": reference.f1_score(y, guess, average="micro", zero_division=0),
        "auroc": reference.roc_auc_score(y, scores, average="macro"),
    }
    assert set(got.values) == {*expected, "loss"}
    assert {name: got.values[name] for name in expected} == pytest.approx(expected, abs=1e-6)
    assert got.columns[-2:] == ("average_precision", "auroc")
    assert got.rows[2][5] == pytest.approx(reference.average_precision_score(y[:, 2], scores[:, 2]), abs=1e-6)


def test_mean_average_precision_covers_the_classes_that_have_images():
    logits, truth = many_labels(60, 4)
    truth[:, 1] = 0  # no image has it
    truth[:, 2] = 1  # every image has it
    got = fed(LabelMetrics(names(4), CPU), logits, truth).values
    y, p = truth.numpy(), logits.sigmoid().numpy()
    assert got["map"] == pytest.approx(
        np.mean([reference.average_precision_score(y[:, c], p[:, c]) for c in (0, 2, 3)])
    )
    assert got["auroc"] == pytest.approx(np.mean([reference.roc_auc_score(y[:, c], p[:, c]) for c in (0, 3)]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert got["f1"] == pytest.approx(reference.f1_score(y, p >= 0.5, average="macro", zero_division=0))


def test_a_nan_among_the_outputs_makes_every_metric_nan():
    logits, truth = one_label(40, 6)
    logits[7, 2] = math.nan
    scores = fed(ClassMetrics(names(6), CPU), logits, truth)
    assert all(math.isnan(v) for v in scores.values.values())
    assert all(math.isnan(cell) for row in scores.rows for cell in row[2:])


@pytest.mark.parametrize("made", [ClassMetrics, LabelMetrics])
def test_one_image_and_none_do_not_crash(made):
    truth = torch.tensor([1]) if made is ClassMetrics else torch.tensor([[0.0, 1.0, 0.0]])
    scores = fed(made(names(3), CPU), torch.tensor([[0.1, 2.0, -1.0]]), truth)
    assert scores.values["recall"] in (1.0, pytest.approx(1 / 3))
    assert math.isnan(scores.values["auroc"])
    assert math.isnan(made(names(3), CPU).result().values["loss"])


def test_memory_limits_do_not_change_the_numbers(monkeypatch):
    logits, truth = one_label(90, 7)
    whole = fed(ClassMetrics(names(7), CPU), logits, truth)
    monkeypatch.setattr(metrics_module, "_CHUNK", 100)
    monkeypatch.setattr(metrics_module, "_DEVICE_BYTES", 1000)
    assert fed(ClassMetrics(names(7), CPU), logits, truth) == whole


def test_half_precision_outputs_are_ranked_as_float32():
    logits, truth = one_label(64, 4)
    halved = fed(ClassMetrics(names(4), CPU), logits.bfloat16(), truth)
    assert halved == fed(ClassMetrics(names(4), CPU), logits.bfloat16().float(), truth)


def test_all_scores_equal_give_one_half():
    auroc, precision = ranked(torch.zeros(10, 1), torch.arange(10)[:, None] < 3)
    assert (auroc.item(), precision.item()) == (0.5, pytest.approx(0.3))


def test_top5_is_the_evaluations_also_where_scores_are_equal():
    """Of equal scores the first class comes first, as for argmax: so a sure network is not right by underflow."""
    logits = torch.full((4, 8), -500.0)
    logits[:, 6] = 500.0  # sure of class 6: all others have the probability 0
    logits[3] = 0.0  # knows nothing
    truth = torch.tensor([6, 2, 7, 5])
    own = fed(ClassMetrics(names(8), CPU), logits, truth).values
    assert own["top5"] == 0.5  # class 6 itself, and 2 among the first of the equal ones; neither 7 nor 5
    predictions = Predictions(
        classes=tuple(names(8)), files=tuple("abcd"), targets=truth.numpy(), probabilities=logits.softmax(1).numpy(),
        losses=np.zeros(4, np.float32), chosen=logits.argmax(1).numpy(),
    )  # fmt: skip
    theirs = scores.values(predictions)
    assert (theirs["top5"], theirs["accuracy"]) == (own["top5"], own["accuracy"])


@pytest.mark.parametrize("levels", [2, 5, 1000])
def test_top5_counts_what_a_stable_sort_puts_first(levels):
    generator = torch.Generator().manual_seed(levels)
    logits = torch.randint(0, levels, (200, 9), generator=generator).float() / levels
    truth = torch.randint(0, 9, (200,), generator=generator)
    first = torch.sort(logits.softmax(1), dim=1, descending=True, stable=True).indices[:, :5]
    expected = float((first == truth[:, None]).any(1).float().mean())
    assert fed(ClassMetrics(names(9), CPU), logits, truth).values["top5"] == pytest.approx(expected)
