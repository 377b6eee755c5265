"""How often the bootstrap's 95 % intervals hold the truth, and how often two equals are called a tie: simulations.

Predictions are drawn from a model of fixed quality; the truth is what half a million images of the same kind say.
"""

from __future__ import annotations

import time

import numpy as np

from bench.table import Row
from nbtrain.evaluation import bootstrap, paired, scores
from nbtrain.evaluation.predictions import Predictions

TITLE = "Bootstrap intervals (3 classes, 1000 resamples)"
SIZES, ROUNDS, LONG_ROUNDS = (200, 1000), 300, 2000
METRICS = ("accuracy", "f1", "auroc", "nll", "brier")
_MANY = 500_000


def measure(*, long: bool = False) -> list[Row]:
    """Return coverage by metric and number of images, ties among equals, and what the intervals of a set take."""
    generator, rounds, rows = np.random.default_rng(0), LONG_ROUNDS if long else ROUNDS, list[Row]()
    truth = scores.values(_drawn(_MANY, generator))
    for n in SIZES:
        held = dict.fromkeys(METRICS, 0)
        for _ in range(rounds):
            found = bootstrap.intervals(_drawn(n, generator), seed=int(generator.integers(2**31)))
            for name in METRICS:
                held[name] += found[name].low <= truth[name] <= found[name].high
        told = f"of {n} images holds the truth, share of {rounds}"
        rows += [
            Row(f"interval of {name} {told}", "ratio", (hits / rounds,), 0.93, True) for name, hits in held.items()
        ]
        rows += [Row(f"the most often held one {told}", "ratio", (max(held.values()) / rounds,), 0.97)]
    ties = [paired.compare(*_equals(300, generator), resamples=500).tie for _ in range(rounds)]
    rows += [
        Row(
            f"two equals on 300 images are a tie, share of {rounds} rounds", "ratio", (float(np.mean(ties)),), 0.9, True
        )
    ]
    return [*rows, Row("all intervals of 10 000 images of 3 classes", "s", (_took_s(_drawn(10_000, generator)),))]


def _drawn(n: int, generator: np.random.Generator) -> Predictions:
    targets = generator.integers(0, 3, n)
    logits_NK = generator.normal(size=(n, 3))
    logits_NK[np.arange(n), targets] += 1.2
    return _of(logits_NK, targets)


def _equals(n: int, generator: np.random.Generator) -> tuple[Predictions, Predictions]:
    """Return two models that are equally good, and wrong on other images."""
    targets = generator.integers(0, 3, n)
    shared_NK = generator.normal(size=(n, 3))
    shared_NK[np.arange(n), targets] += 1.2
    one, other = (_of(shared_NK + 0.7 * generator.normal(size=(n, 3)), targets) for _ in range(2))
    return one, other


def _of(logits_NK: np.ndarray, targets: np.ndarray) -> Predictions:
    raised_NK = np.exp(logits_NK - logits_NK.max(1, keepdims=True))
    shares_NK = (raised_NK / raised_NK.sum(1, keepdims=True)).astype(np.float32)
    losses = -np.log(shares_NK[np.arange(len(targets)), targets])
    return Predictions(("a", "b", "c"), tuple(map(str, range(len(targets)))), shares_NK, targets, losses)


def _took_s(predictions: Predictions) -> float:
    began_s = time.perf_counter()
    bootstrap.intervals(predictions)
    return time.perf_counter() - began_s
