"""Changing, extending and branching from the command line: real runs, as a person types it."""

import json
import re
import time

import pytest

from cli.conftest import VALUES
from flows.conftest import warm  # noqa: F401 - six trainers start here
from nbtrain.cli import main


@pytest.fixture
def shown(project, capsys):
    """Returns what `nbtrain show --json` says of an experiment."""

    def show(name):
        capsys.readouterr()
        assert main(["show", name, "--project", project, "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    return show


def test_set_while_it_trains(images, project, capsys, shown):
    values = [*VALUES, "--training.epochs", "10000"]
    assert main(["train", images, "--project", project, "--name", "Long", "--detach", "--beside", *values]) == 0
    assert main(["set", "Long", "optimizer.lr=1e-4", "checkpoint.every_n_epochs=3", "--project", project]) == 0
    said = capsys.readouterr().out
    assert "optimizer.lr = 0.0001" in said
    assert main(["set", "Long", "training.seed=3", "--project", project]) == 2
    assert "cannot be changed while it trains" in capsys.readouterr().err
    assert main(["set", "Long", "optimizer.lr=1e-3", "training.patience=x", "--project", project]) == 2
    until_s = time.monotonic() + 60
    while len(shown("Long")["changes"]) < 2 and time.monotonic() < until_s:
        time.sleep(0.2)  # it may still prepare: changes are taken between steps
    assert main(["stop", "Long", "--project", project]) == 0
    changes = shown("Long")["changes"]
    assert {(c["path"], c["value"]) for c in changes} == {("optimizer.lr", 1e-4), ("checkpoint.every_n_epochs", 3)}
    main(["show", "Long", "--project", project])
    assert re.search(r"changed +optimizer.lr 0.0001 after step \d+ \(was 0.003\); check", capsys.readouterr().out)


def test_extend_and_branch(images, project, capsys, shown):
    assert main(["train", images, "--project", project, "--name", "One", "--beside", *VALUES]) == 0
    assert main(["extend", "One", "+2", "--project", project, "--beside"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-4].startswith("The learning rate follows cosine as in a run of 4 epochs: from ")
    assert [line.split()[1] for line in lines[-3:-1]] == ["3/4", "4/4"]
    words = ["branch", "One", "--checkpoint", "last", "--as", "Two", "--project", project, "--beside"]
    assert main([*words, "--train", "--training.epochs", "5", "--optimizer.lr", "1e-4"]) == 0
    assert "epoch 5/5" in capsys.readouterr().out
    two = shown("Two")
    assert (two["lineage"]["name"], two["status"], two["config"]["optimizer"]["lr"]) == ("One", "completed", 1e-4)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["extend", "One", "many"], "is no number of epochs to add"),
        (["extend", "One", "+0"], "is no number of epochs to add"),
        (["branch", "One", "--checkpoint", "7000"], "no such checkpoint"),
        (["branch", "One", "--optimizer.lr", "-1"], "out of range"),
        (["set", "One", "optimizer.lr"], "value is missing"),
        (["set", "One", "optimizer.lr=1"], "fixed once it has been trained"),
    ],
)
def test_what_is_refused_says_why(trained, words, message, capsys):
    assert main([*words, "--project", trained]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert "Traceback" not in said


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A project with one completed run."""
    from images import write_classes

    folder = tmp_path_factory.mktemp("trained")
    images = write_classes(folder / "images", {"red": 20, "blue": 20})
    words = ["train", str(images), "--project", str(folder / "project"), "--name", "One", "--beside", *VALUES]
    assert main(words) == 0
    return str(folder / "project")
