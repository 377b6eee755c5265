"""``project.queue``: experiments in order, changed from code, and told to every reader."""

from __future__ import annotations

import shutil

import pytest

from flows.conftest import LIMIT_S, own_devices, project, until, warm
from nbtrain.errors import BusyError, StatusError
from nbtrain.project.doctor import waiting_runs
from nbtrain.project.project import Project
from nbtrain.project.queue import _ordinal
from nbtrain.runs.devices import Claim

__all__ = ["own_devices", "project", "warm"]


@pytest.fixture
def held(own_devices):
    """A device that somebody else uses."""
    claim = Claim("/elsewhere/experiments/e/runs/0001", "cpu")
    assert claim.take()
    return claim


@pytest.fixture
def three(project, held):
    return [project.new(name).train(queue=True) for name in "ABC"]


def told(experiments):
    return [(e.status, e.place, e.queued, e.detail) for e in experiments]


def test_places_are_told_and_can_be_changed(project, three):
    a, b, c = three
    assert list(project.queue) == [a, b, c]
    assert told(three) == [
        ("pending", 1, 3, "1st in the queue, after a run of elsewhere"),
        ("pending", 2, 3, "2nd in the queue, after A"),
        ("pending", 3, 3, "3rd in the queue, after B"),
    ]
    project.queue.move(c, 0)
    assert list(project.queue) == [c, a, b]
    assert (c.place, b.detail) == (1, "3rd in the queue, after A")
    project.queue.shift(c, 1)
    project.queue.shift(b, 5)
    project.queue.shift(a, -3)
    assert list(project.queue) == [a, c, b]
    heard = []
    a.on("cancelled", heard.append)
    a.stop()
    assert heard == [a]
    assert (a.status, a.place, a.queued, list(project.queue)) == ("created", 0, 0, [c, b])
    c.pause()
    assert (c.status, len(project.queue), project.queue[0]) == ("created", 1, b)
    b.delete()
    assert len(project.queue) == 0
    with pytest.raises(StatusError, match="does not wait"):
        project.queue.move(a, 0)


def test_who_waits_and_has_lost_its_folder_is_told_once_and_dropped(project, three):
    """Deleted in a terminal while nobody looks: the run folder of one, everything of another."""
    a, b, _ = three
    project.close()
    shutil.rmtree(a.run_path)
    shutil.rmtree(b.folder)
    again = Project(project.path)
    assert sorted(text.partition(" waited")[0] for text in again.notices) == sorted(["“A”", f"“{b.folder.name}”"])
    assert [(e.name, e.place) for e in again.queue] == [("C", 1)]
    assert (again.experiment("A").status, len(again.cards)) == ("created", 2)
    again.close()
    for one in (a, b):
        one.stop()
        assert one.status == "created"
    other = Project(project.path)
    assert (other.notices, len(list((project.path / "queue").glob("*.json")))) == ([], 1)
    other.experiment("C").stop()
    other.close()
    project.cards = type(project.cards)()  # it is closed: its fixture would wait for a status that nobody tells it


def test_another_kernel_sees_and_changes_the_same_queue(project, three):
    other = Project(project.path)
    assert [e.name for e in other.queue] == ["A", "B", "C"]
    other.queue.move(other.experiment("C"), 0)
    until(lambda: three[2].place == 1 and three[0].detail == "2nd in the queue, after C")
    other.experiment("B").stop()
    until(lambda: three[1].status == "created")
    assert three[1].train(queue=True).status == "pending"
    until(lambda: other.experiment("B").place == 3)
    other.close()


def test_one_that_leaves_the_queue_is_not_trained_and_can_be_edited(project, three):
    """With what was changed while it waited; nothing of an empty run stays among its runs."""
    a = three[0]
    a.set("optimizer.lr", 0.0123)
    a.stop()
    assert (a.status, a.run_path, a.duration_s, a.changes) == ("created", "", 0.0, [])
    assert [path for path in (a.folder / "runs").iterdir() if path.is_dir()] == []
    assert (a.config.optimizer.lr, a.dirty) == (0.0123, False)
    a.set("training.epochs", 3)
    assert a.train(queue=True).status == "pending"
    other = Project(project.path)
    assert other.experiment("A").config.optimizer.lr == 0.0123
    other.close()


def test_who_does_not_wait_is_asked_while_others_do(project, three, held):
    held.release()
    late = project.new("Late")
    with pytest.raises(BusyError, match="queue=True"):
        late.train()


def test_the_watch_of_an_open_project_starts_what_nobody_else_has(project, three, held):
    first, second, third = three
    held.release()
    assert [e.wait(LIMIT_S) for e in three] == ["completed"] * 3, [e.error for e in three]
    assert [e.place for e in three] == [0, 0, 0]
    assert first.started_s < second.started_s < third.started_s


@pytest.mark.parametrize("text", ["1st", "2nd", "3rd", "4th", "11th", "13th", "21st", "112th"])
def test_ordinals(text):
    assert _ordinal(int(text[:-2])) == text


def test_a_project_from_elsewhere_shows_what_waits_and_starts_none_of_it(project, three, held, tmp_path):
    """A copy stands for one that was downloaded, or lies on another machine: the ledger knows nothing of its runs."""
    clone = tmp_path / "clone"
    shutil.copytree(project.path, clone)
    for experiment in three:
        experiment.stop()
    held.release()
    other = Project(clone)
    a, b, c = other.queue
    for _ in range(3):
        other.queue.look()
    assert [(e.status, e.place, e.queued) for e in (a, b, c)] == [("pending", n, 3) for n in (1, 2, 3)]
    assert [e.detail for e in (a, b, c)] == [f"held in the queue: {e.held}" for e in (a, b, c)]
    assert "a copy of one that you queued" in a.held
    assert [e.run.owner() for e in (a, b, c)] == [{}, {}, {}]
    assert ["a copy of one that you queued" in found.text for found in waiting_runs(clone)] == [True] * 3
    mine = other.new("Mine").train()  # nobody waits for a run that is held
    assert mine.wait(LIMIT_S) == "completed", mine.error
    other.queue.shift(c, -1)
    assert list(other.queue) == [a, c, b]
    other.queue.start(b)
    assert b.held == ""
    assert b.wait(LIMIT_S) == "completed", b.error
    other.queue.look()
    assert [(e.status, e.run.owner()) for e in (a, c)] == [("pending", {})] * 2
    a.stop()
    assert a.status == "created"
    with pytest.raises(StatusError, match="does not wait"):
        other.queue.start(a)
    c.stop()
    other.close()
