"""Transfer: which checkpoint an experiment's name stands for, and what is told where there is none."""

from __future__ import annotations

import hashlib

import pytest

from nbtrain import files
from nbtrain.errors import ConfigError, DataError
from nbtrain.models.transfer import origin


def experiment(project, id_, name, runs=1, content=b"weights"):
    folder = project / "experiments" / id_
    folder.mkdir(parents=True)
    files.write_json(folder / "experiment.json", {"format": 1, "id": id_, "name": name})
    for number in range(1, runs + 1):
        checkpoints = folder / "runs" / f"{number:04d}" / "checkpoints"
        checkpoints.mkdir(parents=True)
        (checkpoints / "step-00000007.pt").write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        files.write_json(checkpoints / "best.json", {"file": "step-00000007.pt", "sha256": digest, "step": 7})
    return folder


def test_the_best_of_the_newest_run_is_found_by_name_and_id(tmp_path):
    folder = experiment(tmp_path, "abc", "Base 'line' 🙂", runs=2)
    (folder / "runs/0003").mkdir()
    for wanted in ("abc", "Base 'line' 🙂"):
        found = origin(tmp_path, wanted)
        assert found.path == folder / "runs/0002/checkpoints/step-00000007.pt"
        assert (found.run, found.step) == ("0002", 7)


def test_the_best_goes_before_the_last(tmp_path):
    checkpoints = experiment(tmp_path, "abc", "A") / "runs/0001/checkpoints"
    (checkpoints / "step-00000009.pt").write_bytes(b"later")
    later = {"file": "step-00000009.pt", "sha256": hashlib.sha256(b"later").hexdigest(), "step": 9}
    files.write_json(checkpoints / "last.json", later)
    assert (origin(tmp_path, "A").step, origin(tmp_path, "A").path.name) == (7, "step-00000007.pt")


def test_the_last_stands_in_where_there_is_no_best(tmp_path):
    folder = experiment(tmp_path, "abc", "A") / "runs/0001/checkpoints"
    (folder / "best.json").rename(folder / "last.json")
    assert origin(tmp_path, "A").path.name == "step-00000007.pt"


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        ("C", r"model\.transfer_from: there is no experiment 'C'\. There is: 'A', 'B', 'B'"),
        ("B", r"2 experiments are called 'B'\. Give an id instead: b1, b2"),
        ("A", "the experiment 'A' has no checkpoint yet"),
        ("../b1", "there is no experiment"),
        ("x" * 500, "there is no experiment"),
    ],
)
def test_what_cannot_be_found_is_told_with_what_there_is(tmp_path, wanted, told):
    experiment(tmp_path, "a1", "A", runs=0)
    experiment(tmp_path, "b1", "B")
    experiment(tmp_path, "b2", "B")
    (tmp_path / "experiments/broken").mkdir()
    (tmp_path / "experiments/broken/experiment.json").write_bytes(b"{")
    with pytest.raises(ConfigError, match=told):
        origin(tmp_path, wanted)


def test_an_experiment_is_not_its_own_origin(tmp_path):
    folder = experiment(tmp_path, "a1", "A")
    with pytest.raises(ConfigError, match="There is: no other experiment"):
        origin(tmp_path, "A", but=folder)


@pytest.mark.parametrize("damage", [lambda path: path.write_bytes(b"weightx"), lambda path: path.unlink()])
def test_a_damaged_checkpoint_is_refused(tmp_path, damage):
    damage(experiment(tmp_path, "a1", "A") / "runs/0001/checkpoints/step-00000007.pt")
    with pytest.raises(DataError, match="the checkpoint of 'A'"):
        origin(tmp_path, "A")


@pytest.mark.parametrize("name", ["../../../../evil.pt", "/etc/passwd", None])
def test_a_marker_that_points_elsewhere_is_refused(tmp_path, name):
    folder = experiment(tmp_path, "a1", "A") / "runs/0001/checkpoints"
    files.write_json(folder / "best.json", {"file": name, "sha256": "", "step": 7})
    with pytest.raises(Exception, match=r"outside|leaves|cannot be read|a name"):
        origin(tmp_path, "A")
