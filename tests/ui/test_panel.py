"""What every panel does: follows, draws, tells what went wrong, and acts on what was shown and on nothing else."""

from __future__ import annotations

import time

import pytest
import stage
from traitlets import HasTraits, Int

from nbtrain.errors import NbtrainError
from nbtrain.project.listeners import Listeners
from nbtrain.ui import views
from nbtrain.ui.form import Form
from nbtrain.ui.header import Header
from nbtrain.ui.panel import Panel
from nbtrain.ui.pulse import PULSE
from nbtrain.ui.run_bar import RunBar
from nbtrain.ui.studio import TrainingStudio
from nbtrain.ui.views import LEASE_S, Hearing, Views


class Model(HasTraits):
    number = Int()


class Probe(Panel):
    """A panel that counts its drawings, and fails when told to."""

    drawn, fails = 0, False

    def state(self):
        self.drawn += 1
        if self.fails:
            raise KeyError("a number")
        return {}

    def do_fail(self):
        raise ZeroDivisionError("on purpose")

    def do_refuse(self):
        raise NbtrainError("not like this", value=1, advice="Try 2.")


def listeners(model):
    """Return how many functions listen to the traits of a model."""
    return sum(len(found) for kinds in model._trait_notifiers.values() for found in kinds.values())


def until(condition, limit_s=20.0):
    end_s = time.monotonic() + limit_s
    while not condition() and time.monotonic() < end_s:
        time.sleep(0.02)
    assert condition()


# -- following


def test_following_twice_is_once_and_letting_go_of_a_stranger_is_nothing():
    panel, model, heard = Probe(), Model(), []
    hear = heard.append
    panel.follow(model, "number", call=hear)
    panel.follow(model, "number", call=hear)
    model.number = 1
    assert len(heard) == 1
    panel.unfollow(Model())
    panel.unfollow()
    panel.unfollow()
    model.number = 2
    assert len(heard) == 1
    assert not model._trait_notifiers["number"]["change"]


def test_letting_go_of_one_model_keeps_the_others():
    panel, kept, gone, heard = Probe(), Model(), Model(), []
    for model in (kept, gone):
        panel.follow(model, "number", call=heard.append)
    panel.unfollow(gone)
    kept.number = gone.number = 1
    assert [change["owner"] for change in heard] == [kept]


def test_what_a_panel_does_wrong_with_a_change_is_told_and_the_change_is_made(caplog):
    panel, model, others = Probe(), Model(), []

    def broken(change):
        raise LookupError(f"on purpose {change['new']}")

    panel.follow(model, "number", call=broken)
    model.observe(others.append, "number")
    model.number = 3
    assert len(others) == 1
    assert "LookupError: on purpose 3" in panel.broken
    assert "could not take a change" in caplog.text


def test_taking_a_listener_off_twice_is_once():
    listeners: Listeners[int] = Listeners()
    off = listeners.add("news", lambda _: None)
    off()
    off()


def test_the_form_follows_the_selected_experiment_after_any_ticks(project):
    """One tick for comparison froze form and run bar on the experiment of before."""
    ids = [project.new(name).id for name in "ABC"]
    studio = TrainingStudio(project)
    for overlay, selected in (([ids[0]], ids[1]), ([ids[0], ids[2]], ids[0]), ([], ids[2]), ([ids[1]], ids[0])):
        for _ in range(3):  # each pass compares again
            studio.experiments.overlay = overlay
            studio.experiments.selected = selected
            PULSE.soon(studio._show_selected)
            PULSE.settle()
        assert studio.form.experiment.id == studio.results.run_bar.experiment.id == selected
        assert studio.form.of == studio.results.run_bar.of == selected
        assert studio.header.broken == studio.form.broken == ""
    studio.form.perform("set", of=ids[0], path="training.epochs", value=7)
    assert project.experiment("A").config.training.epochs == 7
    studio.close()


def test_the_form_hears_of_those_that_are_compared_and_of_nobody_else(project):
    first, second = project.new("A"), project.new("B")
    form = Form(first)
    before = listeners(second)
    form.compare([second])
    assert listeners(second) > before
    form.compare([])
    form.compare([second, first])
    form.compare([first])
    form.compare([])
    assert listeners(second) == before
    first.set("training.epochs", 3)
    PULSE.settle()
    assert form.values["training.epochs"] == 3


# -- drawing


def test_a_panel_that_cannot_be_drawn_says_so_until_it_can(caplog):
    panel = Probe()
    panel.fails = True
    panel.soon()
    PULSE.settle()
    assert panel.broken == "This could not be drawn: KeyError: 'a number'"
    assert "could not be drawn" in caplog.text
    panel.fails = False
    panel.soon()
    PULSE.settle()
    assert panel.broken == ""


def test_one_broken_panel_keeps_no_other_from_being_shown(project, monkeypatch):
    first, second = project.new("A"), project.new("B")
    studio = TrainingStudio(project)

    def broken(self):
        raise RuntimeError("the form is broken")

    monkeypatch.setattr(Form, "state", broken)
    studio.experiments.selected = first.id
    PULSE.settle()
    assert studio.results.run_bar.experiment is first
    assert "the form is broken" in studio.form.broken
    assert second.id != studio.results.run_bar.of
    studio.close()


