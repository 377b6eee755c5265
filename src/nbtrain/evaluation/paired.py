"""Two models on the same images: which is better, by how much, and whether that is more than chance.

Both are measured on the same resamples of the images (the paired bootstrap), so what makes an image hard for both
cancels out. That interval is about these two models. About their configurations it says too little: another seed alone
moves a number about as much as other images would (Bouthillier et al. 2021, arXiv:2103.03098, figure 1), and with one
run of each nobody can tell how much. So the interval of the verdict is wider by that. Another seed also learns some
classes better and others worse, as wholes, most in short trainings: where the differences of the classes lie further
apart than their images explain (random effects, DerSimonian and Laird 1986), that is taken where it is more. Where the
interval covers 0 it is a tie. For right and wrong images, McNemar's exact test says how likely such a difference is
between equal models. It knows predictions; names are given by who asks.

Shapes: R resamples, N images, K classes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from nbtrain.data.records import counted
from nbtrain.errors import DataError
from nbtrain.evaluation import bootstrap, scores
from nbtrain.evaluation.bootstrap import LEVEL, RESAMPLES, SEED, Interval
from nbtrain.evaluation.predictions import Floats, Ints, Predictions


@dataclass(frozen=True, slots=True)
class Difference:
    """One metric of two models on the same images."""

    metric: str
    a: float
    b: float
    interval: Interval
    """Of ``a`` − ``b``, for these two models on other images."""
    wide: Interval
    """The same for two runs of their configurations: with what another seed may do."""

    @property
    def difference(self) -> float:
        """``a`` − ``b``."""
        return self.a - self.b

    @property
    def tie(self) -> bool:
        """Whether the wide interval covers 0: nobody can tell which configuration is better."""
        return not (self.wide.low > 0 or self.wide.high < 0)

    @property
    def better(self) -> str:
        """``a`` or ``b``, empty for a tie; of a loss the lower one is better."""
        if self.tie or math.isnan(self.difference):
            return ""
        return "a" if (self.difference > 0) != (self.metric in scores.LOWER_IS_BETTER) else "b"


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the images say of two models."""

    a: str
    b: str
    n_images: int
    """Images that both were evaluated on."""
    left_out: int
    """Images that only one of them was evaluated on, or whose labels have changed in between."""
    main: str
    """The metric that decides."""
    differences: tuple[Difference, ...]
    only_a: int
    """Images that ``a`` alone has right."""
    only_b: int
    p: float
    """McNemar's exact p-value of those two numbers: how often equals would differ at least so much."""
    notes: tuple[str, ...] = ()
    """What else a person should know, in full sentences: two splits, say, or data that have changed in between."""

    @property
    def verdict(self) -> Difference:
        """The difference in the metric that decides."""
        return next(found for found in self.differences if found.metric == self.main)

    @property
    def tie(self) -> bool:
        """Whether nobody can tell which of the two is better."""
        return self.verdict.tie

    @property
    def words(self) -> str:
        """What that means, in sentences."""
        found = self.verdict
        name, images = scores.label(found.metric).lower(), counted(self.n_images, "image", "images")
        (first, one), (second, other) = (self.a, found.a), (self.b, found.b)
        difference, wide = found.difference, found.wide
        if found.better == "b":  # the better one is named first, and the difference is its lead
            (first, one), (second, other) = (second, other), (first, one)
            difference, wide = -difference, Interval(-wide.high, -wide.low)
        ends = f"95 %: {_signed(wide.low)} to {_signed(wide.high)}, other images and another seed counted"
        by = f"{_signed(difference)} on the same {images} ({ends})"
        if found.tie:
            told = f"A tie: {name} of “{first}” is {one:.4f}, of “{second}” {other:.4f}, {by}, which may be chance."
        else:
            told = f"“{first}” is better than “{second}”: {name} {one:.4f} against {other:.4f}, {by}."
        right = f" {self.only_a} images are right in “{self.a}” alone, {self.only_b} in “{self.b}” alone"
        told += f"{right} (McNemar's exact test: p {_p(self.p)})."
        if self.left_out:
            told += f" {counted(self.left_out, 'image was', 'images were')} not evaluated alike by both, and left out."
        return " ".join([told, *self.notes])


def compare(
    a: Predictions,
    b: Predictions,
    names: tuple[str, str] = ("a", "b"),
    *,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
    seed: int = SEED,
) -> Comparison:
    """Compare two models on the images that both were evaluated on; raises DataError where nothing can be compared."""
    first, second, left_out = _aligned(a, b)
    now_a, now_b = scores.values(first), scores.values(second)
    ranked = len(first) * len(first.classes) * resamples <= bootstrap.MOST_RANKED
    drawn = [
        [scores.weighted(found, weights_RN, ranking=ranked) for found in (first, second)]
        for weights_RN in bootstrap.drawn(len(first), resamples, seed)
    ]
    drawn_a, drawn_b = (_joined([parts[which] for parts in drawn]) for which in (0, 1))
    made = tuple(_differences(now_a, now_b, drawn_a, drawn_b, level, apart(first, second)))
    only_a, only_b = (int((x.right & ~y.right).sum()) for x, y in ((first, second), (second, first)))
    main = scores.main({found.metric for found in made}, multilabel=first.multilabel)
    return Comparison(*names, len(first), left_out, main, made, only_a, only_b, mcnemar(only_a, only_b))


