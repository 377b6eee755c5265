"""The configuration: rules between sections, files, and several changes at once."""

import json
import subprocess
import sys

import pytest

from nbtrain.config import FORMAT, Config, Facts
from nbtrain.errors import ConfigError, FormatError
from nbtrain.schema import Family, fields

GOOD = Config().set("data.dataset", "digits")


def paths(config, facts=None):
    return [problem.path for problem in config.check(facts)]


def test_the_defaults_need_only_data():
    assert paths(Config()) == ["data.dataset"]
    assert paths(GOOD, Facts(n_train=1000, n_classes=10, multilabel=False)) == []


@pytest.mark.parametrize(
    ("changes", "facts", "path"),
    [
        ({"training.batch_size": 64}, Facts(n_train=50), "training.batch_size"),
        ({"data.val_ratio": 0.6, "data.test_ratio": 0.5}, None, "data.val_ratio"),
        ({"loss.kind": "bce"}, None, "loss.kind"),
        ({"task.kind": "multilabel"}, None, "loss.kind"),
        ({}, Facts(multilabel=True), "task.kind"),
        ({"training.monitor": "map"}, None, "training.monitor"),
        ({"scheduler.warmup_epochs": 60}, None, "scheduler.warmup_epochs"),
        ({"scheduler.min_lr": 0.5}, None, "scheduler.min_lr"),
        (
            {"task.image_size": 32, "augmentation.train": ["resize", {"kind": "center_crop", "size": 64}]},
            None,
            "augmentation.train.1.size",
        ),
        ({"hardware.device": "cpu", "hardware.precision": "16-mixed"}, None, "hardware.precision"),
        ({"scheduler.kind": "one_cycle", "scheduler.warmup_epochs": 2}, None, "scheduler.warmup_epochs"),
        ({"model.freeze": "backbone"}, None, "model.freeze"),
        ({"model.kind": "custom", "model.freeze": "stages"}, None, "model.freeze"),
        (
            {"model.pretrained": True, "model.freeze": "stages", "model.unfreeze_epoch": 50},
            None,
            "model.unfreeze_epoch",
        ),
        ({"model.weights_file": "a.pt", "model.transfer_from": "b"}, None, "model.transfer_from"),
        ({"loss.class_weights": "given"}, None, "loss.given_weights"),
        ({"loss.class_weights": "given", "loss.given_weights": [1, 2]}, Facts(n_classes=3), "loss.given_weights"),
        ({}, Facts(n_val=0), "training.early_stopping"),
        ({"training.early_stopping": False}, Facts(n_val=0), "data.val_ratio"),
        ({"optimizer.kind": "schedule_free_sgd", "training.ema": True}, None, "training.ema"),
    ],
)
def test_rules_between_sections_name_the_path_and_what_to_do(changes, facts, path):
    [problem] = GOOD.set_all(changes).check(facts)
    assert problem.path == path
    assert problem.advice


@pytest.mark.parametrize(
    "changes",
    [
        {"model.freeze": "backbone", "model.pretrained": True},
        {"model.freeze": "backbone", "model.transfer_from": "Baseline"},
        {"model.freeze": "backbone", "model.unfreeze_epoch": 49},
        {"loss.class_weights": "given", "loss.given_weights": [1, 0, 2]},
        {"scheduler.kind": "one_cycle"},
        {"normalisation.kind": "custom", "model.pretrained": True},
    ],
)
def test_what_may_well_be_meant_is_no_problem(changes):
    assert paths(GOOD.set_all(changes), Facts(1000, 3, False, 200)) == []


@pytest.mark.parametrize("device", ["cuda:0,cuda:1", "all", "gpu", "cuda:-1", "tpu", "cuda:0; rm -rf"])
def test_several_or_unknown_devices_are_refused(device):
    with pytest.raises(ConfigError, match=r"hardware\.device"):
        Config().set("hardware.device", device)


@pytest.mark.parametrize("name", ["../best.pt", "a/b.pt", "best", "", ".pt", "\u0661.pt", "x" * 200 + ".pt"])
def test_checkpoint_names_stay_in_their_folder(name):
    with pytest.raises(ConfigError, match=r"checkpoint\.best_name"):
        Config().set("checkpoint.best_name", name)


def test_the_best_and_the_last_checkpoint_have_names_of_their_own():
    with pytest.raises(ConfigError, match=r"checkpoint\.last_name.*names of their own"):
        Config().set("checkpoint.best_name", "last_checkpoint.pt")
    assert Config().set("checkpoint.best_name", "{name}-{epoch}-{metric:.3f}.pt")


def test_several_changes_set_kinds_first_and_tell_every_problem():
    config = Config().set_all({"optimizer.momentum": 0.8, "optimizer.kind": "sgd", "training.epochs": "7"})
    assert (config.optimizer.momentum, config.training.epochs) == (0.8, 7)
    with pytest.raises(ConfigError) as caught:
        Config().set_all({"optimizer.lr": -1, "training.epochs": 0, "training.batch_size": 8})
    assert {p.path for p in caught.value.problems} == {"optimizer.lr", "training.epochs"}


def test_a_file_round_trip_is_the_same_choice():
    config = GOOD.set_all({"optimizer.kind": "sgd", "scheduler.kind": "multistep", "loss.kind": "focal"})
    again = Config.decoded(json.loads(json.dumps(config.encoded())))
    assert again == config
    assert again.hash == config.hash


