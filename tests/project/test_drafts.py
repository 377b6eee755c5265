"""Drafts: every experiment and every edit is on disk at once, legal or not, and there again in the next kernel."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

import pytest

from nbtrain.config import RULES, Config
from nbtrain.errors import ConfigError, StatusError
from nbtrain.project import drafts
from nbtrain.project.card import Card
from nbtrain.project.drafts import FILE, Draft, as_typed
from nbtrain.project.project import Project
from nbtrain.schema import Family, fields
from nbtrain.training.optimizers import SGD, AdamW
from test_round_trip import SEEDS, reached

TEXTS = [
    *("abc", "", " ", "nan", "1e400", "-1", "٣", "3e", "fast\n\x00", "x" * 1_000_000, "🙂 \u202e", "1,5"),
    *(True, None, 10**15, -7.25, [], ["0.9", "b"], [["kind"]]),
]
"""What a browser may send, and no field of numbers takes."""
FAMILIES = [name for name, section in Config() if isinstance(section, Family)]


@pytest.fixture
def project(pets):
    pets.watch.unfollow(pets._followed[0])  # the tests look themselves, when they mean to
    return pets


@pytest.fixture
def experiment(project):
    made = project.new("Baseline")
    made.save()
    return made


@pytest.fixture
def opened(project):
    """Return what opens the project again, as another kernel does."""
    others = []

    def again(name="Baseline"):
        others.append(Project(project.path))
        others[-1].watch.unfollow(others[-1]._followed[0])
        return others[-1].experiment(name)

    yield again
    for other in others:
        other.close()


def saved(experiment):
    return json.loads((experiment.folder / "experiment.json").read_text())["config"]


def draft(experiment):
    return json.loads((experiment.folder / FILE).read_text())


# -- on disk at once

KILLED = """
import os, signal, sys
from nbtrain.project.project import Project
project = Project(sys.argv[1])
first = project.experiment("Baseline")
first.set("training.epochs", 7)
first.enter("optimizer.lr", "fast")
first.annotate(tags=["night"])
copy = first.duplicate("Copy")
copy.set("optimizer.kind", "sgd")
project.new("Untouched")
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_kernel_that_is_killed_right_after_an_edit_has_lost_nothing(experiment, opened):
    code = [sys.executable, "-c", KILLED, str(experiment.project.path)]
    assert subprocess.run(code, check=False).returncode == -signal.SIGKILL
    found = opened()
    assert (found.config.training.epochs, found.tags, found.edited) == (7, ["night"], True)
    assert found.refused["optimizer.lr"]["text"] == "fast"
    assert "is not a number" in found.refused["optimizer.lr"]["message"]
    assert saved(found)["training"]["epochs"] == 50
    copy = opened("Copy")
    assert (copy.config.optimizer.kind, copy.config.training.epochs, copy.saved) == ("sgd", 7, False)
    copy.set("optimizer.kind", "adamw")
    assert opened("Untouched").dirty


def test_the_first_experiment_makes_the_project_and_looking_makes_nothing(tmp_path, newcomer):
    project = Project(tmp_path / "nbtrain-project")
    assert not project.path.exists()
    made = project.new(on_disk=False)
    project.data_changed()
    assert not project.path.exists()
    made.set("training.epochs", 3)
    again = Project(project.path)
    assert [(e.id, e.config.training.epochs, e.saved) for e in again.cards] == [(made.id, 3, False)]
    assert [e.name for e in Project(project.path).cards] == [made.name]
    for one in (project, again):
        one.close()


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: repr(text)[:12])
def test_an_illegal_text_is_there_again_as_it_was_typed_with_its_reason(experiment, opened, text):
    assert experiment.enter("optimizer.lr", text) is False
    assert experiment.refused["optimizer.lr"]["text"] == text
    found = opened()
    assert found.refused == experiment.refused
    assert (found.config, found.edited, found.problems) == (experiment.config, True, experiment.problems)
    assert found.problems[0]["path"] == "optimizer.lr"
    assert saved(found) == experiment.config.encoded()
    with pytest.raises(ConfigError, match=r"optimizer\.lr"):
        found.save()


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (float("nan"), "nan"),
        (float("inf"), "inf"),
        (10**400, "1" + "0" * 400),
        (10**6000, hex(10**6000)),
        ("half \ud83d", "half \\ud83d"),
        (["\udc80"], ["\\udc80"]),
        ({"kind": "x", 3: object}, {"kind": "x", "3": "<class 'object'>"}),
        ("x" * (drafts.MAX_CHARACTERS + 9), "x" * drafts.MAX_CHARACTERS),
        ([[[[[[[[[1]]]]]]]]], [[[[[[[["[1]"]]]]]]]]),
    ],
    ids=lambda value: repr(value)[:12] if not isinstance(value, int) else "number",
)
def test_what_json_cannot_hold_is_kept_as_a_text(experiment, opened, given, kept):
    experiment.enter("training.epochs", given)
    assert experiment.refused["training.epochs"]["text"] == kept == as_typed(given)
    assert opened().refused["training.epochs"]["text"] == kept
    assert json.dumps(experiment.refused).encode()


