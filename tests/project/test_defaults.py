"""Where new experiments start: nbtrain's defaults, the person's, the project's; and files that are broken."""

from __future__ import annotations

import pytest

from nbtrain.project import defaults
from nbtrain.project.project import Project


@pytest.fixture
def project(pets):
    return pets


def test_the_project_stands_over_the_person_and_both_over_nbtrain(project):
    mine = project.new()
    mine.config = mine.config.set_all({"optimizer.kind": "sgd", "optimizer.lr": 0.5, "training.epochs": 7})
    mine.use_as_defaults("user")
    assert (project.new().config.optimizer, project.new().config.training.epochs) == (mine.config.optimizer, 7)
    of_project = project.new()
    of_project.config = of_project.config.set_all({"optimizer.kind": "adamw", "training.epochs": 50})
    of_project.use_as_defaults()
    again = Project(project.path).new().config
    assert (again.optimizer.kind, again.training.epochs) == ("adamw", 50), "nbtrain's own values are recorded too"


def test_data_is_never_a_default(project):
    project.new().use_as_defaults()
    project.new().use_as_defaults("user")
    assert "data.dataset" not in project.defaults
    assert "pets" not in defaults.user_file().read_text()


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"format": 99}', '{"format": 1}', '{"format": 1, "defaults": {"optimizer.lr": "fast"}}']
)
def test_a_broken_file_of_the_person_is_told_and_keeps_nobody_from_working(project, text):
    defaults.user_file().parent.mkdir(parents=True, exist_ok=True)
    defaults.user_file().write_text(text)
    assert project.new().config.optimizer.lr == 1e-3
    assert str(defaults.user_file()) in project.notices[0]
    assert len(project.notices) == 1
