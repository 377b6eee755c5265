"""Every metric equals scikit-learn's and torchmetrics' to a millionth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn import metrics as sk
from torchmetrics import functional as tm

from evaluation.made import one_label, several_labels
from nbtrain.evaluation import scores, tables
from nbtrain.evaluation.curves import MICRO, Curves, Sweep


def near(number):
    return pytest.approx(number, abs=1e-6)


def test_one_label_equals_the_references():
    found = one_label()
    shares, truth, guess = found.probabilities, found.targets, found.predicted
    k = len(found.classes)
    t_shares, t_truth = torch.from_numpy(shares), torch.from_numpy(truth)
    now = scores.values(found)
    assert now["accuracy"] == near(sk.accuracy_score(truth, guess))
    assert now["top5"] == near(sk.top_k_accuracy_score(truth, shares - 1e-9 * np.arange(k), k=5))
    for name, reference in (("precision", sk.precision_score), ("recall", sk.recall_score), ("f1", sk.f1_score)):
        assert now[name] == near(reference(truth, guess, average="macro", zero_division=0))
    assert now["f1_weighted"] == near(sk.f1_score(truth, guess, average="weighted"))
    assert now["auroc"] == near(sk.roc_auc_score(truth, shares.astype(float), multi_class="ovr"))
    assert now["auroc"] == near(float(tm.auroc(t_shares, t_truth, "multiclass", num_classes=k)))
    assert now["nll"] == near(sk.log_loss(truth, shares.astype(float)))
    assert now["brier"] == near(np.square(np.eye(k)[truth] - shares).sum(1).mean())
    reference = tm.calibration_error(t_shares.double(), t_truth, "multiclass", num_classes=k, n_bins=scores.N_BINS)
    assert now["ece"] == near(float(reference))
    assert list(now) == [name for name in scores.LABELS if name in now]


def test_equal_scores_count_half_in_auroc_and_all_at_once_in_precision():
    generator = np.random.default_rng(4)
    truth = generator.random(300) < 0.4
    score = (0.5 * truth + generator.random(300)).round(1)  # some 20 images have each score
    auroc, precision = scores.ranked_class(score, truth, np.ones((1, 300), np.float32))
    assert auroc[0] == near(sk.roc_auc_score(truth, score))
    assert precision[0] == near(sk.average_precision_score(truth, score))
    every, none = np.ones(5, bool), np.zeros(5, bool)
    assert all(np.isnan(scores.ranked_class(np.ones(5), own, np.ones((1, 5), np.float32))[0]) for own in (every, none))


def test_several_labels_equal_the_references():
    found = several_labels()
    shares, truth, guess = found.probabilities.astype(float), found.targets, found.guess
    k = len(found.classes)
    now = scores.values(found)
    assert now["exact_match"] == near(sk.accuracy_score(truth, guess))
    for name, reference in (("precision", sk.precision_score), ("recall", sk.recall_score), ("f1", sk.f1_score)):
        assert now[name] == near(reference(truth, guess, average="macro", zero_division=0))
    assert now["f1_micro"] == near(sk.f1_score(truth, guess, average="micro"))
    assert now["map"] == near(sk.average_precision_score(truth, shares, average="macro"))
    assert now["auroc"] == near(sk.roc_auc_score(truth, shares, average="macro"))
    t_shares, t_truth = torch.from_numpy(found.probabilities), torch.from_numpy(truth).long()
    assert now["map"] == near(float(tm.average_precision(t_shares, t_truth, "multilabel", num_labels=k)))
    assert now["nll"] == near(sk.log_loss(truth.ravel(), shares.ravel()))
    assert now["brier"] == near(sk.brier_score_loss(truth.ravel(), shares.ravel()))
    reference = tm.calibration_error(t_shares.double().ravel(), t_truth.ravel(), "binary", n_bins=scores.N_BINS)
    assert now["ece"] == near(float(reference))


def test_weights_count_like_copies():
    for found in (one_label(60), several_labels(60)):
        places = np.r_[np.arange(60), [3, 3, 17]]
        weights = np.bincount(places, minlength=60).astype(np.float32)[None]
        copied = scores.values(found.picked(places))
        assert {name: near(float(value[0])) for name, value in scores.weighted(found, weights).items()} == copied


def test_classes_without_images_are_no_part_of_means():
    found = one_label(40, k=3)
    with_more = type(found)(
        classes=(*found.classes, "never"),
        files=found.files,
        probabilities=np.c_[found.probabilities, np.zeros(40, np.float32)],
        targets=found.targets,
        losses=found.losses,
    )
    before, after = scores.values(found), scores.values(with_more)
    assert {name: after[name] for name in ("f1", "auroc", "accuracy")} == {
        name: near(before[name]) for name in ("f1", "auroc", "accuracy")
    }
    assert np.isnan(scores.ranked(with_more)[0][3])


def test_no_images_have_no_numbers():
    for made in (one_label(1), several_labels(1)):
        assert all(np.isnan(value) for value in scores.values(made.picked([])).values())


def test_tables_equal_the_references():
    found = one_label()
    np.testing.assert_array_equal(tables.confusion(found), sk.confusion_matrix(found.targets, found.predicted))
    rows = tables.per_class(found)
    parts = sk.precision_recall_fscore_support(found.targets, found.predicted)
    for name, reference in zip(("precision", "recall", "f1", "support"), parts, strict=True):
        np.testing.assert_allclose(rows[name], reference, atol=1e-6)
    truth = np.eye(7)[found.targets]
    np.testing.assert_allclose(rows["auroc"], sk.roc_auc_score(truth, found.probabilities, average=None), atol=1e-6)
    several = several_labels()
    expected = sk.multilabel_confusion_matrix(several.targets, several.guess)
    np.testing.assert_array_equal(tables.confusion(several), expected)
    bins = tables.reliability(found)
    gap = np.nansum(np.abs(bins["right"] - bins["confidence"]) * bins["n"]) / len(found)
    assert gap == near(scores.values(found)["ece"])
    for true, told in ((2, 2), (0, 4)):
        places = tables.cell(found, true, told)
        assert len(places) == tables.confusion(found)[true, told]
        assert (np.diff(found.losses[places]) <= 0).all()


@pytest.mark.parametrize("label", [MICRO, "label 2"])
def test_curves_equal_scikit_learn(label):
    found = several_labels()
    scores_N, truth_N = found.probabilities[:, 2], found.truth[:, 2]
    if label == MICRO:
        scores_N, truth_N = found.probabilities.ravel(), found.truth.ravel()
    sweep = Curves(found).sweep(label)
    precision, recall, thresholds = sk.precision_recall_curve(truth_N, scores_N)
    np.testing.assert_allclose(sweep.precision[::-1], precision[:-1], atol=1e-12)
    np.testing.assert_allclose(sweep.recall[::-1], recall[:-1], atol=1e-12)
    np.testing.assert_array_equal(sweep.thresholds[::-1], thresholds)
    fpr, tpr, _ = sk.roc_curve(truth_N, scores_N, drop_intermediate=False)
    np.testing.assert_allclose(np.c_[fpr, tpr], np.c_[np.r_[0, sweep.false_positive_rate], np.r_[0, sweep.recall]])
    at, f1 = sweep.best()
    assert f1 == near(sk.f1_score(truth_N, scores_N >= np.float32(at)))
    assert f1 == near(max(sk.f1_score(truth_N, scores_N >= one) for one in thresholds))
    told = sweep.at(0.5)
    assert told["f1"] == near(sk.f1_score(truth_N, scores_N >= 0.5))
    assert told["recall"] == near(sk.recall_score(truth_N, scores_N >= 0.5))
    assert sweep.at(2.0) == {"precision": 0.0, "recall": 0.0, "f1": 0.0}
    x, y = sweep.points("roc", most=50)
    assert len(x) <= 50
    assert (x[0], y[0], x[-1], y[-1]) == (0, 0, 1, 1)


@pytest.mark.parametrize("make", [one_label, several_labels])
def test_what_sorting_alone_says_is_what_weighting_says(make):
    found = make(200, k=9)
    once = np.ones((1, 200), np.float32)
    slow = scores.weighted(found, once)
    fast = scores.values(found)
    assert {name: near(value) for name, value in fast.items()} == {name: float(one[0]) for name, one in slow.items()}
    ranks, curves = scores.ranked(found), Curves(found)
    for place, name in enumerate(found.classes):
        pair = scores.ranked_class(found.probabilities[:, place], found.truth[:, place], once)
        assert (ranks.auroc[place], ranks.average_precision[place]) == (
            near(float(pair[0][0])),
            near(float(pair[1][0])),
        )
        assert curves.sweep(name).best() == (near(ranks.best_threshold[place]), near(ranks.best_f1[place]))


def test_a_class_without_images_or_without_others_has_no_rank():
    found = one_label(20, k=3)
    alone = replace(found, targets=np.zeros(20, int))
    ranks = scores.ranked(alone)
    assert np.isnan(ranks.auroc).all()
    assert ranks.average_precision[0] == near(1.0)
    assert np.isnan(ranks.average_precision[1:]).all()


def test_millions_of_scores_are_counted_exactly_at_fewer_thresholds():
    found = several_labels(300, k=8)
    coarse, fine = Sweep.coarse(found.probabilities, found.truth), Curves(found).sweep()
    assert (coarse.n, coarse.n_positive) == (fine.n, fine.n_positive)
    assert (np.diff(coarse.thresholds) < 0).all()
    for at in coarse.thresholds[::40].tolist():
        assert coarse.at(at) == {name: near(value) for name, value in fine.at(at).items()}
    assert coarse.best()[1] == pytest.approx(fine.best()[1], abs=2e-3)
    places = coarse.places(50)
    assert (places.min(), places.max(), len(places) <= 150) == (0, len(coarse.thresholds) - 1, True)


def test_confused_pairs_are_those_of_the_matrix():
    found = one_label(400, k=6)
    counts = tables.confusion(found)
    np.fill_diagonal(counts, 0)
    pairs = tables.confused(found, 100)
    assert sum(n for _, _, n in pairs) == counts.sum()
    assert all(counts[true, told] == n for true, told, n in pairs)
    assert [n for _, _, n in pairs] == sorted((n for _, _, n in pairs), reverse=True)
    assert tables.confused(found, 3) == pairs[:3]
    assert {3 in (true, told) for true, told, _ in tables.confused(found, 100, " CLASS 3 ")} == {True}
    assert tables.confused(found, 100, "nobody") == []
