"""Changes while a run trains: what they do. Killed around one: see test_lives.py."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

from nbtrain.config import Config
from nbtrain.errors import TrainingError
from nbtrain.messages import Change, Changed, Metric, Stop
from nbtrain.schema import fields
from nbtrain.training.changes import FILE, Changes, Entry
from nbtrain.training.commands import Commands
from nbtrain.training.schedulers import Course
from training import tiny
from training.test_rescue import breaking
from training.tiny import of, tiny_loop

PATIENT = {"patience": 2, "monitor": "accuracy", "lr": 1e-7, "epochs": 5}


def state_of(folder: Path) -> dict:
    return torch.load(folder / "last_checkpoint.pt", weights_only=True)


def test_what_is_asked_at_a_step_equals_what_was_written_down_for_it(tmp_path):
    """The change at work and the change that a resume repeats are one thing."""
    changes = [(5, "optimizer.lr", 4e-3), (20, "training.epochs", 4), (23, "optimizer.lr", 1e-3)]
    asked, heard = tiny_loop(tmp_path / "asked", changes=changes)
    asked.run()
    (tmp_path / "written").mkdir()
    (tmp_path / "written" / FILE).write_text((tmp_path / "asked" / FILE).read_text())
    written, said = tiny_loop(tmp_path / "written")
    written.run()
    assert tiny.same(asked._state(), written._state())
    assert of(heard, Metric) == of(said, Metric)
    assert [entry.step for entry in Changes.of(tmp_path / "asked").entries] == [5, 20, 23]


def test_a_learning_rate_scales_the_schedule_from_its_step_on(tmp_path):
    loop, said = tiny_loop(tmp_path, say_every=1, changes=[(13, "optimizer.lr", 1e-3)])
    loop.run()
    lrs = [m.values["lr"] for m in of(said, Metric) if m.split == "train"]
    cosine = [1e-2 * (1 + math.cos(math.pi * step / 30)) / 2 for step in range(30)]
    assert lrs == pytest.approx(cosine[:13] + [lr / 10 for lr in cosine[13:]])
    [told] = of(said, Changed)
    assert (told.path, told.old, told.value, told.step, told.refused) == ("optimizer.lr", 1e-2, 1e-3, 13, "")


def test_a_number_of_epochs_plans_the_rest_of_the_schedule_anew(tmp_path):
    loop, said = tiny_loop(tmp_path, say_every=1, changes=[(13, "training.epochs", 5)])
    assert loop.run().status == "completed"
    lrs = [m.values["lr"] for m in of(said, Metric) if m.split == "train"]
    curve = lambda step, steps: 1e-2 * (1 + math.cos(math.pi * step / steps)) / 2  # noqa: E731
    assert lrs == pytest.approx([curve(s, 30) for s in range(13)] + [curve(s, 50) for s in range(13, 50)])


@pytest.mark.parametrize(("step", "ends_at"), [(13, 20), (20, 20), (1, 10)])
def test_never_fewer_epochs_than_have_begun(tmp_path, step, ends_at):
    loop, said = tiny_loop(tmp_path, changes=[(step, "training.epochs", 1)])
    assert loop.run().reason == ""
    assert loop.place.step == ends_at
    assert of(said, Changed)[0].value == ends_at // 10
    assert state_of(tmp_path)["step"] == ends_at


def test_patience_holds_from_the_next_look_on(tmp_path):
    loop, _ = tiny_loop(tmp_path, **{**PATIENT, "epochs": 9}, changes=[(11, "training.patience", 5)])
    loop.run()
    assert loop.place.epoch > 5


@pytest.mark.parametrize(
    ("path", "value", "why"),
    [
        ("training.seed", 3, "cannot be changed while it trains"),
        ("training.patience", 3, "cannot be changed while it trains"),  # early stopping is off
        ("optimizer.lr", -1, "out of range"),
        ("optimizer.lr", "fast", "not a number"),
        ("no.such", 1, "not known"),
    ],
)
def test_what_may_not_be_is_refused_and_answered(tmp_path, path, value, why):
    loop, said = tiny_loop(tmp_path, epochs=1, changes=[(3, path, value)])
    loop.run()
    [told] = of(said, Changed)
    assert why in told.refused
    assert Changes.of(tmp_path).entries == ()


def test_wishes_of_one_moment_are_taken_in_the_order_of_asking():
    asked = [Change(path="optimizer.lr", value=value, t_s=value) for value in (3, 1, 2)]
    commands = Commands(lambda: asked)
    commands.stopped()
    assert [wish.value for wish in commands.changes()] == [1, 2, 3]


def test_a_change_that_cannot_be_written_down_is_not_made(tmp_path, monkeypatch):
    loop, said = tiny_loop(tmp_path, epochs=1, changes=[(3, "optimizer.lr", 1e-3)])

    def full(entry):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(loop.live._changes, "add", full)
    loop.run()
    assert "No space left" in of(said, Changed)[0].refused
    assert loop.parts.schedule.course.lr == 1e-2


def test_an_extension_goes_on_and_early_stopping_waits_anew(tmp_path):
    options = {**PATIENT, "epochs": 9}
    first, _ = tiny_loop(tmp_path, **options)
    first.run()
    step, epoch = first.place.step, first.place.epoch
    assert epoch < 9
    more = Entry(step=step, path="training.epochs", old=9, value=epoch + 3, extends=True)
    Changes.of(tmp_path).add(more)
    again, said = tiny_loop(tmp_path, **options)
    outcome = again.run()
    assert again.place.epoch == min(epoch + 2, epoch + 3)
    assert outcome.reason.startswith("Stopped early")
    assert of(said, Metric)[0].step > step


def test_a_change_during_validation_holds_from_the_next_epoch(tmp_path):
    """Stopped in that very validation, the run goes on the same."""
    options = {"say_every": 1, "changes": [(10, "optimizer.lr", 1e-3)]}
    whole, _ = tiny_loop(tmp_path / "whole", **options)
    whole.run()
    loop, said = tiny_loop(tmp_path / "pieces", **options)
    asked = loop.commands._asked
    loop.commands = Commands(
        lambda: [*asked(), *([Stop()] if said[-1].kind == "status" and loop.place.epoch == 1 else [])]
    )
    loop.run()
    again, _ = tiny_loop(tmp_path / "pieces", say_every=1)
    again.run()
    assert tiny.same(again._state(), whole._state())
    assert [entry.step for entry in Changes.of(tmp_path / "pieces").entries] == [10]


def test_a_roll_back_repeats_a_change_at_its_own_step(tmp_path):
    """The loss is NaN at step 17: back to 10, where the old rate holds again, until 13."""
    loop, said = tiny_loop(tmp_path, say_every=1, changes=[(13, "optimizer.lr", 1e-3)])
    breaking(loop, {17})
    assert loop.run().status == "completed"
    lrs = {m.step: m.values["lr"] for m in of(said, Metric) if m.split == "train"}
    whole = [1e-2 * (1 + math.cos(math.pi * step / 30)) / 2 for step in range(30)]
    halved = [lr / 2 for lr in whole[10:13]] + [lr / 20 for lr in whole[13:]]
    assert [lrs[step] for step in range(11, 31)] == pytest.approx(halved)
    assert len(Changes.of(tmp_path).entries) == 1


def test_a_newer_wish_supersedes_what_an_earlier_life_did_later(tmp_path):
    changes = Changes(tmp_path / FILE)
    for step, value in ((5, 1e-3), (13, 2e-3), (9, 3e-3)):
        changes.add(Entry(step=step, path="optimizer.lr", old=0, value=value))
    assert [(e.step, e.value) for e in Changes.of(tmp_path).entries] == [(5, 1e-3), (9, 3e-3)]
    assert Changes.of(tmp_path).present(Config(), 8).optimizer.lr == 1e-3
    changes.remove(changes.entries[-1])
    assert Changes.of(tmp_path).present(Config()).optimizer.lr == 1e-3


@pytest.mark.parametrize("text", ["", "{", "[]", '{"changes": [{}]}', '{"changes": [{"step": "x", "path": 1}]}'])
def test_a_damaged_record_is_no_empty_one(tmp_path, text):
    (tmp_path / FILE).write_text(text)
    with pytest.raises(TrainingError, match="record of what was changed"):
        Changes.of(tmp_path)


def test_every_live_field_reaches_the_loop(tmp_path):
    """A field that says it may change live does so: the loop is another one afterwards."""
    loop, _ = tiny_loop(tmp_path, **PATIENT)
    config = loop.live._chosen.set("scheduler.kind", "plateau")
    loop.live._chosen = loop.live._now = config
    for found in [found for found in fields(config) if found.live]:
        before = numbers(loop)
        old = config.get(found.path)
        loop.commands._wishes.append(Change(path=found.path, value=old * 2 or 7))
        loop.live.look(loop)
        assert numbers(loop) != before, found.path


def numbers(loop) -> tuple:
    schedule: Course = loop.parts.schedule.course
    told = (loop.plan, schedule, loop.parts.schedule.scheduler, loop.monitor.patience, loop.commands.budget.minutes)
    return tuple(map(str, told))
