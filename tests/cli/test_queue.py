"""`nbtrain queue`, as a person types it: list, move, cancel, and a queue that goes on by itself."""

import json
import os
import shutil
import signal

import psutil
import pytest

from cli.conftest import VALUES, run
from flows.conftest import own_devices, until, warm
from nbtrain import processes
from nbtrain.cli import main
from nbtrain.project.project import Project
from nbtrain.runs import devices, entries
from nbtrain.runs.folder import RunFolder

__all__ = ["own_devices", "warm"]


@pytest.fixture
def waiting(images, project, own_devices, capsys):
    """A project in which one experiment trains on a device of this test's own, and two wait."""
    for name, epochs, how in (("First", "10000", "--beside"), ("Second", "1", "--queue"), ("Third", "1", "--queue")):
        values = [*VALUES, "--training.epochs", epochs]
        assert main(["train", images, "--project", project, "--name", name, "--detach", how, *values]) == 0
    assert "is 2nd in the queue, after Second" in capsys.readouterr().out.splitlines()[-1]
    yield project
    main(["stop", "First", "--project", project])


def test_list_move_cancel(waiting, capsys):
    assert main(["queue", "--project", waiting, "move", "Third", "1"]) == 0
    assert "Third: 1st in the queue, after First" in capsys.readouterr().out
    assert main(["queue", "--project", waiting]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(None, 2)[2] for line in lines] == [
        "Third: 1st in the queue, after First",
        "Second: 2nd in the queue, after Third",
    ]
    assert main(["ls", "--project", waiting]) == 0
    assert "2nd in the queue, after Third" in capsys.readouterr().out
    assert main(["queue", "cancel", "Third", "--project", waiting]) == 0
    assert "Third: created" in capsys.readouterr().out
    assert main(["queue", "--json", "--project", waiting]) == 0
    assert [(e["name"], e["place"]) for e in json.loads(capsys.readouterr().out)] == [("Second", 1)]
    for words in (["cancel", "Third"], ["move", "First", "1"], ["cancel", "Nobody"]):
        assert main(["queue", *words, "--project", waiting]) == 2
    assert "Traceback" not in capsys.readouterr().err
    assert main(["stop", "Second", "--project", waiting]) == 0
    assert main(["queue", "--project", waiting]) == 0
    assert "nothing waits" in capsys.readouterr().out


def test_a_project_from_elsewhere_is_listed_and_started_by_name_only(waiting, tmp_path, capsys):
    clone = str(tmp_path / "clone")
    shutil.copytree(waiting, clone)
    for name in ("Second", "Third", "First"):
        assert main(["stop", name, "--project", waiting]) == 0
    for words in (["ls"], ["queue"], ["show", "Second"]):
        assert main([*words, "--project", clone]) == 0
        assert "a copy of one that you queued" in capsys.readouterr().out, words
    runs = [RunFolder(Project(clone).experiment(name).run_path) for name in ("Second", "Third")]
    assert [run.owner() for run in runs] == [{}, {}]
    assert main(["queue", "start", "Third", "--project", clone]) == 0
    until(lambda: runs[1].owner() and not runs[1].queued)
    assert main(["queue", "--json", "--project", clone]) == 0
    assert [(e["name"], bool(e["held"])) for e in json.loads(capsys.readouterr().out.partition("\n")[2])] == [
        ("Second", True)
    ]
    assert runs[0].owner() == {}
    assert main(["stop", "Third", "--project", clone]) == 0


def test_the_next_command_starts_what_a_killed_trainer_has_left_waiting(waiting):
    project = Project(waiting)
    first, second = (RunFolder(project.experiment(name).run_path) for name in ("First", "Second"))
    project.close()
    pid = first.owner()["pid"]
    psutil.Process(pid).parent().kill()
    os.kill(pid, signal.SIGKILL)
    until(lambda: not processes.exists(pid) and not devices.busy("cpu"))
    assert second.owner() == {}
    assert run("ls", "--project", waiting).returncode == 0
    until(lambda: not entries.entries(project.path) and second.status().status == "completed")
