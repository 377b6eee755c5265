"""Configurations on the command line: compare, print, presets, defaults, files."""

from __future__ import annotations

import json

import pytest

from nbtrain.cli import main
from nbtrain.project import exchange
from nbtrain.project.project import Project
from project.conftest import newcomer, pets

__all__ = ["newcomer", "pets"]


@pytest.fixture
def project(pets):
    plain, other = pets.new("Plain"), pets.new("Other", tags=["night"])
    other.set("optimizer.kind", "sgd")
    plain.save()
    other.save()
    return pets


def run(project, *words):
    return main([*words, "--project", str(project.path)])


def test_diff(project, capsys):
    assert run(project, "diff", "Plain", "Other") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["optimizer.kind", "adamw", "sgd"]
    assert run(project, "diff", "Plain", "Plain") == 0
    assert "equal" in capsys.readouterr().out
    assert run(project, "diff", "Plain", "Other", "--json") == 0
    assert {"path": "optimizer.kind", "here": "adamw", "there": "sgd"} in json.loads(capsys.readouterr().out)
    assert run(project, "diff", "Plain", "Nobody") == 2


@pytest.mark.parametrize("style", ["yaml", "json"])
def test_a_printed_configuration_can_be_read_again(project, capsys, style):
    assert run(project, "config", "Other", "--as", style) == 0
    other = project.experiment("Other").config
    assert exchange.laid_over(project.new().config, exchange.parse(capsys.readouterr().out, style), "it") == other


def test_the_script_is_printed(project, capsys):
    assert run(project, "config", "Other", "--as", "python") == 0
    assert project.experiment("Other").config.hash in capsys.readouterr().out


def test_presets_are_listed_with_what_they_set(project, capsys):
    assert run(project, "presets") == 0
    told = capsys.readouterr().out
    assert "quick" in told
    assert "training.epochs" in told


def test_defaults(project):
    assert run(project, "defaults", "Other") == 0
    assert run(project, "defaults", "Other", "--user") == 0
    assert Project(project.path).new().config.optimizer.kind == "sgd"


def test_ls_finds_by_tag(project, capsys):
    assert run(project, "ls", "tag:night") == 0
    told = capsys.readouterr().out
    assert "Other" in told
    assert "Plain" not in told


@pytest.mark.parametrize("words", [["--preset", "strnog"], ["--config", "missing.yaml"], ["--config", "bad.yaml"]])
def test_what_cannot_be_used_is_refused_before_anything_is_written(project, tmp_path, monkeypatch, capsys, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.yaml").write_text("optimizer: {lr: !!python/name:os.x}")
    assert run(project, "train", "pets", "--name", "New", *words) == 2
    assert words[1].removesuffix(".yaml") in capsys.readouterr().err
    assert len(Project(project.path).cards) == 2


def test_what_is_not_saved_is_shown_and_a_problem_is_refused_by_name(project, capsys):
    plain = project.experiment("Plain")
    before = (plain.folder / "experiment.json").read_text()
    assert run(project, "set", "Plain", "scheduler.warmup_epochs=60") == 2
    assert "scheduler.warmup_epochs: the warm-up of 60 epochs is longer than the run." in capsys.readouterr().err
    assert not plain.dirty
    plain.set("training.epochs", 7)
    plain.enter("optimizer.lr", "fast")
    project.new("Fresh")
    assert run(project, "ls") == 0
    told = {line.split()[2]: line for line in capsys.readouterr().out.splitlines()}
    assert [told[name].endswith("(not saved)") for name in ("Plain", "Other", "Fresh")] == [True, False, True]
    assert run(project, "show", "Plain") == 0
    said = capsys.readouterr().out
    assert "training.epochs, optimizer.lr differ from what is saved" in said
    assert "optimizer.lr: 'fast' is not a number" in said
    assert run(project, "show", "Plain", "--json") == 0
    plain_json = json.loads(capsys.readouterr().out)
    assert (plain_json["dirty"], plain_json["refused"]["optimizer.lr"]["text"]) == (True, "fast")
    assert run(project, "set", "Plain", "training.seed=3") == 2
    assert "optimizer.lr: 'fast'" in capsys.readouterr().err
    assert (plain.folder / "experiment.json").read_text() == before
    assert run(project, "set", "Plain", "optimizer.lr=0.01") == 0
    assert '"epochs": 7' in (plain.folder / "experiment.json").read_text()
