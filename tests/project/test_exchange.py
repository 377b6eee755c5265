"""Configuration files: whole and in part, JSON and YAML, and all that is refused with its line."""

from __future__ import annotations

import pytest

from nbtrain.config import Config
from nbtrain.errors import ConfigError, FormatError, NbtrainError, ProjectError
from nbtrain.project import exchange
from reachable import configs


@pytest.mark.parametrize("ending", [".json", ".yaml", ".yml"])
def test_any_configuration_comes_back_unchanged(tmp_path, ending):
    for config in configs(20, seed=3):
        path = exchange.write(config, tmp_path / f"config{ending}")
        assert exchange.laid_over(Config().set("optimizer.kind", "sgd"), exchange.read(path), "it") == config


@pytest.mark.parametrize(
    "text",
    [
        "optimizer:\n  kind: sgd\n  lr: 3e-4\n",
        '{"optimizer": {"kind": "sgd", "lr": 3e-4}}',
        "optimizer.kind: sgd\noptimizer.lr: 3e-4",
        "config:\n  format: 1\n  optimizer: {kind: sgd, lr: '3e-4'}",
    ],
)
def test_a_part_leaves_the_rest_alone(text):
    made = exchange.laid_over(Config().set("training.epochs", 7), exchange.parse(text), "it")
    assert (made.optimizer.kind, made.optimizer.lr, made.training.epochs) == ("sgd", 3e-4, 7)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: !!python/object/apply:os.system [ls]", "line 1, column 4: the tag .*os.system is not read"),
        ("a: 1\nb: !secret x", "line 2, column 4: the tag !secret"),
        ("a: &x [1]\nb: *x", "anchors"),
        ("a: 1\na: 2", "line 2, column 1: the key 'a' is there twice"),
        ("1: 2", "is no text"),
        ("a: b: c", "line 1"),
        ("a: [1, 2", "YAML"),
        ('{"a":', "line 1, column 6"),
        ("", "no configuration"),
        ("- a", "no configuration"),
        ("just words", "no configuration"),
        ("config: 3", "no group"),
        ("format: 99\noptimizer: {lr: 1}", "format 99"),
        ("[" * 9000, "JSON"),
        ("- " * 9000, "deeply"),
        ("x" * (2 * 2**20), "1 MiB"),
        ("\x00", "YAML"),
    ],
)
def test_what_is_no_configuration_is_refused_with_its_place(text, told):
    with pytest.raises(FormatError, match=told):
        exchange.parse(text, where="my.yaml")


def test_words_stay_words_and_only_numbers_are_numbers():
    plain = exchange.parse("a: yes\nb: 2020-01-01\nc: 010\nd: 1:30\ne: 1e3\nf: .5\ng: on\nh: true\ni: null\nj: 0x10")
    assert plain == {
        "a": "yes", "b": "2020-01-01", "c": "010", "d": "1:30", "e": 1000.0, "f": 0.5, "g": "on", "h": True, "i": None,
        "j": "0x10",
    }  # fmt: skip


def test_every_failing_path_is_named_with_the_file():
    with pytest.raises(ConfigError) as caught:
        exchange.laid_over(Config(), exchange.parse("optimizer: {lr: fast}\nnowhere: {x: 1}"), "my.yaml")
    assert [problem.path for problem in caught.value.problems] == ["my.yaml: nowhere.x", "my.yaml: optimizer.lr"]


@pytest.mark.parametrize("name", ["missing.yaml", "config.txt", "folder.json", "latin.yaml"])
def test_files_that_cannot_be_read_are_told(tmp_path, name):
    (tmp_path / "folder.json").mkdir()
    (tmp_path / "latin.yaml").write_bytes("a: Größe".encode("latin-1"))
    with pytest.raises(NbtrainError, match=name):
        exchange.read(tmp_path / name)


def test_a_folder_that_is_not_there_is_told_and_nothing_written(tmp_path):
    with pytest.raises(ProjectError, match="nowhere"):
        exchange.write(Config(), tmp_path / "nowhere" / "config.yaml")