def test_every_field_counts_in_the_hash():
    """Another value of any field, in every kind of every family, is another choice."""
    kinds = [
        Config().set_all({f"{name}.kind": kind})
        for name, section in Config()
        if isinstance(section, Family)
        for kind in type(section).kinds()
    ]
    only = set()
    for config in [Config(), *kinds]:
        for field in fields(config):
            changed = another(config, field)
            if changed is None:
                only.add(field.path)
            else:
                assert changed.hash != config.hash, field.path
    assert only == {"model.pretrained"}  # of a custom network, which has no published weights


def another(config, field):
    """Return the configuration with another legal value of one field, None where it can have no other."""
    value = config.get(field.path)
    if field.path.endswith(".kind"):
        return config.set(field.path, next(choice.value for choice in field.choices if choice.value != value))
    if field.path == "model.variant":
        return config.set(field.path, {"resnet18": "resnet34"}.get(value, "resnet18"))
    for candidate in candidates(field, value):
        try:
            changed = config.set(field.path, candidate)
        except ConfigError:
            continue
        if changed.get(field.path) != value:
            return changed
    return None


def candidates(field, value):
    yield from (choice.value for choice in field.choices)
    if field.type == "parts":
        yield from ([], [{"kind": "resize"}], [{"kind": "tensorboard"}])
    elif field.type == "numbers":
        yield from ([0.25] * (field.length or 1), [3, 4])
    elif field.type == "bool":
        yield not value
    elif field.type == "text":
        yield from ("something", "cpu", "other.pt")
    else:
        yield from (field.minimum, field.maximum, 1, 2, 3, 0.25, 0.5)


RESTARTS = {"scheduler.period_epochs": 10, "scheduler.restarts": True}
SHOWN = {
    "model.freeze_stages": ({"model.freeze": "backbone"}, {"model.freeze": "stages"}),
    "model.unfreeze_epoch": ({}, {"model.freeze": "backbone"}),
    "model.pretrained": ({"model.kind": "custom"}, {}),
    "augmentation.mix_probability": ({}, {"augmentation.mixup": 0.1}),
    "scheduler.warmup_start": ({}, {"scheduler.warmup_epochs": 1}),
    "scheduler.restarts": ({}, {"scheduler.period_epochs": 10}),
    "scheduler.period_factor": ({"scheduler.period_epochs": 10}, RESTARTS),
    "loss.beta": ({"loss.class_weights": "auto"}, {"loss.class_weights": "effective"}),
    "loss.given_weights": ({"loss.class_weights": "auto"}, {"loss.class_weights": "given"}),
    "training.ema_decay": ({}, {"training.ema": True}),
    "training.patience": ({"training.early_stopping": False}, {}),
    "training.min_delta": ({"training.early_stopping": False}, {}),
    "optimizer.nesterov": (
        {"optimizer.kind": "sgd", "optimizer.momentum": 0},
        {"optimizer.kind": "sgd", "optimizer.momentum": 0.9},
    ),
    "data.worker_kind": ({"data.workers": 0}, {"data.workers": 2}),
}
"""Fields that only count in some configurations: values with which they do not, and with which they do."""


@pytest.mark.parametrize("path", SHOWN)
def test_a_field_is_shown_where_it_counts(path):
    hidden, shown = ({f.path: f.shown for f in fields(Config().set_all(changes))} for changes in SHOWN[path])
    assert (hidden[path], shown[path]) == (False, True)


def test_what_the_defaults_hide():
    hidden = {field.path for field in fields(Config()) if not field.shown}
    assert hidden == {path for path, (changes, _) in SHOWN.items() if not changes} | {
        "model.freeze_stages", "scheduler.period_factor", "loss.beta", "loss.given_weights"
    }  # fmt: skip


def test_a_newer_file_is_refused_with_what_to_do():
    newer = {**GOOD.encoded(), "format": FORMAT.number + 1}
    with pytest.raises(FormatError, match="Update nbtrain"):
        Config.decoded(newer, "experiment.json")


def test_steps_and_effective_batch_size():
    config = GOOD.set_all({"training.batch_size": 10, "training.batch_multiplier": 4})
    assert config.effective_batch_size == 40
    assert config.steps_per_epoch(109) == 3


def test_every_field_has_a_text_and_every_number_a_unit():
    for field in fields(Config()):
        assert field.help.endswith("."), field.path
        if field.type in ("float", "int", "numbers"):
            assert field.unit, field.path


def test_the_configuration_imports_no_torch():
    code = "import sys, nbtrain.config as c; c.Config(); sys.exit(any(m in sys.modules for m in ('torch', 'timm')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_sections_that_were_read_before_are_taken_again():
    """A long list shares most sections; what it reads equals what is read alone, and so do the complaints."""
    known, first, second = {}, Config(), Config().set("optimizer.lr", 0.5)
    read = [Config.decoded(config.encoded(), known=known) for config in (first, second, second)]
    assert read == [first, second, second]
    assert read[1].set("training.epochs", 3) == second.set("training.epochs", 3)
    assert (read[0].data is read[1].data, read[0].optimizer is read[1].optimizer) == (True, False)
    assert read[1].model_fields_set == Config.decoded(second.encoded()).model_fields_set
    broken = {**second.encoded(), "data": {"workers": -5}, "optimizer": {"kind": "adamw", "lr": "much"}, "more": 1}
    for plain in (broken, {name: value for name, value in broken.items() if name != "more"}):
        with pytest.raises(ConfigError) as alone:
            Config.decoded(plain)
        with pytest.raises(ConfigError) as listed:
            Config.decoded(plain, known=known)
        assert [p.path for p in listed.value.problems] == [p.path for p in alone.value.problems]
