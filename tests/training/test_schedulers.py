"""Every schedule against torch's own, at every step."""

from __future__ import annotations

import math

import pytest
import torch
from torch.optim import lr_scheduler as reference

from nbtrain.errors import ConfigError
from nbtrain.schema import fields
from nbtrain.training.schedulers import (
    Constant,
    Cosine,
    Course,
    Exponential,
    MultiStep,
    OneCycle,
    Plateau,
    Polynomial,
    Scheduler,
    Step,
)

LR, EPOCHS, PER_EPOCH = 0.05, 12, 7
STEPS = EPOCHS * PER_EPOCH
COURSE = Course(LR, STEPS, PER_EPOCH)


def optimizer():
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=LR)


def torch_curve(make, warmup_steps=0, start=0.01):
    """The learning rates of torch's schedule, behind torch's linear warm-up where there is one."""
    sgd = optimizer()
    schedule = make(sgd, STEPS - warmup_steps)
    if warmup_steps:
        rise = reference.LinearLR(sgd, start_factor=start, total_iters=warmup_steps)
        schedule = reference.SequentialLR(sgd, [rise, schedule], milestones=[warmup_steps])
    rates = []
    for _ in range(STEPS):
        rates.append(sgd.param_groups[0]["lr"])
        sgd.step()
        schedule.step()
    return rates


def warmup_of(scheduler):
    return scheduler.warmup_steps(COURSE)


PAIRS = {
    "constant": (Constant, lambda o, n, w: reference.ConstantLR(o, factor=1.0)),
    "cosine": (Cosine, lambda o, n, w: reference.CosineAnnealingLR(o, T_max=n)),
    "cosine to min": (
        lambda **k: Cosine(min_lr=1e-3, **k),
        lambda o, n, w: reference.CosineAnnealingLR(o, T_max=n, eta_min=1e-3),
    ),
    "cosine with restarts": (
        lambda **k: Cosine(period_epochs=3, restarts=True, **k),
        lambda o, n, w: reference.CosineAnnealingWarmRestarts(o, T_0=3 * PER_EPOCH),
    ),
    "cosine with longer and longer periods": (
        lambda **k: Cosine(period_epochs=2, restarts=True, period_factor=2, min_lr=1e-3, **k),
        lambda o, n, w: reference.CosineAnnealingWarmRestarts(o, T_0=2 * PER_EPOCH, T_mult=2, eta_min=1e-3),
    ),
    "step": (
        lambda **k: Step(every_epochs=3, factor=0.3, **k),
        lambda o, n, w: reference.StepLR(o, step_size=3 * PER_EPOCH, gamma=0.3),
    ),
    "multistep": (
        lambda **k: MultiStep(milestones=(4, 9), **k),
        lambda o, n, w: reference.MultiStepLR(o, milestones=[4 * PER_EPOCH - w, 9 * PER_EPOCH - w]),
    ),
    "polynomial": (lambda **k: Polynomial(power=2.0, **k), lambda o, n, w: reference.PolynomialLR(o, n, power=2.0)),
    "exponential": (
        lambda **k: Exponential(factor=0.8, **k),
        lambda o, n, w: reference.ExponentialLR(o, gamma=0.8 ** (1 / PER_EPOCH)),
    ),
}
CYCLES = [OneCycle(), OneCycle(rise=0.1, start_divisor=10, end_divisor=100, shape="linear"), OneCycle(rise=0.5)]


@pytest.mark.parametrize("ours", CYCLES)
def test_one_cycle_is_torchs(ours):
    sgd = optimizer()
    schedule = reference.OneCycleLR(
        sgd, LR, total_steps=STEPS, pct_start=ours.rise, anneal_strategy=ours.shape, cycle_momentum=False,
        div_factor=ours.start_divisor, final_div_factor=ours.end_divisor,
    )  # fmt: skip
    for step in range(STEPS - 1):
        assert ours.lr(step, COURSE) == pytest.approx(sgd.param_groups[0]["lr"], rel=1e-12)
        sgd.step()
        schedule.step()
    assert ours.lr(STEPS - 1, COURSE) == ours.lr(STEPS, COURSE) == pytest.approx(sgd.param_groups[0]["lr"], rel=1e-12)


@pytest.mark.parametrize("steps", [1, 2, 3])
@pytest.mark.parametrize("rise", [0.0, 0.3, 0.99])
def test_one_cycle_of_few_steps_has_a_rate_at_each(steps, rise):
    rates = [OneCycle(rise=rise).lr(step, Course(LR, steps, 1)) for step in range(steps + 1)]
    assert all(0 < lr <= LR for lr in rates)


def test_layerwise_rates_follow_the_curve_at_their_share():
    parameters = [torch.nn.Parameter(torch.zeros(1)) for _ in range(3)]
    groups = [{"params": [p], "lr_scale": 0.5**place} for place, p in enumerate(parameters)]
    sgd = torch.optim.SGD(groups, lr=LR)
    schedule = Cosine(warmup_epochs=1).build(sgd, COURSE)
    for _ in range(STEPS):
        assert [group["lr"] for group in sgd.param_groups] == [schedule.lr, schedule.lr * 0.5, schedule.lr * 0.25]
        schedule.step()


def test_all_kinds_are_compared():
    compared = {make().kind for make, _ in PAIRS.values()} | {Plateau.kind, OneCycle.kind}
    assert compared == set(Scheduler.kinds())


