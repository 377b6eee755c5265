"""Predictions made up for tests: noisy scores of a known quality, seeded."""

from __future__ import annotations

import numpy as np

from nbtrain.evaluation.predictions import Predictions


def softmax(logits_NK):
    """Return rows that sum to 1."""
    raised_NK = np.exp(logits_NK - logits_NK.max(1, keepdims=True))
    return raised_NK / raised_NK.sum(1, keepdims=True)


def one_label(n=240, k=7, seed=0, strength=1.5, **more):
    """Return predictions of one label per image; more ``strength`` makes them better. Some scores are equal."""
    generator = np.random.default_rng(seed)
    targets = generator.integers(0, k, n)
    logits_NK = generator.normal(size=(n, k))
    logits_NK[np.arange(n), targets] += strength
    shares_NK = softmax(logits_NK.round(1)).astype(np.float32)
    losses = -np.log(shares_NK[np.arange(n), targets])
    return Predictions(
        classes=tuple(f"class {place}" for place in range(k)),
        files=tuple(f"images/{place:05}.png" for place in range(n)),
        probabilities=shares_NK,
        targets=targets,
        losses=losses.astype(np.float32),
        **more,
    )


def several_labels(n=240, k=5, seed=0, strength=1.5, **more):
    """Return predictions of any number of labels per image."""
    generator = np.random.default_rng(seed)
    targets = (generator.random((n, k)) < 0.3).astype(np.uint8)
    logits_NK = generator.normal(size=(n, k)) + strength * (2.0 * targets - 1)
    shares_NK = (1 / (1 + np.exp(-logits_NK.round(1)))).astype(np.float32)
    losses = -np.where(targets == 1, np.log(shares_NK), np.log(1 - shares_NK)).mean(1)
    return Predictions(
        classes=tuple(f"label {place}" for place in range(k)),
        files=tuple(f"images/{place:05}.png" for place in range(n)),
        probabilities=shares_NK,
        targets=targets,
        losses=losses.astype(np.float32),
        **more,
    )
