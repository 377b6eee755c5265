"""Measuring in the trainer: auto becomes a number, once, and nothing else of the run changes by it."""

from __future__ import annotations

import json

import pytest

from nbtrain import files, plans, rehearse
from nbtrain.messages import Resolved, Status
from nbtrain.training.sizes import Fit, Pace, TooLargeError, Trial
from test_build import a_run, digits, last_state, lived, of, project  # noqa: F401 - fixtures
from training.tiny import same

AUTO = {"training.batch_size": "auto", "hardware.memory_target": 0.5}
QUICK = Pace(enough_s=0.0, patience_s=0.0)


@pytest.fixture(autouse=True)
def quick(monkeypatch, tmp_path):
    """One or two steps of each size are enough here, and nobody's own file is written."""
    at = rehearse.Stage.at
    monkeypatch.setattr(rehearse.Stage, "at", lambda self, batch, pace=QUICK, epoch=None: at(self, batch, QUICK, epoch))
    monkeypatch.setattr(plans, "user_data_path", lambda name: tmp_path / "data" / name)


def test_auto_is_decided_once_and_trains_as_if_it_had_been_set(project):  # noqa: F811
    run, held = a_run(project, {**AUTO, "training.ema": True}, "auto")
    outcome, said = lived(run, held)
    assert outcome.status == "completed"
    (told,) = [message for message in of(said, Resolved) if message.path == "training.batch_size"]
    assert told.value in (16, 32)  # 320 images: at most 32 leave an epoch 10 steps
    assert "measured with 4" in told.reason
    assert "50 %" in told.reason
    phases = [message.detail for message in of(said, Status) if message.phase == "planning"]
    assert any(detail.startswith("measuring batches of") for detail in phases)
    other, fixed = a_run(project, {"training.batch_size": told.value, "training.ema": True}, "set")
    lived(other, fixed)
    for part in ("model_state_dict", "ema_state_dict", "optimizer_state_dict"):
        assert same(last_state(run)[part], last_state(other)[part])
    assert last_state(run)["config"]["training"]["batch_size"] == "auto"  # as it was chosen


def test_a_later_life_takes_what_was_decided(project):  # noqa: F811
    run, held = a_run(project, AUTO)
    choices = {"training.batch_size": {"value": 8, "reason": "measured"}}
    files.write_json(run / "resolved.json", {"format": 1, "choices": choices})
    _, said = lived(run, held)
    assert not [message for message in of(said, Resolved) if message.path == "training.batch_size"]
    assert of(said, Status)[-1].steps == 40


def test_a_plan_counts_the_cache_that_the_run_will_have(project, monkeypatch):  # noqa: F811
    from nbtrain.data import reading

    monkeypatch.setattr(reading, "MAX_KEPT_BYTES", 0)
    run, held = a_run(project, {"data.cache": "disk", "data.workers": 1})
    told = []

    def probed(wiring, found, device, train, val, normal, settings):
        with rehearse.Stage(wiring, found, device, train, val, normal, settings) as stage:
            told.append(stage.measured(32, "", Fit(()), 0.0))
        raise RuntimeError("that is all")

    monkeypatch.setattr("nbtrain.build.decide", probed)
    with pytest.raises(RuntimeError, match="that is all"):
        lived(run, held)
    assert told[0].cache == "disk"
    assert told[0].cached_share == 0
    assert told[0].cached_load_s > 0
    assert told[0].cached_val_s > 0


def test_a_plan_counts_the_copy_of_a_checkpoint(project, monkeypatch):  # noqa: F811
    """From the first epoch's end on a copy of the state is held beside every step: those that are timed have it too."""
    from nbtrain.training.rehearsal import Rehearsal

    held_copy, timed = [], Rehearsal._timed_step

    def seen(self, stream):
        held_copy.append(self.keeper.saved[0] > 0 or self.keeper.under_way)
        return timed(self, stream)

    monkeypatch.setattr(Rehearsal, "_timed_step", seen)
    run, held = a_run(project, AUTO)
    lived(run, held)
    assert len(held_copy) > 2
    assert not held_copy[0]  # what a step takes the first time is not timed
    assert all(held_copy[1:])


