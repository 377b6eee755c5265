"""Plans: what follows from a measurement, and what finished runs make of the next one."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from nbtrain import plans
from nbtrain.advice.plan import duration, fits, lines
from nbtrain.config import Config
from nbtrain.plans import Correction, Measured, compared, correction, plan
from nbtrain.training.settings import MOST_EPOCHS
from nbtrain.training.sizes import Trial

MIB = 2**20


def trial(batch, beside=False):
    return Trial(
        batch=batch,
        compute_s=0.01 + 0.001 * batch,
        load_s=0.0005 * batch,
        beside=beside,
        peak_bytes=(100 + batch) * MIB,
    )


MEASURED = Measured(
    batch=32, device="here: cpu", n_train=1000, n_val=100, trials=(trial(16), trial(32)), val_batch_s=0.02, start_s=3.0,
    checkpoint_bytes=5 * MIB, hold_s=0.01, write_s=0.2, process_bytes=400 * MIB, limit_bytes=200 * MIB,
)  # fmt: skip
CONFIG = Config().set_all({"training.epochs": 10, "training.early_stopping": False})


def test_numbers_follow_from_the_measurement():
    found = plan(CONFIG, MEASURED)
    assert (found.steps_per_epoch, found.steps, found.samples) == (31, 310, 1000)
    assert found.epoch_s == pytest.approx(31 * (0.01 + 0.0015 * 32) + 100 / 32 * 0.02 + 0.01)
    assert found.run_s == pytest.approx(3.0 + 10 * found.epoch_s + 0.2)
    assert found.peak_bytes == 532 * MIB
    assert found.disk_bytes == 3 * found.checkpoint_bytes
    assert found.fits
    assert not plan(CONFIG, replace(MEASURED, limit_bytes=100 * MIB)).fits


def test_steps_of_several_batches_are_fewer():
    assert plan(CONFIG.set("training.batch_multiplier", 4), MEASURED).steps_per_epoch == 8


def test_a_loader_beside_the_computing_counts_by_the_slower_of_both():
    found = plan(CONFIG, replace(MEASURED, trials=(trial(16, beside=True), trial(32, beside=True))))
    assert found.epoch_s == pytest.approx(31 * (0.01 + 0.001 * 32) + 100 / 32 * 0.02 + 0.01)


def test_a_cache_makes_all_epochs_but_the_first_shorter():
    slow = replace(trial(32, beside=True), load_s=0.1)
    found = replace(MEASURED, trials=(slow,), cache="memory", cached_load_s=0.01, cached_val_s=0.005)
    first, whole = plan(CONFIG, replace(found, cache="")), plan(CONFIG, found)
    assert first.filling_s == 0
    assert whole.epoch_s == pytest.approx(31 * 0.042 + 100 / 32 * 0.005 + 0.01)
    assert whole.epoch_s + whole.filling_s == pytest.approx(first.epoch_s)
    assert whole.run_s == pytest.approx(3.0 + 10 * whole.epoch_s + whole.filling_s + 0.2)
    assert plan(CONFIG, replace(found, cached_share=1.0)).filling_s == 0
    told = compared(CONFIG, whole.foretold(), took_s=9.0, epochs=10, peak_bytes=1)
    assert told["foretold_s"] == pytest.approx(whole.run_s)
    assert [line.value for line in lines(whole) if line.label == "First epoch"] == [
        f"{duration(whole.filling_s)} longer"
    ]
    assert not [line for line in lines(first) if line.label == "First epoch"]


def test_a_slow_disk_holds_short_epochs_up():
    assert plan(CONFIG, replace(MEASURED, write_s=60.0)).epoch_s == 60.0
    rare = CONFIG.set("checkpoint.every_n_epochs", 10)
    assert plan(rare, replace(MEASURED, write_s=60.0)).epoch_s == 6.0


def test_frozen_epochs_are_counted_apart():
    config = CONFIG.set_all({"model.freeze": "backbone", "model.unfreeze_epoch": 4, "model.pretrained": True})
    found = plan(config, replace(MEASURED, frozen_s=0.02))
    assert found.first_epochs_s == pytest.approx(31 * 0.02 + 100 / 32 * 0.02 + 0.01)
    assert found.run_s == pytest.approx(3.2 + 4 * found.first_epochs_s + 6 * found.epoch_s)


def test_auto_epochs_are_as_many_as_fit_the_budget():
    config = CONFIG.set_all({"training.epochs": "auto", "training.time_budget_minutes": 1.0})
    found = plan(config, MEASURED)
    assert found.epochs == int((54 - 3.2) / found.epoch_s)
    assert plan(config.set("training.time_budget_minutes", 1e4), MEASURED).epochs == MOST_EPOCHS
    assert plan(config.set("training.time_budget_minutes", 0.01), MEASURED).epochs == 1


def test_the_table_says_what_was_measured_and_what_fits():
    found = plan(CONFIG, replace(MEASURED, table=(16, 32, 64, 128)))
    rows = found.rows()
    assert [row.measured for row in rows] == [True, True, False, False]
    assert [row.fits for row in rows] == [True, True, True, False]
    assert [row.steps_per_epoch for row in rows] == [62, 31, 15, 7]
    assert rows[2].peak_bytes == (400 + 164) * MIB


def test_a_measurement_survives_json():
    assert Measured.parse(json.loads(json.dumps(MEASURED.plain()))) == MEASURED


# -- what became of plans -----------------------------------------------------------------------------------------


@pytest.fixture
def own_file(tmp_path, monkeypatch):
    monkeypatch.setattr(plans, "user_data_path", lambda name: tmp_path / "data" / name)
    return tmp_path / "data" / "nbtrain" / "plans.json"


def finish(ratio_time=1.0, ratio_memory=1.0, config=CONFIG, measured=MEASURED):
    foretold = plan(config, measured).foretold()
    took_s = ratio_time * plan(config, measured).run_s
    plans.note(
        compared(config, foretold, took_s=took_s, epochs=10, peak_bytes=round(ratio_memory * foretold["peak_bytes"]))
    )


def test_finished_runs_correct_the_next_plan_from_three_on(own_file):
    for ratio in (1.5, 1.2):
        finish(ratio, 1.1)
    assert plan(CONFIG, MEASURED, plans.past_runs()).run_s == plan(CONFIG, MEASURED).run_s
    finish(1.3, 1.1)
    found = plan(CONFIG, MEASURED, plans.past_runs())
    assert found.time == Correction(pytest.approx(1.3), 3)
    assert found.run_s == pytest.approx(1.3 * plan(CONFIG, MEASURED).run_s)
    assert found.peak_bytes == pytest.approx(1.1 * 532 * MIB, abs=1)
    assert found.foretold()["epoch_s"] == pytest.approx(plan(CONFIG, MEASURED).epoch_s)  # corrections do not pile up
    assert "1.30" in " ".join(line.how for line in lines(found))


def test_other_families_and_devices_say_nothing(own_file):
    for _ in range(3):
        finish(2.0)
    past = plans.past_runs()
    assert correction(past, "here: cpu", plans.family(CONFIG), "time").factor == pytest.approx(2.0)
    assert correction(past, "there: cpu", plans.family(CONFIG), "time") == Correction()
    assert correction(past, "here: cpu", "another", "memory") == Correction()


def test_a_run_that_stopped_early_is_compared_by_the_epochs_it_had(own_file):
    foretold = plan(CONFIG, MEASURED).foretold()
    told = compared(CONFIG, foretold, took_s=1.0, epochs=4, peak_bytes=1)
    assert told["foretold_s"] == pytest.approx(3.2 + 4 * plan(CONFIG, MEASURED).epoch_s)


def test_the_file_stays_small_and_whatever_lies_in_it_is_no_reason_to_fail(own_file):
    assert plans.past_runs() == []
    own_file.parent.mkdir(parents=True)
    runs = [{"device": "here: cpu", "family": "x", "took_s": 1, "foretold_s": 0}, 7, {"took_s": "a"}] * 100
    own_file.write_text(json.dumps({"format": 1, "runs": runs}))
    finish()
    assert len(plans.past_runs()) == 200
    assert correction(plans.past_runs(), "here: cpu", "x", "time") == Correction()
    own_file.write_text("{")
    assert plans.past_runs() == []


# -- words --------------------------------------------------------------------------------------------------------


def test_every_number_says_how_it_was_got():
    found = plan(CONFIG, MEASURED)
    told = {line.label: line for line in lines(found)}
    assert told["Steps"].value == "31 per epoch, 310 in all"
    assert told["Time in all"].value == "22 s"
    assert "one after the other" in told["Time per batch"].how
    assert all(line.how for line in told.values())
    assert fits(found) == "66 % of the memory target (210 MB)"
    assert "at most 310" in {line.label: line for line in lines(replace(found, at_most=True))}["Steps"].value


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.25, "0.25 s"), (4.0, "4.0 s"), (59.7, "1 min 00 s"), (750, "12 min 30 s"), (11_100, "3 h 05 min")],
)
def test_durations_read_as_people_say_them(seconds, text):
    assert duration(seconds) == text