@pytest.mark.parametrize("warmup", [0, 2, 2.6])
@pytest.mark.parametrize("name", PAIRS)
def test_the_curve_is_torchs(name, warmup):
    make, theirs = PAIRS[name]
    ours = make(warmup_epochs=warmup)
    w = warmup_of(ours)
    expected = torch_curve(lambda o, n: theirs(o, n, w), w)
    assert [ours.lr(step, COURSE) for step in range(STEPS)] == pytest.approx(expected, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("name", PAIRS)
def test_the_optimizer_gets_the_curve(name):
    ours, sgd = PAIRS[name][0](warmup_epochs=1), optimizer()
    schedule = ours.build(sgd, COURSE)
    for step in range(STEPS):
        assert sgd.param_groups[0]["lr"] == schedule.lr == ours.lr(step, COURSE)
        schedule.step()


LOSSES = [1.0, 0.9, 0.9, 0.95, 0.9, 0.9, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8, 0.79999, 0.8, math.nan, math.nan, 0.8, 0.5]


@pytest.mark.parametrize("patience", [0, 2, 5])
def test_plateau_is_torchs(patience):
    ours, theirs = optimizer(), optimizer()
    course = Course(LR, len(LOSSES) * 5, 1)
    schedule = Plateau(patience=patience, min_lr=1e-2).build(ours, course)
    expected = reference.ReduceLROnPlateau(theirs, factor=0.5, patience=patience, min_lr=1e-2, eps=0)
    for loss in LOSSES * 4:
        schedule.step()
        schedule.validated(loss)
        expected.step(loss)
        assert ours.param_groups[0]["lr"] == pytest.approx(theirs.param_groups[0]["lr"], rel=1e-12)
    assert ours.param_groups[0]["lr"] == 1e-2


@pytest.mark.parametrize("threshold", [0.0, 1e-4, 0.05])
@pytest.mark.parametrize("patience", [0, 2])
def test_plateau_of_what_shall_rise_is_torchs(patience, threshold):
    """The watched metric comes negated; the threshold is a share of the best, as torch's mode "max" has it."""
    ours, theirs = optimizer(), optimizer()
    schedule = Plateau(patience=patience, threshold=threshold, factor=0.3).build(ours, Course(LR, 400, 1))
    expected = reference.ReduceLROnPlateau(
        theirs, mode="max", factor=0.3, patience=patience, threshold=threshold, min_lr=1e-7, eps=0
    )
    for accuracy in [0.0, 0.2, 0.5, 0.51, 0.52, 0.52, 0.52, 0.53, 0.6, 0.6, 0.55, math.nan, 0.9, 0.9, 0.901]:
        schedule.step()
        schedule.validated(-accuracy)
        expected.step(accuracy)
        assert ours.param_groups[0]["lr"] == pytest.approx(theirs.param_groups[0]["lr"], rel=1e-12)
    assert ours.param_groups[0]["lr"] < LR


OTHERS = {
    "warmup_epochs": 2.0, "warmup_start": 0.3, "min_lr": 2e-3, "period_epochs": 3.0, "restarts": True,
    "period_factor": 2.0, "every_epochs": 2.0, "factor": 0.3, "milestones": (2.0, 5.0), "power": 3.0, "rise": 0.7,
    "start_divisor": 5.0, "end_divisor": 10.0, "shape": "linear", "patience": 1, "threshold": 0.5,
}  # fmt: skip
BEFORE = {"warmup_start": {"warmup_epochs": 2.0}, "restarts": {"period_epochs": 3.0}}
BEFORE["period_factor"] = {"period_epochs": 3.0, "restarts": True}


@pytest.mark.parametrize(
    ("made", "name"),
    [(made, f.path) for made in Scheduler.kinds().values() for f in fields(made()) if f.path != ".kind"],
)
def test_every_setting_changes_what_the_optimizer_gets(made, name):
    """Each by itself, on top of what it needs; of a plateau through validations that stop improving."""

    def rates(settings):
        sgd = optimizer()
        schedule, found = made(**settings).build(sgd, COURSE), []
        for step in range(STEPS):
            found.append(sgd.param_groups[0]["lr"])
            schedule.step()
            if step % PER_EPOCH == PER_EPOCH - 1:
                schedule.validated(1.0 / (2 + step // 20))
        return found

    plain = BEFORE.get(name, {}) | ({"factor": 0.01} if (made, name) == (Plateau, "min_lr") else {})
    plain |= {"milestones": (2.0, 5.0)} if (made, name) == (MultiStep, "factor") else {}
    plain |= {"patience": 0} if made is Plateau and name != "patience" else {}
    assert rates(plain | {name: OTHERS[name]}) != rates(plain)


def test_plateau_waits_for_the_end_of_the_warmup():
    sgd = optimizer()
    schedule = Plateau(patience=0, warmup_epochs=2).build(sgd, Course(LR, 10, 1))
    for _ in range(2):
        schedule.step()
        schedule.validated(1.0)
    assert sgd.param_groups[0]["lr"] == LR


def test_a_floor_above_the_peak_never_lifts_the_rate():
    schedule = Plateau(patience=0, min_lr=0.5).build(optimizer(), COURSE)
    for _ in range(5):
        schedule.step()
        schedule.validated(1.0)
    assert schedule.lr == LR


def test_cosine_stays_low_after_its_period():
    curve = Cosine(period_epochs=3, min_lr=1e-4)
    assert curve.lr(3 * PER_EPOCH, COURSE) == curve.lr(STEPS - 1, COURSE) == pytest.approx(1e-4)


def test_a_run_that_is_all_warmup_still_has_a_curve():
    rates = [Cosine(warmup_epochs=EPOCHS).lr(step, COURSE) for step in range(STEPS + 1)]
    assert rates == sorted(rates)


@pytest.mark.parametrize("milestones", [(9, 4), (4, 4)])
def test_milestones_must_rise(milestones):
    with pytest.raises(ConfigError, match="rising order"):
        MultiStep(milestones=milestones)
