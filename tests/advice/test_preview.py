"""The schedule before the run is the one that the trainer's schedule follows, step by step."""

from __future__ import annotations

import pytest
import torch

from nbtrain.advice import preview
from nbtrain.config import Config
from nbtrain.training.schedulers import Scheduler


@pytest.mark.parametrize("kind", Scheduler.kinds())
@pytest.mark.parametrize("warmup", [0, 2])
def test_the_curve_is_what_the_trainer_sets(kind, warmup):
    config = Config().set_all({"scheduler.kind": kind, "scheduler.warmup_epochs": warmup, "training.epochs": 12})
    course = preview.course_of(config, n_train=640)
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    schedule = config.scheduler.build(optimizer, course)
    trained = {}
    for step in range(course.steps):
        trained[step / course.steps_per_epoch] = schedule.lr
        schedule.step()
    drawn = preview.curve(config, n_train=640)
    assert [trained[epoch] for epoch in drawn.epochs] == list(drawn.lrs)


def test_the_steps_are_those_of_the_trainer():
    config = Config().set_all({"training.batch_size": 32, "training.batch_multiplier": 2, "training.epochs": 3})
    course = preview.course_of(config, n_train=1000)
    assert (course.steps_per_epoch, course.steps) == (16, 48)  # 31 whole batches, two per step


def test_told_at_the_epochs_that_people_ask_for():
    config = Config().set_all({"scheduler.kind": "constant", "training.epochs": 60})
    assert preview.told(config, 640) == [(10, 1e-3), (25, 1e-3), (50, 1e-3), (60, 1e-3)]
    cosine = Config().set_all({"training.epochs": 200})
    epochs, rates = zip(*preview.told(cosine, 640), strict=True)
    assert epochs == (10, 25, 50, 100, 200)
    assert rates[3] == pytest.approx(5e-4)
    assert 0 < rates[-1] < preview.TINY_LR


def test_share_of_the_run_that_stands_still():
    assert preview.share_below(Config()) < 0.02
    fast = Config().set_all({"scheduler.kind": "exponential", "scheduler.factor": 0.5})
    assert preview.share_below(fast) == pytest.approx(1 - 13.3 / 50, abs=0.02)