def test_what_fails_while_panels_are_placed_is_told_in_the_header(project, monkeypatch, caplog):
    project.new("A")
    studio = TrainingStudio(project)
    monkeypatch.setattr(studio.results, "show", lambda *_: 1 / 0)
    PULSE.soon(studio._show_selected)
    PULSE.settle()
    assert "ZeroDivisionError" in studio.header.broken
    assert "_show_selected" in caplog.text
    monkeypatch.undo()
    PULSE.soon(studio._show_selected)
    PULSE.settle()
    assert studio.header.broken == ""
    studio.close()


def test_what_goes_wrong_on_the_watch_thread_is_told_in_the_header(project):
    header = Header(project)
    token = project.watch.every(0.05, lambda: [].pop())
    try:
        until(lambda: project.watch.trouble is not None)
        header.pump()
        assert "pop from empty list" in header.broken
    finally:
        project.watch.unfollow(token)
        project.watch._failed = None
    header.pump()
    assert header.broken == ""
    header.close()


# -- wishes


def test_what_goes_wrong_with_a_wish_is_told_and_logged(caplog):
    panel = Probe()
    panel.perform("fail")
    assert "ZeroDivisionError: on purpose" in panel.trouble
    assert "ZeroDivisionError" in caplog.text
    panel.perform("nothing_like_that")
    assert "no such wish" in panel.trouble
    panel.perform("refuse")
    assert "Try 2" in panel.trouble


def test_what_goes_wrong_aside_is_told_and_logged(caplog):
    panel = Probe()
    panel.aside("count", lambda: 1 / 0)
    until(lambda: panel.trouble)
    assert "ZeroDivisionError" in panel.trouble
    assert "'count' failed" in caplog.text


def test_looking_at_pictures_fails_on_the_panel_and_not_in_the_kernel(project):
    form = Form(project.new("A"))
    form._received(None, {"do": "look", "no": "such argument"})
    assert "TypeError" in form.trouble
    form.close()


def test_a_wish_never_acts_on_another_experiment_than_was_shown(project):
    shown, other = stage.trained(project, "Shown"), stage.trained(project, "Other")
    bar, form = RunBar(other), Form(other)
    for panel, wishes in ((bar, ("restart", "resume", "train")), (form, ("undo", "duplicate", "train"))):
        for what in wishes:
            panel.perform(what, of=shown.id)
            panel.redraw()
            assert "something else is shown now" in panel.trouble
    assert (shown.status, other.status, len(project.cards)) == ("completed", "completed", 2)
    bar.perform("restart", of=other.id)
    assert (shown.status, other.status) == ("completed", "created")


def test_stop_ends_the_run_that_was_shown_when_it_was_clicked(project):
    stage.use(stage.Play(epochs=200, steps=40, step_s=0.01))
    running, other = project.new("Running"), project.new("Other")
    running.train(beside=True)
    bar = RunBar(running)
    bar.show(other)
    bar.perform("stop", id=running.id, of=running.id)
    assert running.wait(20) == "cancelled"
    assert other.status == "created"
    bar.perform("pause", id="nobody")
    assert "no such experiment" in bar.trouble


# -- views


@pytest.fixture
def clock(monkeypatch):
    """Return a clock that a test turns."""
    now = [1000.0]
    monkeypatch.setattr(views.time, "monotonic", lambda: now[0])
    return now


def test_each_view_counts_for_itself():
    panel = Probe()
    assert panel.visible  # nobody has spoken yet
    for view in ("first", "second"):
        panel._received(None, {"view": view, "seen": True})
    panel._received(None, {"view": "second", "seen": False, "gone": True})
    assert panel.visible
    panel._received(None, {"view": "first", "seen": False})
    assert not panel.visible
    assert not panel.views.all_gone
    PULSE.settle()
    before = panel.drawn
    panel.soon()
    PULSE.settle()
    assert panel.drawn == before
    panel._received(None, {"view": "first", "seen": True})
    PULSE.settle()
    assert panel.drawn > before


def test_a_view_that_goes_without_a_word_is_not_counted_for_ever(clock):
    seen = Views(Hearing())
    seen.say("crashed", seen=True)
    seen.say("alive", seen=True)
    clock[0] += LEASE_S - 1
    seen.say("alive", seen=False)
    assert seen.seen  # the other has some time left
    clock[0] += 2
    assert not seen.seen
    assert seen.say("crashed", seen=True)  # it was asleep only


def test_a_kernel_that_cannot_hear_forgets_no_view(clock, monkeypatch):
    class Loop:
        """A loop that is busy with a cell: what it is given waits."""

        def __init__(self):
            self.waiting = []

        def add_callback(self, function):
            self.waiting.append(function)

    loop = Loop()
    monkeypatch.setattr(views, "_kernel_loop", lambda: loop)
    seen = Views(Hearing())
    seen.say("page", seen=True)
    clock[0] += 10 * LEASE_S
    assert seen.seen
    for function in loop.waiting:
        function()
    assert not seen.seen


def test_a_view_that_asks_is_answered_at_once(monkeypatch):
    panel, sent = Probe(), []
    monkeypatch.setattr(panel, "send", sent.append)
    panel._received(None, {"view": "page", "seen": True})
    assert sent == []
    panel._received(None, {"view": "page", "seen": True, "ask": True})
    assert sent == [{"here": "page"}]