def mcnemar(only_a: int, only_b: int) -> float:
    """Return the two-sided exact p-value: the chance that a fair coin falls at least as unevenly."""
    n, few = only_a + only_b, min(only_a, only_b)
    if not n:
        return 1.0
    # Logarithms, since the binomial coefficients of a few thousand images are larger than any float.
    log_all = math.lgamma(n + 1) - n * math.log(2)
    logs = (log_all - math.lgamma(i + 1) - math.lgamma(n - i + 1) for i in range(few + 1))
    return min(1.0, 2 * math.fsum(math.exp(one) for one in logs))


def apart(a: Predictions, b: Predictions) -> float:
    """Return how much the classes differ in what separates two models, beside what their images explain.

    It is the variance which that adds to the mean difference, as a multiple of that of its images: 0 where all classes
    tell the same story.
    """
    n_K, mean_K, variance_K = _by_class(a, b)
    there_K = n_K > 1
    n_K, mean_K, variance_K = n_K[there_K], mean_K[there_K], variance_K[there_K]
    if len(n_K) < 2:
        return 0.0
    share_K, of_mean_K = n_K / n_K.sum(), variance_K / n_K
    within = float((share_K**2 * of_mean_K).sum())
    spread = float((share_K * (mean_K - (share_K * mean_K).sum()) ** 2).sum())
    freedom = share_K * (1 - share_K)
    between = max(0.0, (spread - float((freedom * of_mean_K).sum())) / float(freedom.sum()))
    return between * float((share_K**2).sum()) / within if within > 0 else 0.0


def _by_class(a: Predictions, b: Predictions) -> tuple[Floats, Floats, Floats]:
    """Return, class by class, how many decisions there are, and mean and variance of right in a − right in b."""
    if a.multilabel:
        ahead_NK = (a.guess == a.truth).astype(np.int8) - (b.guess == b.truth)
        n_K = np.full(ahead_NK.shape[1], float(len(a)))
        total_K, square_K = ahead_NK.sum(0, dtype=np.float64), (ahead_NK != 0).sum(0, dtype=np.float64)
    else:
        ahead_N, k = a.right.astype(np.float64) - b.right, len(a.classes)
        n_K = np.bincount(a.targets, minlength=k).astype(np.float64)
        total_K = np.bincount(a.targets, ahead_N, k)
        square_K = np.bincount(a.targets, ahead_N**2, k)
    mean_K = total_K / np.maximum(n_K, 1)
    return n_K, mean_K, (square_K - n_K * mean_K**2) / np.maximum(n_K - 1, 1)


def _aligned(a: Predictions, b: Predictions) -> tuple[Predictions, Predictions, int]:
    """Return both for the images that they share, in one order, and how many others there are."""
    if a.multilabel != b.multilabel or set(a.classes) != set(b.classes):
        told = "the two models do not tell the same classes apart, so their numbers cannot be compared"
        raise DataError(told, advice="Compare experiments of one task on one list of classes.")
    b = _ordered(b, a.classes)
    places = {file: place for place, file in enumerate(b.files)}
    shared = [(place, places[file]) for place, file in enumerate(a.files) if file in places]
    same = [(i, j) for i, j in shared if np.array_equal(a.targets[i], b.targets[j])]
    if not same:
        told = "the two models were not evaluated on the same images"
        raise DataError(told, advice="Evaluate both on the same part of the same split.")
    left_out = len(a) + len(b) - len(shared) - len(same)
    return a.picked([i for i, _ in same]), b.picked([j for _, j in same]), left_out


def _ordered(predictions: Predictions, classes: tuple[str, ...]) -> Predictions:
    """Return the predictions with their classes in another order."""
    if predictions.classes == classes:
        return predictions
    order = [predictions.classes.index(name) for name in classes]
    back: Ints = np.argsort(order)
    several = predictions.multilabel
    return Predictions(
        classes=classes,
        files=predictions.files,
        probabilities=predictions.probabilities[:, order],
        targets=predictions.targets[:, order] if several else back[predictions.targets],
        losses=predictions.losses,
        threshold=predictions.threshold,
        chosen=None if several else back[predictions.predicted],
    )


def _joined(parts: Sequence[Mapping[str, Floats]]) -> dict[str, Floats]:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _differences(
    now_a: Mapping[str, float],
    now_b: Mapping[str, float],
    a: dict[str, Floats],
    b: dict[str, Floats],
    level: float,
    more: float,
) -> Iterator[Difference]:
    """Yield the difference in each metric that was resampled; ``more`` is the variance that classes add (apart)."""
    alone_a, alone_b = bootstrap.ends(a, level), bootstrap.ends(b, level)
    for name, ends in bootstrap.ends({name: a[name] - b[name] for name in a}, level).items():
        difference = now_a[name] - now_b[name]
        # What another seed does is independent of the images, so squares add up; its size is that of either interval,
        # or what the classes show of it where that is more.
        noise = sum(((one[name].high - one[name].low) / 2) ** 2 for one in (alone_a, alone_b))
        noise = max(noise, more * ((ends.high - ends.low) / 2) ** 2)
        below, above = (math.sqrt((difference - end) ** 2 + noise) for end in ends)
        yield Difference(name, now_a[name], now_b[name], ends, Interval(difference - below, difference + above))


def _signed(number: float) -> str:
    return f"{number:+.4f}".replace("-", "−")


def _p(number: float) -> str:
    return f"= {number:.2g}" if number >= 1e-4 else "< 0.0001"
