"""What a person edits: undo on the experiment, notes, generated names, and files that somebody else has changed."""

from __future__ import annotations

import json
import os
import re

import pytest

from nbtrain.errors import ConfigError, ProjectError
from nbtrain.project.card import FILE
from nbtrain.project.editing import clean_tags
from nbtrain.project.project import Project
from nbtrain.training.optimizers import SGD, AdamW


@pytest.fixture
def project(pets):
    pets.watch.unfollow(pets._followed[0])  # the tests look themselves, when they mean to
    return pets


@pytest.fixture
def experiment(project):
    made = project.new("Baseline")
    made.save()
    return made


def elsewhere(experiment, change):
    """Change the experiment's file as another program would."""
    path = experiment.folder / FILE
    plain = json.loads(path.read_text())
    change(plain)
    path.write_text(plain if isinstance(plain, str) else json.dumps(plain))
    os.utime(path, ns=(path.stat().st_mtime_ns + 1_000_000,) * 2)
    experiment.refresh()


# -- undo


def test_undo_and_redo(experiment):
    experiment.set("training.epochs", 7)
    assert (experiment.can_undo, experiment.can_redo) == (True, False)
    experiment.optimizer = AdamW(lr=5e-4)
    assert experiment.undo()
    assert (experiment.can_undo, experiment.can_redo) == (True, True)
    assert experiment.config.optimizer == AdamW()
    assert experiment.undo()
    assert (experiment.config.training.epochs, experiment.dirty, experiment.undo()) == (50, False, False)
    assert experiment.redo()
    assert experiment.redo()
    assert (experiment.config.training.epochs, experiment.config.optimizer.lr) == (7, 5e-4)
    assert not experiment.redo()


def test_a_refused_value_is_no_edit(experiment):
    with pytest.raises(ConfigError):
        experiment.set("optimizer.lr", "fast")
    assert not experiment.can_undo


def test_revert_can_be_taken_back(experiment):
    experiment.set("training.epochs", 7)
    experiment.revert()
    assert (experiment.config.training.epochs, experiment.edited) == (50, False)
    experiment.undo()
    assert (experiment.config.training.epochs, experiment.edited) == (7, True)


def test_a_kind_brings_its_values_back_however_it_was_left(experiment):
    experiment.set("optimizer.lr", 0.02)
    experiment.optimizer = SGD()
    experiment.set("optimizer.kind", "adamw")
    assert experiment.config.optimizer == AdamW(lr=0.02)


def test_an_undone_kind_is_remembered_too(experiment):
    experiment.set("optimizer.kind", "sgd")
    experiment.set("optimizer.momentum", 0.5)
    experiment.undo()
    experiment.undo()
    experiment.set("optimizer.kind", "sgd")
    assert experiment.config.optimizer == SGD()


# -- presets, comparison, files


def test_a_preset_is_one_edit_and_an_unknown_one_is_refused(experiment):
    before = experiment.config
    experiment.preset("strong")
    assert experiment.config.model.variant == "resnet50"
    experiment.undo()
    assert experiment.config == before
    with pytest.raises(ConfigError, match="strong"):
        experiment.preset("strnog")


def test_diff_names_path_and_both_values(experiment, project):
    other = project.new("Other")
    other.set("training.epochs", 7)
    assert experiment.diff(other) == [("training.epochs", 50, 7)]
    assert other.diff(experiment.config) == [("training.epochs", 7, 50)]


def test_a_configuration_goes_through_a_file_and_a_bad_file_changes_nothing(experiment, project, tmp_path):
    experiment.set("optimizer.kind", "sgd")
    path = experiment.export_config(tmp_path / "mine.yaml")
    other = project.new("Other")
    other.import_config(path)
    assert other.config == experiment.config
    (tmp_path / "bad.json").write_text('{"optimizer": {"lr": "fast"}, "training": {"epochs": 3}}')
    with pytest.raises(ConfigError, match=r"bad\.json: optimizer\.lr"):
        other.import_config(tmp_path / "bad.json")
    assert other.config == experiment.config


def test_an_exported_configuration_takes_no_other_files_place(experiment, tmp_path):
    path = experiment.export_config(tmp_path / "mine.yaml")
    experiment.set("training.epochs", 3)
    experiment.export_config(path)  # over what it had written itself
    assert "epochs: 3" in path.read_text()
    for edited in (path.read_text() + "# mine\n", "notes: mine\n", "\0"):
        path.write_text(edited)
        with pytest.raises(ProjectError, match=r"another file of this name is there.*replace=True"):
            experiment.export_config(path)
        assert path.read_text() == edited
    experiment.export_config(path, replace=True)
    assert "epochs: 3" in path.read_text()


# -- notes