@pytest.mark.parametrize("seed", range(SEEDS))
def test_every_field_of_every_kind_is_there_again_legal_or_not(tmp_path, seed):
    """Values are drawn from the schema, so a new field or kind is tried unasked."""
    config, base = reached(seed), Card("abc123", "Baseline")
    texts = {found.path: TEXTS[(seed + place) % len(TEXTS)] for place, found in enumerate(fields(config))}
    made = Draft(base, base.replaced(config=config), False, {path: as_typed(text) for path, text in texts.items()})
    made.write(tmp_path)
    found = drafts.read(tmp_path)
    assert found == made
    assert found.mine.config.hash == config.hash
    for path, text in texts.items():
        assert drafts.refusal(config, path, found.refused[path]) == drafts.refusal(config, path, text)


@pytest.mark.parametrize("family", FAMILIES)
def test_kinds_that_are_not_chosen_keep_their_values_over_a_restart(experiment, opened, family):
    values = {}
    for kind in type(getattr(Config(), family)).root.kinds():
        experiment.set(f"{family}.kind", kind)
        numbers = (
            f for f in fields(experiment.config) if f.path.startswith(f"{family}.") and f.type in ("float", "int")
        )
        limited = next((f for f in numbers if None not in (f.minimum, f.maximum)), None)
        if limited is not None:
            ends = (limited.minimum, limited.maximum)
            experiment.set(limited.path, next(end for end in ends if end != experiment.config.get(limited.path)))
        values[kind] = getattr(experiment.config, family)
    found = opened()
    for kind, value in values.items():
        found.set(f"{family}.kind", kind)
        assert getattr(found.config, family) == value


def test_kinds_and_numbers_before_auto_outlast_a_save_too(experiment, opened):
    experiment.set("optimizer.lr", 0.02)
    experiment.set("optimizer.kind", "sgd")
    experiment.set("data.workers", 3)
    experiment.set("data.workers", "auto")
    experiment.save()
    found = opened()
    assert not found.dirty
    assert found.edits.manual == {"data.workers": 3}
    found.set("optimizer.kind", "adamw")
    assert found.config.optimizer == AdamW(lr=0.02)
    found.set("optimizer.kind", "sgd")
    assert found.config.optimizer == SGD()


def test_a_remembered_kind_that_is_none_any_more_gives_its_defaults(experiment, opened):
    experiment.set("optimizer.kind", "sgd")
    path = experiment.folder / FILE
    path.write_text(path.read_text().replace('"lr": 0.001', '"lr": "much"'))
    found = opened()
    found.set("optimizer.kind", "adamw")
    assert found.config.optimizer == AdamW()


# -- save, revert, undo


def test_save_makes_the_draft_the_configuration_and_takes_it_away(experiment):
    experiment.set("training.epochs", 3)
    assert draft(experiment)["mine"]["config"]["training"]["epochs"] == 3
    experiment.save()
    assert saved(experiment)["training"]["epochs"] == 3
    assert not (experiment.folder / FILE).exists()
    assert (experiment.dirty, experiment.edited) == (False, False)


def test_the_draft_takes_no_part_in_the_hash(experiment, opened):
    before = experiment.config.hash
    experiment.enter("optimizer.lr", "fast")
    experiment.set("optimizer.kind", "sgd")
    experiment.set("optimizer.kind", "adamw")
    assert experiment.config.hash == opened().config.hash == before


