"""Changes between two lives of a run: while it waits, and together with a resume."""

from __future__ import annotations

import pytest

from flows.conftest import project
from nbtrain import files, processes
from nbtrain.errors import BusyError, ConfigError, StatusError
from nbtrain.messages import Changed
from nbtrain.project.between import needs_a_new_run
from nbtrain.project.project import Project
from nbtrain.runs.devices import Claim
from nbtrain.runs.folder import RunStatus
from nbtrain.runs.journal import JournalReader
from nbtrain.schema import fields
from nbtrain.training.changes import FREE, Changes, changeable

__all__ = ["project"]


@pytest.fixture
def waiting(project, tmp_path, monkeypatch):
    """An experiment in the queue of a device that somebody else uses."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert Claim("/elsewhere/experiments/e/runs/0001", "cpu").take()
    return project.new("Waits").train(queue=True)


def said(experiment):
    return [m for m in JournalReader(experiment.run.events).read() if isinstance(m, Changed)]


def test_what_may_change_live_may_change_while_it_waits(waiting):
    waiting.set("optimizer.lr", 1e-3)
    waiting.set("optimizer.lr", 1e-4)
    waiting.set("data.workers", 1)
    waiting.set("data.workers", 1)
    assert (waiting.status, waiting.place, waiting.asked) == ("pending", 1, {})
    assert [(c["step"], c["path"], c["old"], c["value"]) for c in waiting.changes] == [
        (0, "optimizer.lr", 3e-3, 1e-3),
        (0, "optimizer.lr", 1e-3, 1e-4),
        (0, "data.workers", 0, 1),
    ]
    assert (waiting.config.optimizer.lr, waiting.present.optimizer.lr, waiting.present.data.workers) == (3e-3, 1e-4, 1)
    assert [(m.path, m.value, m.refused) for m in said(waiting)] == [
        ("optimizer.lr", 1e-3, ""), ("optimizer.lr", 1e-4, ""), ("data.workers", 1, "")
    ]  # fmt: skip
    with pytest.raises(StatusError, match=r"batch_size cannot change within a run.*These can: .*optimizer\.lr, "):
        waiting.set("training.batch_size", 4)
    with pytest.raises(ConfigError, match="out of range"):
        waiting.set("optimizer.lr", -1)
    other = Project(waiting.project.path)
    assert other.experiment("Waits").present == waiting.present
    other.close()


def begun(experiment):
    """Let a waiting run have had a trainer: taken out of the queue, it is stopped and keeps what it has."""
    files.write_json(experiment.run.path / "owner.json", {**processes.identity(), "pid": 0, "generation": 1})
    experiment.run.write_status(RunStatus("cancelled"))
    return experiment


def test_a_resume_takes_changes_and_gives_them_back_where_it_cannot_begin(waiting):
    begun(waiting).stop()
    with pytest.raises(StatusError, match="fixed once it has been trained"):
        waiting.set("optimizer.lr", 1e-3)
    with pytest.raises(StatusError, match=r"model\.variant cannot change within a run"):
        waiting.resume({"model.variant": "resnet18"})
    with pytest.raises(BusyError):
        waiting.resume({"optimizer.lr": 1e-3})
    assert (waiting.status, waiting.changes) == ("cancelled", [])
    waiting.resume({"optimizer.lr": 1e-3, "training.clip_norm": 1.0}, queue=True)
    assert (waiting.status, waiting.present.optimizer.lr, waiting.present.training.clip_norm) == ("pending", 1e-3, 1.0)
    with pytest.raises(StatusError, match="pending goes on already"):
        waiting.resume({"optimizer.lr": 1e-2})


def test_a_start_that_fails_takes_its_changes_back(waiting, monkeypatch):
    from nbtrain.project import lives

    waiting.set("optimizer.lr", 1e-3)
    begun(waiting).stop()
    monkeypatch.setattr(lives, "go_on", refuse)
    with pytest.raises(BusyError, match="taken meanwhile"):
        waiting.resume({"optimizer.lr": 1e-4}, beside=True)
    assert waiting.present.optimizer.lr == 1e-3
    assert said(waiting)[-1].refused == "the run could not be started"


def refuse(*_, **__):
    raise BusyError("taken meanwhile")


def test_what_hangs_on_nothing_holds_for_the_whole_life_and_the_rest_from_its_step(project):
    config = project.new_config()
    assert set(FREE) <= {found.path for found in fields(config)}
    assert set(FREE) <= set(changeable(config.set("data.workers", 2)))
    assert needs_a_new_run(config, {"data.workers": 0, "optimizer.lr": 1}) == ""
    assert "task.image_size cannot" in needs_a_new_run(config, {"task.image_size": 64})
    assert Changes(project.path).free(config) is config