def test_notes_are_on_disk_at_once_and_leave_other_edits_alone(experiment, project):
    experiment.set("training.epochs", 3)
    experiment.annotate(name="New", description=" what\nfor ", tags=["night", " night", "two\twords", ""])
    assert experiment.dirty
    again = Project(project.path)
    found = again.cards[0]
    assert (found.name, found.description, found.tags) == ("New", "what\nfor", ["night", "two words"])
    assert (found.config.training.epochs, found.edited) == (3, True)  # in the draft
    found.revert()
    assert (found.name, found.config.training.epochs) == ("New", 50)
    again.close()


def test_notes_of_a_saved_experiment_never_look_unsaved(experiment):
    seen = []
    experiment.observe(seen.append, ["dirty", "edited"])
    experiment.annotate(name="New", tags=["a"])
    assert seen == []


def test_tags_are_one_line_each_and_not_too_long():
    assert clean_tags(["a\nb", "a b", "x" * 200, "\u200b", " "]) == ["a b", "x" * 100]


@pytest.mark.parametrize("name", ["", " ", "\n"])
def test_a_name_that_cannot_be_seen_is_refused(experiment, name):
    with pytest.raises(ProjectError, match="needs a name"):
        experiment.annotate(name=name)
    assert experiment.name == "Baseline"


# -- generated names


def test_a_generated_name_says_what_is_configured_until_it_is_saved(project):
    made = project.new()
    assert re.fullmatch(r"resnet18-pets-adamw-\d{4}", made.name)
    assert not made.edited
    made.set("optimizer.kind", "sgd")
    assert re.fullmatch(r"resnet18-pets-sgd-\d{4}", made.name)
    made.save()
    kept = made.name
    made.set("optimizer.kind", "adamw")
    assert made.name == kept


def test_generated_names_are_unique(project):
    names = [project.new().name for _ in range(3)]
    assert len(set(names)) == 3
    assert names[1] == f"{names[0]}-2"


def test_a_name_that_a_person_gave_stays(project):
    made = project.new()
    made.rename("Mine")
    made.set("optimizer.kind", "sgd")
    assert made.name == "Mine"


# -- changed outside


def test_a_change_outside_is_taken_over(experiment):
    elsewhere(experiment, lambda plain: plain["config"]["training"].update(epochs=9))
    assert (experiment.config.training.epochs, experiment.dirty, experiment.outside) == (9, False, None)


def test_changes_of_different_things_are_joined(experiment):
    experiment.set("training.epochs", 3)
    elsewhere(experiment, lambda plain: plain.update(name="Theirs", tags=["theirs"]))
    assert (experiment.name, experiment.tags, experiment.config.training.epochs) == ("Theirs", ["theirs"], 3)
    assert experiment.edited
    assert experiment.outside is None


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"format": 99}', '{"format": 1, "config": {"format": 1, "optimizer": {"lr": 1}}}']
)
def test_a_file_that_cannot_be_used_is_refused_whole_with_its_reason(experiment, text):
    path = experiment.folder / FILE
    good, before = path.read_text(), experiment.config
    path.write_text(text)
    experiment.refresh()
    assert experiment.config is before
    assert str(path) in experiment.outside.reason
    with pytest.raises(ProjectError, match="changed by somebody else"):
        experiment.save()
    assert path.read_text() == text, "nobody's work is overwritten unasked"
    path.write_text(good)
    experiment.refresh()
    assert experiment.outside is None
    experiment.save()


def test_with_edits_here_both_versions_stand_and_mine_can_be_kept(experiment, project):
    experiment.set("training.epochs", 3)
    elsewhere(experiment, lambda plain: plain["config"]["training"].update(epochs=9))
    assert experiment.config.training.epochs == 3
    assert experiment.outside.theirs.config.training.epochs == 9
    with pytest.raises(ProjectError, match="keep_mine"):
        experiment.save()
    experiment.keep_mine()
    assert (experiment.outside, experiment.dirty) == (None, False)
    again = Project(project.path)
    assert again.cards[0].config.training.epochs == 3
    again.close()


def test_with_edits_here_theirs_can_be_taken_and_undone(experiment):
    experiment.set("training.epochs", 3)
    elsewhere(experiment, lambda plain: plain["config"]["training"].update(epochs=9))
    experiment.take_theirs()
    assert (experiment.config.training.epochs, experiment.edited, experiment.outside) == (9, False, None)
    experiment.undo()
    assert experiment.config.training.epochs == 3


def test_a_save_notices_what_nobody_has_looked_at_yet(experiment):
    path = experiment.folder / FILE
    experiment.set("training.epochs", 3)
    path.write_text(path.read_text().replace('"epochs": 50', '"epochs": 9'))
    with pytest.raises(ProjectError, match="meanwhile"):
        experiment.save()
    assert '"epochs": 9' in path.read_text()


def test_there_is_nothing_to_take_over_where_nobody_changed_it(experiment):
    with pytest.raises(ProjectError, match="nobody else"):
        experiment.take_theirs()