CONFLICTS = {
    "_shares_leave_images_to_train": ({"data.val_ratio": 0.6, "data.test_ratio": 0.5}, "data.val_ratio"),
    "_batch_fits_the_data": ({}, ""),  # four that hang on the data set: tests/test_config.py
    "_loss_fits_the_task": ({"loss.kind": "bce"}, "loss.kind"),
    "_task_fits_the_labels": ({}, ""),
    "_classes_can_be_told_apart": ({}, ""),
    "_batch_norm_sees_several_values": (
        {"model.kind": "custom", "task.image_size": 8, "training.batch_size": 1}, "training.batch_size",
    ),
    "_metric_fits_the_task": ({"training.monitor": "map"}, "training.monitor"),
    "_warmup_fits_the_run": ({"scheduler.warmup_epochs": 60}, "scheduler.warmup_epochs"),
    "_auto_epochs_come_to_an_end": ({"training.epochs": "auto", "training.early_stopping": False}, "training.epochs"),
    "_one_cycle_has_its_own_warmup": (
        {"scheduler.kind": "one_cycle", "scheduler.warmup_epochs": 2}, "scheduler.warmup_epochs",
    ),
    "_frozen_weights_come_from_somewhere": ({"model.freeze": "backbone"}, "model.freeze"),
    "_unfreezing_comes_before_the_end": (
        {"model.pretrained": True, "model.freeze": "stages", "model.unfreeze_epoch": 50}, "model.unfreeze_epoch",
    ),
    "_weights_come_from_one_place": (
        {"model.weights_file": "a.pt", "model.transfer_from": "b"}, "model.transfer_from",
    ),
    "_weights_are_one_per_class": ({"loss.class_weights": "given"}, "loss.given_weights"),
    "_validation_has_images": ({}, ""),
    "_weights_are_averaged_once": ({"optimizer.kind": "schedule_free_sgd", "training.ema": True}, "training.ema"),
    "_steps_fit_the_image_size": (
        {"task.image_size": 32, "augmentation.train": ["resize", {"kind": "center_crop", "size": 64}]},
        "augmentation.train.1.size",
    ),
    "_lowest_rate_is_below_the_highest": ({"scheduler.min_lr": 0.5}, "scheduler.min_lr"),
    "_precision_fits_the_device": (
        {"hardware.device": "cpu", "hardware.precision": "16-mixed"}, "hardware.precision",
    ),
}  # fmt: skip
"""For each rule across fields, what breaks it."""


def test_every_rule_across_fields_is_tried():
    assert CONFLICTS.keys() >= {rule.__name__ for rule in RULES}


@pytest.mark.parametrize(
    ("changes", "path"), [pair for pair in CONFLICTS.values() if pair[0]], ids=lambda v: str(v)[:9]
)
def test_what_cannot_stand_together_is_kept_as_a_draft_and_never_saved(experiment, opened, changes, path):
    before = saved(experiment)
    experiment.set_all(changes)
    with pytest.raises(ConfigError, match=path.replace(".", r"\.")) as refused:
        experiment.save()
    assert refused.value.problems[0].path == path
    with pytest.raises(ConfigError):
        experiment.train()
    assert saved(experiment) == before
    found = opened()
    assert (found.config, found.edited, found.status) == (experiment.config, True, "created")
    with pytest.raises(ConfigError):
        found.save()


def test_save_names_every_problem_within_fields_and_across_them(experiment):
    experiment.enter("optimizer.lr", "fast")
    experiment.enter("training.patience", "-1")
    experiment.set_all({"scheduler.warmup_epochs": 60, "loss.kind": "bce"})
    with pytest.raises(ConfigError) as refused:
        experiment.save()
    paths = [problem.path for problem in refused.value.problems]
    assert paths == ["optimizer.lr", "training.patience", "loss.kind", "scheduler.warmup_epochs"]
    assert [problem["path"] for problem in experiment.problems] == paths
    with pytest.raises(ConfigError, match=r"optimizer\.lr: 'fast'"):
        experiment.train()


def test_what_does_not_fit_the_data_set_can_be_saved_but_not_trained(experiment):
    experiment.set("training.batch_size", 60)  # of 48 images
    experiment.save()
    assert not experiment.dirty
    with pytest.raises(ConfigError, match="48 training images"):
        experiment.train()


def test_an_experiment_without_images_can_be_saved_but_not_trained(tmp_path, newcomer):
    project = Project(tmp_path / "project")
    made = project.new("Early")
    made.save()
    with pytest.raises(ConfigError, match="no data set"):
        made.train()
    project.close()


