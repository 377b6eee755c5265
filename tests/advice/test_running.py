"""Advice from a run's history: planted courses are recognised, healthy ones are left alone."""

from __future__ import annotations

import numpy as np
import pytest

from nbtrain.advice import Course, Running, observe
from nbtrain.advice.running import per_epoch
from nbtrain.config import Config

EPOCHS = 30
CLASSES = tuple((name, 40, 0.9) for name in ("daisy", "iris", "rose", "tulip"))


def course(changes=None, done=EPOCHS, **how):
    """Return a run that learns well, with some of it changed."""
    t = np.arange(1, EPOCHS + 1)[:done]
    told = {
        "train_loss": 1.3 * np.exp(-t / 6) + 0.1,
        "val_loss": 1.2 * np.exp(-t / 6) + 0.25,
        "val_metric": 1 - 0.7 * np.exp(-t / 5),
        "lr": 1e-3 * (1 + np.cos(np.pi * (t - 1) / EPOCHS)) / 2,
        "waiting": [0.02] * 10,
        "classes": CLASSES,
    }
    return Course(config=Config().set_all(changes or {}), epochs=EPOCHS, ended=done == EPOCHS, **{**told, **how})


def noisy(seed, **how):
    """Return a healthy run with the noise of small validation sets."""
    chance = np.random.default_rng(seed)
    made = course(**how)
    rough = {name: getattr(made, name) + chance.normal(0, 0.02, made.done) for name in ("train_loss", "val_loss")}
    metric = np.clip(made.val_metric + chance.normal(0, 0.01, made.done), 0, 1)
    return course(**{**how, **rough, "val_metric": metric})


t = np.arange(1, EPOCHS + 1)
FLAT = {"train_loss": np.full(EPOCHS, 0.9), "val_loss": np.full(EPOCHS, 0.95), "val_metric": np.full(EPOCHS, 0.6)}
RISING = np.where(t < 10, 0.8 - 0.04 * t, 0.4 + 0.03 * (t - 10))
FAULTS = {
    "overfitting": course(val_loss=RISING, val_metric=np.minimum(0.7, t / 12)),
    "overfitting by loss": course({"training.monitor": "loss"}, val_loss=RISING, val_metric=np.empty(0)),
    "underfitting": course({"optimizer.lr": 1e-6}, train_loss=np.full(EPOCHS, 1.38), val_loss=np.full(EPOCHS, 1.38)),
    "underfitting, half way": course(
        {"optimizer.lr": 1.0}, 12, train_loss=np.full(12, 1.37), val_loss=np.full(12, 1.4), val_metric=np.full(12, 0.25)
    ),
    "plateau": course(
        {"scheduler.kind": "constant"},
        20,
        lr=np.full(20, 1e-3),
        **{name: np.concatenate([np.linspace(2, 1, 8) * values[:8], values[:12]]) for name, values in FLAT.items()},
    ),
    "divergence": course(train_loss=np.where(t < 8, 1.2 - 0.1 * t, 0.3 * t)),
    "divergence, early": course(done=3, train_loss=np.array([1.2, 1.0, 9.0])),
    "divergence, told by the trainer within an epoch": course(done=2, ran_away=2.4),
    "recovery": course(done=1, recoveries=["The loss became NaN or infinite at step 8. Training went back to step 0."]),
    "not a number": course(n_gaps=7),
    "not a number, half": course({"hardware.precision": "16-mixed"}, n_gaps=1),
    "waiting for data": course({"data.workers": 1}, waiting=[0.1, 0.5, 0.6, 0.4, 0.55, 0.5]),
    "waiting for data, in a long first epoch": course(done=0, waiting=[0.6] * 60),
    "class never found": course(classes=(*CLASSES, ("thistle", 12, 0.0))),
}
HEALTHY = {
    "learns": course(),
    "half way": course(done=15),
    "just begun": course(done=2),
    "ran away for a moment, long ago": course(done=9, ran_away=2.4),
    "nothing yet": course(done=0),
    **{f"noisy {seed}": noisy(seed) for seed in range(6)},
    "noisy, half way": noisy(9, done=16),
    "gentle overconfidence": course(val_loss=np.where(t < 15, 0.8 - 0.03 * t, 0.38 + 0.001 * t)),
    "constant rate, settled at the end": course({"scheduler.kind": "constant"}, lr=np.full(EPOCHS, 1e-3)),
    "an absent class": course(classes=(*CLASSES, ("thistle", 0, 0.0))),
    "a first epoch that decodes": course(done=2, waiting=[0.6] * 8),
    "one slow report": course(waiting=[0.02, 0.9, 0.03, 0.04, 0.05]),
}


def test_recall_of_planted_faults():
    missed = [name for name, run in FAULTS.items() if name.split(",")[0].removesuffix(" by loss") not in rules_of(run)]
    assert missed == []


def rules_of(run):
    return {finding.rule for finding in observe(run)}


@pytest.mark.parametrize("name", HEALTHY)
def test_healthy_runs_are_left_alone(name):
    assert [f"{f.rule}: {f.text}" for f in observe(HEALTHY[name])] == []


@pytest.mark.parametrize("name", FAULTS)
def test_a_finding_says_a_number_and_its_fix_can_be_applied(name):
    config = FAULTS[name].config
    for finding in observe(FAULTS[name]):
        assert any(character.isdigit() for character in finding.text)
        mended = config.set_all(finding.fix)
        assert not finding.fix or mended != config


def test_every_rule_has_a_planted_fault_and_a_source():
    named = {name.split(",")[0].removesuffix(" by loss") for name in FAULTS}
    assert set(Running.all()) == named
    for rule in Running.all().values():
        assert rule.source
        assert rule.why().endswith("."), rule


def test_means_of_whole_epochs():
    """What was said at epoch 0.5 and 1.0 belongs to the first; an epoch under way is no epoch yet."""
    epochs = np.array([0.5, 1.0, 1.5, 2.0, 2.3])
    values = np.array([4.0, 2.0, np.nan, 1.0, 9.0])
    assert per_epoch(epochs, values).tolist() == [3.0, 1.0]
    assert per_epoch(np.empty(0), np.empty(0)).tolist() == []
