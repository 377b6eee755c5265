"""The script of an experiment is run, and must make the same configuration."""

from __future__ import annotations

import pytest

from images import write_classes
from nbtrain.data.sources import Folder
from nbtrain.project import script
from reachable import configs


@pytest.fixture
def project(pets):
    return pets


def made_by(text):
    names = {"__name__": "not main"}
    exec(compile(text, "script.py", "exec"), names)
    names["project"].close()
    return names["experiment"]


def test_it_makes_the_experiment_again(project):
    ours = project.new("""It's a "name" \\ with {braces}\u202e""", tags=["a'b", "c"])
    ours.annotate(description="Two\nlines")
    ours.config = ours.config.set_all({"optimizer.kind": "sgd", "optimizer.lr": 1e-3, "model.pretrained": True})
    again = made_by(ours.as_python())
    assert again.config.hash == ours.config.hash
    assert (again.name, again.tags, again.description) == (ours.name, ours.tags, ours.description)


def test_defaults_of_person_and_project_take_no_part(project):
    ours = project.new("Plain")
    other = project.new()
    other.set("training.epochs", 3)
    other.use_as_defaults()
    other.use_as_defaults("user")
    assert made_by(ours.as_python()).config == ours.config


def test_a_data_set_that_is_not_there_is_added(project, tmp_path):
    ours = project.new("Moved")
    text = ours.as_python().replace(repr(str(project.path)), repr(str(tmp_path / "elsewhere")))
    again = made_by(text)
    assert again.problems == []
    assert again.config.hash == ours.config.hash


def test_any_configuration_has_its_script(tmp_path):
    for config in configs(15, seed=5):
        where = {"project": str(tmp_path / "p"), "sources": ()}
        text = script.script(config, name="x", tags=(), description="", **where)
        assert made_by(text).config.hash == config.hash


def test_a_source_that_was_chosen_is_written_with_its_settings(project, tmp_path):
    write_classes(tmp_path / "odd", {"cat": 2, "dog": 2, "test": 2})
    project.add_images(Folder(path=str(tmp_path / "odd"), sets="always"), "odd")
    ours = project.new("Odd")
    ours.set("data.dataset", "odd")
    text = ours.as_python().replace(repr(str(project.path)), repr(str(tmp_path / "elsewhere")))
    assert made_by(text).project.dataset("odd").classes == ("cat", "dog")