def test_set_and_save_changes_nothing_where_it_is_refused(experiment):
    before = saved(experiment)
    with pytest.raises(ConfigError, match="warm-up"):
        experiment.set_and_save({"scheduler.warmup_epochs": 60})
    assert (experiment.config.scheduler.warmup_epochs, experiment.dirty) == (0, False)
    experiment.enter("optimizer.lr", "fast")
    with pytest.raises(ConfigError, match="fast"):
        experiment.set_and_save({"training.epochs": 3})
    assert saved(experiment) == before
    experiment.set_and_save({"optimizer.lr": 0.01})
    assert (saved(experiment)["optimizer"]["lr"], experiment.refused) == (0.01, {})


def test_a_refused_text_is_an_edit_to_take_back_and_to_bring_back(experiment, opened):
    experiment.set("training.epochs", 7)
    for text in ("3", "3e", "3e-", "fast"):
        experiment.enter("optimizer.lr", text, join="typing")
    assert experiment.undo()
    assert (experiment.refused, experiment.config.optimizer.lr) == ({}, 1e-3)
    assert opened().refused == {}
    experiment.redo()
    assert opened().refused["optimizer.lr"]["text"] == "fast"
    experiment.undo()
    experiment.undo()
    assert (experiment.config.training.epochs, experiment.dirty, experiment.can_undo) == (50, False, False)


def test_revert_goes_back_to_what_was_saved_and_can_be_taken_back(experiment, opened):
    experiment.set("training.epochs", 7)
    experiment.enter("optimizer.lr", "fast")
    experiment.revert()
    assert (experiment.dirty, experiment.refused, opened().dirty) == (False, {}, False)
    experiment.undo()
    found = opened()
    assert (found.config.training.epochs, found.refused["optimizer.lr"]["text"]) == (7, "fast")
    found.revert()  # in the next kernel too
    assert (found.config.training.epochs, found.dirty) == (50, False)


@pytest.mark.parametrize(
    "settle",
    [
        lambda e: e.set("optimizer.lr", 1e-3),
        lambda e: e.enter("optimizer.lr", "0.001"),
        lambda e: e.set("optimizer.kind", "sgd"),
        lambda e: setattr(e, "optimizer", SGD()),
        lambda e: setattr(e, "config", e.config.set("optimizer.lr", 0.5)),
        lambda e: e.set_all({"optimizer.lr": 1e-3}),
    ],
)
def test_a_legal_value_takes_the_place_of_a_refused_text(experiment, opened, settle):
    experiment.enter("optimizer.lr", "fast")
    settle(experiment)
    assert experiment.refused == opened().refused == {}


def test_other_edits_leave_a_refused_text_where_it_is(experiment):
    experiment.enter("optimizer.lr", "fast")
    experiment.config = experiment.config.set("training.epochs", 3)
    experiment.preset("quick")
    experiment.set("optimizer.weight_decay", 0.5)
    assert experiment.refused["optimizer.lr"]["text"] == "fast"


def test_a_path_that_is_no_field_is_refused_and_not_kept(experiment):
    for path in ("nowhere.at_all", "optimizer.momentum", "augmentation.train.99.p", "training"):
        with pytest.raises(ConfigError):
            experiment.enter(path, "x")
    assert (experiment.refused, experiment.dirty) == ({}, False)


def test_a_text_that_has_become_legal_is_taken_over(experiment, opened):
    experiment.enter("optimizer.lr", "fast")
    path = experiment.folder / FILE
    path.write_text(path.read_text().replace('"fast"', '"0.25"'))
    found = opened()
    assert (found.refused, found.config.optimizer.lr) == ({}, 0.25)


def test_texts_at_what_is_no_field_are_left_out(experiment, opened):
    experiment.enter("optimizer.lr", "fast")
    path = experiment.folder / FILE
    path.write_text(
        path.read_text().replace('"optimizer.lr": "fast"', '"\\u001b[31m": "x", "optimizer": 3, "training.epochs": []')
    )
    assert opened().refused.keys() == {"training.epochs"}


# -- names, copies, ends


def test_a_generated_name_follows_the_configuration_in_the_next_kernel_too(project, opened):
    made = project.new()
    made.set("optimizer.kind", "sgd")
    found = opened(made.name)
    assert "-sgd-" in found.name
    found.set("optimizer.kind", "lion")
    assert "-lion-" in found.name
    found.rename("Mine")
    again = opened("Mine")
    again.set("optimizer.kind", "sgd")
    assert again.name == "Mine"


