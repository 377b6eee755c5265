"""The plan of an experiment: what it hangs on, and that it is found again. It is measured in tests/flows."""

from __future__ import annotations

import pytest

from nbtrain.errors import ConfigError
from nbtrain.plans import Measured
from nbtrain.project.project import Project
from nbtrain.training.sizes import Trial
from nbtrain.ui.autos import autos_of
from nbtrain.ui.plan import plan_of

MIB = 2**20


def trial(batch):
    return Trial(batch=batch, compute_s=0.001 * batch, load_s=0.0, beside=False, peak_bytes=batch * MIB)


MEASURED = Measured(
    batch=8, reason="as fast as any", device="here: cpu", n_train=102, n_val=26,
    trials=(trial(8), trial(16), trial(32)), val_batch_s=0.01,
    start_s=1.0, checkpoint_bytes=MIB, hold_s=0.0, write_s=0.1, process_bytes=300 * MIB,
    limit_bytes=1000 * MIB, table=(16, 32),
)  # fmt: skip


@pytest.fixture
def project(flowers):
    return flowers


@pytest.fixture
def measured(project):
    """An experiment whose plan has been measured, with batches of 8."""
    experiment = project.new("Baseline")
    experiment.set("training.batch_size", 8)
    experiment.save()
    planning = experiment.planning
    assert (planning.plan, planning.stale, plan_of(experiment)["state"]) == (None, False, "none")
    planning._asked = planning._key(experiment.config)
    planning._keep(MEASURED)
    return experiment


def test_epochs_and_schedule_change_the_plan_without_new_steps(measured):
    before = measured.planning.plan
    measured.config = measured.config.set_all(
        {"training.epochs": 100, "optimizer.lr": 0.1, "scheduler.kind": "constant"}
    )
    after = measured.planning.plan
    assert (before.epochs, after.epochs) == (50, 100)
    assert after.run_s > before.run_s
    assert plan_of(measured)["state"] == "ready"


@pytest.mark.parametrize(
    "changes",
    [{"task.image_size": 96}, {"model.variant": "resnet34"}, {"training.ema": True}, {"training.batch_size": 12}],
    ids=str,
)
def test_what_it_hangs_on_makes_it_stale(measured, changes):
    measured.config = measured.config.set_all(changes)
    assert measured.planning.stale
    assert measured.planning.plan is None
    shown = plan_of(measured)
    assert shown["state"] == "stale"
    assert shown["rows"]
    measured.undo()
    assert not measured.planning.stale


def test_a_size_of_the_table_is_planned_at_once(measured):
    assert [row["chosen"] for row in plan_of(measured)["table"]] == [False, False]
    measured.set("training.batch_size", 32)
    found = measured.planning.plan
    assert (found.batch, found.steps_per_epoch) == (32, 3)
    assert found.peak_bytes == 332 * MIB
    assert [row["chosen"] for row in plan_of(measured)["table"]] == [False, True]


def test_the_next_kernel_finds_it_and_what_is_broken_counts_as_none(measured, project):
    again = Project(project.path).experiment("Baseline")
    assert again.planning.plan == measured.planning.plan
    (measured.folder / "plan.json").write_text("{}")
    other = Project(project.path).experiment("Baseline")
    assert other.planning.plan is None
    for one in (again, other):
        one.project.close()


def test_an_auto_shows_what_the_plan_says(measured):
    measured.set("training.batch_size", "auto")
    assert measured.planning.stale  # what was measured was the number 8
    measured.planning._asked = measured.planning._key(measured.config)
    measured.planning._keep(MEASURED)
    told = autos_of(measured)["training.batch_size"]
    assert told == {"value": "8", "reason": "by the plan: as fast as any", "manual": 8}
    assert "auto: as fast as any" in str(plan_of(measured)["rows"])


def test_what_cannot_train_cannot_be_measured(measured):
    measured.set("training.batch_size", 1000)
    with pytest.raises(ConfigError, match="larger than the 102"):
        measured.plan()
    assert measured.planning.job is None
