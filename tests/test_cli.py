"""The command line, as a person types it: real processes, real runs, exit codes."""

import json
import subprocess
import sys

import pytest

from flows.conftest import QUICK
from images import write_classes
from nbtrain.cli import main

VALUES = [word for path, value in QUICK.items() for word in (f"--{path}", str(value))]


@pytest.fixture
def images(tmp_path):
    return str(write_classes(tmp_path / "images", {"red": 20, "blue": 20}))


@pytest.fixture
def project(tmp_path):
    return str(tmp_path / "project")


def run(*words):
    return subprocess.run([sys.executable, "-m", "nbtrain", *words], capture_output=True, text=True, check=False)


def test_train_show_ls(images, project, capsys):
    said = run("train", images, "--project", project, "--name", "One", "--beside", *VALUES)
    assert said.returncode == 0, said.stderr
    lines = said.stdout.splitlines()
    assert [line.split()[1] for line in lines[:2]] == ["1/2", "2/2"]
    assert "completed" in lines[-1]
    assert main(["show", "One", "--project", project, "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["status"], shown["epoch"], shown["config"]["training"]["batch_size"]) == ("completed", 2, 8)
    assert main(["show", "One", "--project", project]) == 0
    assert "val accuracy" in capsys.readouterr().out
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


def test_fields_lists_every_path(capsys):
    assert main(["fields"]) == 0
    assert "optimizer.lr" in capsys.readouterr().out
    assert main(["fields", "--json"]) == 0
    assert {f["path"] for f in json.loads(capsys.readouterr().out)} >= {"optimizer.kind", "training.epochs"}


def test_lab_writes_its_notebook_once(tmp_path, monkeypatch, capsys):
    opened = []
    monkeypatch.setattr("jupyterlab.labapp.main", lambda words: opened.append(words))
    assert main(["lab", str(tmp_path)]) == 0
    first = (tmp_path / "nbtrain.ipynb").read_text()
    assert "TrainingStudio" in first
    (tmp_path / "nbtrain.ipynb").write_text(first + "\n")
    assert main(["lab", str(tmp_path)]) == 0
    assert (tmp_path / "nbtrain.ipynb").read_text() == first + "\n"
    assert [words[-1] for words in opened] == [str(tmp_path / "nbtrain.ipynb")] * 2


def test_smoke():
    said = run("smoke")
    assert said.returncode == 0, said.stdout + said.stderr
    lines = said.stdout.splitlines()
    assert sum(line.startswith("epoch") for line in lines) == 6
    assert lines[-1].startswith("smoke: ok, val accuracy 0.9")


@pytest.fixture
def no_imports(monkeypatch):
    """The libraries take seconds to import; tests/project/test_doctor.py does it once."""
    monkeypatch.setattr("nbtrain.runs.machine.libraries", lambda: iter(()))


def test_doctor_asks_before_it_repairs(images, project, capsys, monkeypatch, no_imports):
    from nbtrain.project.project import Project
    from nbtrain.runs.folder import RunFolder, RunStatus

    assert main(["doctor", "--project", project]) == 0
    assert "there is none in" in capsys.readouterr().out
    made = Project(project)
    experiment = made.new("Stale")
    experiment.save()
    run = RunFolder.create(experiment.folder, {"format": 1})
    run.write_status(RunStatus("training", heartbeat_s=1.0))
    made.close()
    answers = iter(["", "n", "y"])
    monkeypatch.setattr("builtins.input", lambda question: next(answers))
    for _ in range(2):
        assert main(["doctor", "--project", project]) == 0
        assert run.status().status == "training"
    assert "stale run" in capsys.readouterr().out
    assert main(["doctor", "--project", project]) == 0
    assert run.status().status == "failed"
    assert "nothing is wrong" not in capsys.readouterr().out
    assert main(["doctor", "--project", project]) == 0
    assert "nothing is wrong" in capsys.readouterr().out


def test_doctor_for_scripts(project, capsys, no_imports):
    from nbtrain.project.project import Project

    Project(project).save()
    with open(f"{project}/project.json", "w") as file:
        file.write("{")
    assert main(["doctor", "--project", project, "--json", "--yes"]) == 1
    told = json.loads(capsys.readouterr().out)
    [problem] = [finding for finding in told if finding["severity"] == "problem"]
    assert (problem["check"], problem["repairable"], problem["repaired"]) == ("project file", False, "")