def test_a_copy_of_a_dirty_experiment_has_all_that_stands_in_its_form(experiment, opened):
    experiment.set("optimizer.lr", 0.02)
    experiment.set("optimizer.kind", "sgd")
    experiment.enter("training.epochs", "many")
    experiment.duplicate("Copy")
    copy = opened("Copy")
    assert (copy.config, copy.refused, copy.saved) == (experiment.config, experiment.refused, False)
    copy.set("optimizer.kind", "adamw")
    assert copy.config.optimizer.lr == 0.02


def test_a_deleted_draft_lies_in_the_trash_and_stays_deleted(project):
    made = project.new("Doomed")
    made.set("training.epochs", 3)
    folder = made.folder
    made.delete()
    made.set("training.epochs", 4)
    assert (folder.exists(), made.unkept) == (False, "")
    [kept] = (project.path / "trash").iterdir()
    assert json.loads((kept / FILE).read_text())["mine"]["config"]["training"]["epochs"] == 3


def test_surrogates_in_notes_are_written_out(experiment, opened):
    experiment.annotate(name="a\ud800", description="b\udc00", tags=["c\udfff"])
    experiment.description = "d\ud800"
    found = opened("a\\ud800")
    assert (found.description, found.tags) == ("d\\ud800", ["c"])


# -- two notebooks, and files of others


def test_a_second_notebook_follows_every_edit_and_saves_for_both(experiment, opened):
    other = opened()
    experiment.set("training.epochs", 7)
    experiment.enter("optimizer.lr", "fast")
    other.refresh()
    assert (other.config, other.refused, other.edited) == (experiment.config, experiment.refused, True)
    other.enter("optimizer.lr", "0.01")
    experiment.refresh()
    assert (experiment.config.optimizer.lr, experiment.refused) == (0.01, {})
    other.save()
    experiment.refresh()
    assert (experiment.dirty, experiment.outside, saved(experiment)["training"]["epochs"]) == (False, None, 7)
    other.set("training.epochs", 8)
    other.revert()
    experiment.refresh()
    assert (experiment.config.training.epochs, experiment.dirty) == (7, False)


def test_a_never_saved_experiment_is_saved_in_one_notebook_and_edited_in_the_other(project, opened):
    made = project.new("Fresh")
    other = opened("Fresh")
    other.set("training.epochs", 3)
    other.save()
    made.refresh()
    assert (made.saved, made.dirty, made.config.training.epochs) == (True, False, 3)
    made.set("training.epochs", 4)
    other.refresh()
    assert (other.config.training.epochs, other.dirty) == (4, True)


def test_following_writes_nothing(experiment, opened):
    other = opened()
    experiment.set("optimizer.kind", "sgd")
    before = drafts.stamp_of(experiment.folder)
    for _ in range(3):
        other.refresh()
        experiment.refresh()
    assert drafts.stamp_of(experiment.folder) == before


def test_edits_of_two_notebooks_at_the_same_moment_are_both_kept(experiment, opened):
    other = opened()
    experiment.set("training.epochs", 7)
    experiment.enter("training.patience", "long")
    other.set("optimizer.lr", 0.5)  # before it has looked
    other.annotate(tags=["night"])
    experiment.refresh()
    for one in (experiment, other, opened()):
        assert (one.config.training.epochs, one.config.optimizer.lr, one.tags) == (7, 0.5, ["night"])
        assert one.refused["training.patience"]["text"] == "long"
    assert other.unkept == ""


def test_an_edit_at_the_moment_of_a_save_elsewhere_is_an_edit_of_what_was_saved(experiment, opened):
    experiment.set("training.epochs", 7)
    experiment.enter("optimizer.lr", "fast")
    other = opened()
    other.enter("optimizer.lr", "0.5")
    other.save()
    experiment.set("training.patience", 3)  # before it has looked
    for one in (experiment, opened()):
        assert (one.config.training.epochs, one.config.optimizer.lr, one.config.training.patience) == (7, 0.5, 3)
        assert (one.refused, one.outside, one.unsaved) == ({}, None, ["training.patience"])


def test_a_text_settled_here_stays_settled_beside_another_notebooks_edit(experiment, opened):
    experiment.enter("optimizer.lr", "fast")
    other = opened()
    other.set("training.epochs", 7)
    experiment.enter("optimizer.lr", "0.5")  # before it has looked
    for one in (experiment, opened()):
        assert (one.config.training.epochs, one.config.optimizer.lr, one.refused) == (7, 0.5, {})


