"""Where a run stands: one number for all panels that show it."""

from __future__ import annotations

import pytest

from nbtrain.ui import standing as place
from nbtrain.ui.listed import card_of
from nbtrain.ui.run_bar import RunBar
from nbtrain.ui.run_table import RunTable
from nbtrain.ui.standing import STEP_S, standing

SHARED = ("epoch", "epochs", "progress", "eta_s")


@pytest.fixture
def clock(monkeypatch):
    """Return the time, in steps of the panels' clock, as one number to be set."""
    now = [100.0]
    monkeypatch.setattr(place.time, "monotonic", lambda: now[0] * STEP_S)
    return now


def shown(bar, experiment):
    """Return what run bar, card and table show, each drawn now."""
    return [{name: told[name] for name in SHARED} for told in (bar.state(), card_of(experiment))]


def test_card_and_run_bar_show_one_epoch_and_one_time_left(project, clock):
    experiment = project.new("One")
    bar = RunBar(experiment)
    experiment._set_changed({"status": "training", "epoch": 3, "epochs": 9, "progress": 0.33333, "eta_s": 61.9})
    first = bar.state()
    experiment._set_changed({"epoch": 4, "eta_s": 55.2})  # news between the drawing of one panel and of the next
    clock[0] += 0.9
    assert [{name: first[name] for name in SHARED}] * 2 == shown(bar, experiment)
    assert (first["epoch"], first["eta_s"], first["progress"]) == (3, 60.0, 0.333)
    clock[0] += 0.2
    now = shown(bar, experiment)
    assert now[0] == now[1]
    assert (now[0]["epoch"], now[0]["eta_s"]) == (4, 55.0)
    bar.close()


def test_another_status_is_shown_with_its_own_numbers_at_once(project, clock):
    experiment = project.new("One")
    experiment._set_changed({"status": "training", "epoch": 3, "epochs": 9, "eta_s": 61.9})
    assert standing(experiment)["eta_s"] == 60.0
    experiment._set_changed({"status": "completed", "epoch": 9, "eta_s": None, "duration_s": 723.4})
    bar = RunBar(experiment)
    assert (standing(experiment)["epoch"], standing(experiment)["eta_s"]) == (9, None)
    assert bar.duration_s == card_of(experiment)["duration_s"] == 725.0
    bar.close()


def test_they_are_drawn_at_the_same_steps_of_the_clock():
    assert RunBar.GAP_S == RunTable.GAP_S == STEP_S