def test_a_stop_is_heard_while_it_measures(project):  # noqa: F811
    run, held = a_run(project, AUTO)
    outcome, _ = lived(run, held, lambda heard: any("measuring" in message.detail for message in of(heard, Status)))
    assert outcome.status == "cancelled"
    assert not list((run / "checkpoints").glob("*.pt")) if (run / "checkpoints").exists() else True


def test_auto_epochs_are_at_most_so_many_or_what_the_budget_allows(project):  # noqa: F811
    run, held = a_run(project, {"training.epochs": "auto", "training.patience": 1, "training.min_delta": 1.0})
    outcome, said = lived(run, held)
    assert outcome.reason.startswith("Stopped early")
    assert of(said, Status)[-1].epochs == 200
    run, held = a_run(project, {"training.epochs": "auto", "training.time_budget_minutes": 600.0}, "budget")
    _, said = lived(run, held, lambda heard: any(message.status == "training" for message in of(heard, Status)))
    (told,) = [message for message in of(said, Resolved) if message.path == "training.epochs"]
    assert told.value == 200
    assert "600 minutes" in told.reason


def test_a_completed_run_writes_its_time_and_memory_beside_the_plan(project):  # noqa: F811
    run, held = a_run(project)
    foretold = {
        "device": "here: cpu", "batch": 32, "start_s": 1.0, "first_epochs_s": 2.0, "epoch_s": 2.0, "end_s": 0.5,
        "peak_bytes": 2**29, "run_s": 9.0, "epochs": 1,
    }  # fmt: skip
    outcome, _ = lived(run, {**held, "plan": foretold})
    assert outcome.status == "completed"
    told = json.loads((run / "plan.json").read_text())
    assert told["foretold_s"] == 3.5
    assert told["took_s"] > 0
    assert told["peak_bytes"] > 2**26
    assert [past["took_s"] for past in plans.past_runs()] == [told["took_s"]]


class Measuring(rehearse.Stage):
    """A stage whose sizes take what they are told to take: only the order of measuring is looked at."""

    def __init__(self, limit_mib, each_mib, breaks=(), n_train=10_000):
        from nbtrain.config import Config

        self.config, self.limit_bytes, self.n_train = Config(), limit_mib * 2**20, n_train
        self.each_mib, self.breaks, self.tried = each_mib, breaks, []

    def at(self, batch, pace=QUICK, epoch=None):
        self.tried.append(batch)
        if batch in self.breaks:
            raise TooLargeError(batch)
        peak = (50 + self.each_mib(batch) * batch) * 2**20
        return Trial(batch=batch, compute_s=0.1 + 0.001 * batch, load_s=0, beside=False, peak_bytes=round(peak))


def test_the_chosen_size_is_measured_once_more():
    stage = Measuring(4000, lambda batch: 2)
    chosen, why, fit = stage.auto_batch()
    assert stage.tried == [4, 32, 512]  # 4 images in 0.1 s: 32 take about a second at most
    assert chosen == 512
    assert "foretold to 0 %" in why
    assert isinstance(fit, Fit)


def test_a_size_that_takes_more_than_was_foretold_is_given_up():
    stage = Measuring(1000, lambda batch: 2 if batch <= 32 else 8)
    chosen, why, _ = stage.auto_batch()
    assert stage.tried == [4, 32, 256, 64]
    assert chosen == 64
    assert " % under" in why


def test_running_out_of_memory_only_makes_the_size_smaller():
    chosen, _, _ = Measuring(4000, lambda batch: 2, breaks=(512,)).auto_batch()
    assert chosen == 256
    assert Measuring(4000, lambda batch: 2, breaks=(4,)).auto_batch()[0] == 2
    chosen, why, _ = Measuring(1, lambda batch: 2).auto_batch()
    assert chosen == 2
    assert why.startswith("the smallest there is")