def test_where_two_notebooks_set_one_value_the_last_holds_and_is_told_of_the_other(experiment, opened):
    other = opened()
    experiment.set("training.epochs", 7)
    other.set("training.epochs", 9)
    assert "training.epochs = 7 meanwhile. Yours holds now" in other.unkept
    experiment.refresh()
    assert experiment.config.training.epochs == other.config.training.epochs == opened().config.training.epochs == 9
    other.undo()
    assert (other.config.training.epochs, other.unkept) == (7, "")


def test_a_saved_file_changed_while_no_kernel_was_there_is_offered_beside_the_draft(experiment, opened):
    experiment.set("training.epochs", 3)
    path = experiment.folder / "experiment.json"
    good = path.read_text()
    path.write_text(good.replace('"epochs": 50', '"epochs": 9').replace('"tags": []', '"tags": ["theirs"]'))
    found = opened()
    assert (found.config.training.epochs, found.outside.theirs.config.training.epochs) == (3, 9)
    found.keep_mine()
    assert (saved(found)["training"]["epochs"], found.outside) == (3, None)
    found.set("training.epochs", 4)
    good = path.read_text()
    path.write_text("{")
    broken = opened()
    assert (broken.config.training.epochs, str(path) in broken.outside.reason) == (4, True)
    path.write_text(good.replace('"description": ""', '"description": "theirs"'))
    joined = opened()
    assert (joined.config.training.epochs, joined.description, joined.outside) == (4, "theirs", None)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"format": 99}', '{"format": 1, "refused": 3}', '{"format": 1, "base": 1, "mine": []}']
)
def test_a_draft_that_cannot_be_used_is_told_and_moved_to_the_trash_before_the_next(experiment, opened, text):
    path = experiment.folder / FILE
    path.write_text(text)
    found = opened()
    assert (found.dirty, found.config) == (False, experiment.config)
    assert str(path) in found.project.notices[0]
    found.refresh()
    found.look()
    assert path.read_text() == text
    found.set("training.epochs", 3)
    assert [kept.read_text() for kept in (found.project.path / "trash").iterdir()] == [text]
    assert opened().config.training.epochs == 3


def test_a_draft_edited_by_hand_or_by_somebody_else_breaks_nothing(experiment, opened):
    experiment.set("optimizer.kind", "sgd")
    experiment.enter("training.epochs", "many")
    path = experiment.folder / FILE
    good = json.loads(path.read_text())
    odd = (
        None,
        3,
        "x",
        [],
        {},
        {"x": 1},
        {"optimizer": {"adamw": {"kind": "sgd"}}, "nowhere": {}, "training": {"x": {}}},
    )
    for key in good:
        for value in odd:
            path.write_text(json.dumps({**good, key: value}))
            found = opened()
            found.set("optimizer.kind", "adamw")
            found.set("training.epochs", 3)
            assert (found.config.optimizer.kind, opened().config.training.epochs) == ("adamw", 3), (key, value)


def test_a_draft_of_what_was_never_saved_that_cannot_be_used_is_told(project):
    made = project.new("Fresh")
    (made.folder / FILE).write_text("{")
    again = Project(project.path)
    assert (again.cards, str(made.folder / FILE) in again.notices[0]) == ([], True)
    again.close()


def test_what_cannot_be_written_is_told_and_written_as_soon_as_it_can_be(experiment, opened):
    in_the_way = experiment.folder / FILE
    in_the_way.mkdir()
    (in_the_way / "theirs").write_text("x")
    experiment._stamp = drafts.stamp_of(experiment.folder)
    experiment.set("training.epochs", 3)
    assert "only in memory" in experiment.unkept
    assert str(experiment.folder) in experiment.unkept
    assert experiment.config.training.epochs == 3
    (in_the_way / "theirs").unlink()
    in_the_way.rmdir()
    experiment.project._keep_drafts()
    assert (experiment.unkept, opened().config.training.epochs) == ("", 3)


def test_a_run_leaves_the_draft_behind_and_what_comes_too_late_is_not_taken_for_its_configuration(experiment, opened):
    experiment.set("training.epochs", 3)
    text = (experiment.folder / FILE).read_text()
    experiment.save()
    (experiment.folder / "runs" / "0001").mkdir(parents=True)
    (experiment.folder / FILE).write_text(text.replace('"epochs": 3', '"epochs": 4'))
    found = opened()
    assert found.config.training.epochs == 3
    with pytest.raises(StatusError):
        found.set("training.epochs", 5)
    assert (experiment.folder / FILE).exists()
