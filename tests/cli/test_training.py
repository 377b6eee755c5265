"""Training from the command line, as a person types it: real processes, real runs, exit codes."""

import json

import pytest

from cli.conftest import VALUES, run
from nbtrain.cli import main
from nbtrain.messages import Failure
from nbtrain.project import lives
from nbtrain.project.experiment import Experiment
from ui import stage


def test_train_show_ls(images, project, capsys):
    said = run("train", images, "--project", project, "--name", "One", "--beside", "--profile", *VALUES)
    assert said.returncode == 0, said.stderr
    lines = said.stdout.splitlines()
    assert [line.split()[1] for line in lines[:2]] == ["1/2", "2/2"]
    assert lines[2].startswith("completed")
    assert any(line.split()[0] == "backward" for line in lines[3:])
    assert main(["show", "One", "--project", project, "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["status"], shown["epoch"], shown["config"]["training"]["batch_size"]) == ("completed", 2, 8)
    assert "backward" in [row["phase"] for row in shown["profile"]]
    assert main(["show", "One", "--project", project]) == 0
    told = capsys.readouterr().out
    assert "val accuracy" in told
    assert "the network and its loss" in told
    assert main(["ls", "--project", project, "--json"]) == 0
    assert [e["name"] for e in json.loads(capsys.readouterr().out)] == ["One"]


def test_detach_and_stop(images, project, capsys):
    values = [*VALUES, "--training.epochs", "10000"]
    assert main(["train", images, "--project", project, "--name", "Long", "--detach", "--beside", *values]) == 0
    assert main(["stop", "Long", "--project", project]) == 0
    assert "Long: cancelled" in capsys.readouterr().out
    assert main(["stop", "Long", "--project", project]) == 0
    assert "nothing to stop" in capsys.readouterr().out


def test_pause_and_resume(images, project, capsys):
    values = [*VALUES, "--training.epochs", "12"]
    assert main(["train", images, "--project", project, "--name", "R", "--detach", "--beside", *values]) == 0
    assert main(["pause", "R", "--project", project]) == 0
    assert "R: paused" in capsys.readouterr().out
    assert main(["pause", "R", "--project", project]) == 0
    assert "nothing to pause" in capsys.readouterr().out
    assert main(["resume", "R", "--project", project, "--beside"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "epoch 12/12" in lines[-2]
    assert lines[-1].startswith("completed")
    assert main(["resume", "R", "--project", project]) == 2
    assert "cannot be resumed" in capsys.readouterr().err


def test_a_failure_lists_fixes_and_fix_trains_with_one(images, project, capsys, monkeypatch):
    monkeypatch.setattr(lives, "launch", lives.launch)  # the stage sets it
    stage.use(stage.Play(fails=Failure(cause="out of memory", message="27 GB needed")))
    assert main(["train", images, "--project", project, "--name", "F", "--beside", *VALUES]) == 1
    assert main(["show", "F", "--project", project]) == 0
    assert "fix 0            Halve the batch size to 4" in capsys.readouterr().out
    assert main(["fix", "F", "9", "--project", project]) == 2
    assert "no such fix" in capsys.readouterr().err
    stage.use(stage.Play(epochs=2))
    assert main(["fix", "F", "--project", project, "--beside"]) == 0
    capsys.readouterr()
    main(["show", "F", "--project", project, "--json"])
    shown = json.loads(capsys.readouterr().out)
    assert (shown["status"], shown["config"]["training"]["batch_size"]) == ("completed", 4)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["train", "/nowhere", "--optimizer.lr", "-1"], "out of range"),
        (["train", "/nowhere", "--optimizer.momentun", "1"], "not known"),
        (["train", "/nowhere", "--optimizer.lr"], "value is missing"),
        (["train", "/nowhere", "--model.variant", "resnet9000"], "resnet9000"),
        (["train", "/nowhere", "--lr", "1"], "not known"),
        (["train", "/nowhere"], "no such path"),
        (["train", ".", "--config", "/nowhere.json"], "no such configuration file"),
        (["show", "Nobody"], "no such experiment"),
        (["stop", "Nobody"], "no such experiment"),
        (["pause", "Nobody"], "no such experiment"),
        (["resume", "Nobody"], "no such experiment"),
    ],
)
def test_what_is_refused_says_why_in_a_line(words, message, project, capsys):
    assert main([*words, "--project", project]) == 2
    said = capsys.readouterr().err
    assert said.startswith("nbtrain: ")
    assert message in said
    assert "Traceback" not in said


def test_a_configuration_file(images, project, tmp_path, capsys):
    nested = {"format": 1, "training": {"epochs": 3}, "optimizer": {"kind": "sgd", "lr": 0.1}}
    (tmp_path / "config.json").write_text(json.dumps({"config": nested}))
    words = ["train", images, "--project", project, "--name", "C", "--config", str(tmp_path / "config.json")]
    assert main([*words, *VALUES, "--training.epochs", "1", "--beside", "--optimizer.lr", "0.05"]) == 0
    capsys.readouterr()
    main(["show", "C", "--project", project, "--json"])
    config = json.loads(capsys.readouterr().out)["config"]
    assert (config["optimizer"]["kind"], config["optimizer"]["lr"], config["training"]["epochs"]) == ("sgd", 0.05, 1)


@pytest.mark.parametrize("word", ["stop", "pause"])
def test_a_run_that_does_not_end_in_time_is_no_success(word, images, project, capsys, monkeypatch):
    """It still trains when the command gives up waiting: a script that goes on must be told."""
    monkeypatch.setattr(lives, "launch", lives.launch)  # the stage sets it
    stage.use(stage.Play(epochs=1000, step_s=0.05))
    assert main(["train", images, "--project", project, "--name", "Deaf", "--detach", "--beside", *VALUES]) == 0
    monkeypatch.setattr(Experiment, word, lambda experiment: None)
    waiting = Experiment.wait
    monkeypatch.setattr(Experiment, "wait", lambda experiment, timeout_s=None: waiting(experiment, 0.1))
    capsys.readouterr()
    assert main([word, "Deaf", "--project", project]) == 1
    assert capsys.readouterr().out.startswith("Deaf: ")
    monkeypatch.undo()
    assert main(["stop", "Deaf", "--project", project]) == 0
