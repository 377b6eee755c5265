"""Checkpoints: committed whole, verified when read, pruned late, refused to a trainer that lost its run."""

from __future__ import annotations

import contextlib
import errno
import json
import math
import os
from pathlib import Path
from typing import Any

import pytest
import torch

from nbtrain import files
from nbtrain.errors import TrainingError
from nbtrain.training import checkpoint
from nbtrain.training.checkpoint import STATE_KEYS, Checkpoints, Marker
from nbtrain.training.naming import Naming
from nbtrain.training.settings import Checkpoint


def state(step: int, **more: Any) -> dict[str, Any]:
    weights = {"w": torch.full((50,), float(step))}
    return {
        **dict.fromkeys(STATE_KEYS),
        "model_state_dict": weights,
        "step": step,
        "epoch": step // 10,
        "metrics": {},
        **more,
    }


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_marker_tells_how_to_verify_its_payload(tmp_path):
    Checkpoints(tmp_path, Checkpoint()).save(state(10, metrics={"loss": math.nan, "accuracy": 0.5}), best=True)
    told = json.loads((tmp_path / "step-00000010.json").read_bytes())
    assert set(told) == {"file", "bytes", "sha256", "step", "epoch", "metrics"}
    assert told["file"] == "step-00000010.pt"
    assert told["bytes"] == (tmp_path / told["file"]).stat().st_size
    assert told["metrics"] == {"loss": "nan", "accuracy": 0.5}
    for name in ("best.json", "last.json"):
        assert json.loads((tmp_path / name).read_bytes()) == told
    for name in ("best_model.pt", "last_checkpoint.pt"):
        assert torch.load(tmp_path / name, weights_only=True)["step"] == 10
    assert torch.serialization.get_crc32_options()  # left out of ours, not of what the process saves otherwise


def test_the_best_and_the_last_n_are_kept(tmp_path):
    kept = Checkpoints(tmp_path, Checkpoint(keep_last_n=2, best_name="top.pt"))
    for step in range(10, 60, 10):
        kept.save(state(step), best=step in (10, 20))
    steps = {path.stem for path in tmp_path.glob("step-*.json")}
    assert steps == {"step-00000020", "step-00000040", "step-00000050"}
    assert {path.stem for path in tmp_path.glob("step-*.pt")} == steps
    assert torch.load(tmp_path / "top.pt", weights_only=True)["step"] == 20
    assert kept.newest().marker.step == 50  # type: ignore[union-attr]


def damage(how: str, folder: Path, step: int) -> None:
    marker, payload = (folder / f"step-{step:08d}{ending}" for ending in (".json", ".pt"))
    data = payload.read_bytes()
    match how:
        case "flipped bit":
            files.write_atomic(payload, data[:700] + bytes([data[700] ^ 4]) + data[701:])
        case "truncated":
            files.write_atomic(payload, data[: len(data) // 2])
        case "empty":
            files.write_atomic(payload, b"")
        case "missing":
            payload.unlink()
        case "torn marker":
            marker.write_bytes(marker.read_bytes()[:30])
        case "foreign marker":
            marker.write_text(
                '{"file": "../../secret", "bytes": 1, "sha256": "", "step": 1, "epoch": 1, "metrics": {}}'
            )
        case "list for a marker":
            marker.write_text("[1, 2]")
        case "lacking":
            lacking = {key: value for key, value in state(step).items() if key != "optimizer_state_dict"}
            Checkpoints(folder, Checkpoint(keep_last_n=3)).save(lacking, best=False)


KINDS = "flipped bit", "truncated", "empty", "missing", "torn marker", "foreign marker", "list for a marker", "lacking"


@pytest.mark.parametrize("how", KINDS)
def test_reading_walks_back_to_the_newest_that_verifies(tmp_path, how):
    kept = Checkpoints(tmp_path, Checkpoint(keep_last_n=3))
    for step in (10, 20, 30):
        kept.save(state(step), best=False)
    damage(how, tmp_path, 30)
    loaded = kept.newest()
    assert loaded is not None
    assert loaded.state["step"] == 20
    assert len(loaded.skipped) == 1
    assert loaded.skipped[0].startswith("step-00000030: ")


def test_all_damaged_is_an_error_and_none_is_none(tmp_path):
    kept = Checkpoints(tmp_path, Checkpoint())
    assert kept.newest() is None
    kept.save(state(10), best=True)
    damage("truncated", tmp_path, 10)
    with pytest.raises(TrainingError, match="no checkpoint of this run can be read: step-00000010") as raised:
        kept.newest()
    assert raised.value.cause == "disk"


def test_after_falling_back_the_given_up_future_is_dropped(tmp_path):
    kept = Checkpoints(tmp_path, Checkpoint(keep_last_n=1))
    kept.save(state(90), best=True)
    kept.save(state(100), best=False)
    damage("truncated", tmp_path, 100)
    kept.save(state(95), best=False)
    assert {path.stem for path in tmp_path.glob("step-*.json")} == {"step-00000090", "step-00000095"}
    assert kept.newest().state["step"] == 95  # type: ignore[union-attr]


def test_saving_a_step_again_never_touches_the_committed_payload(tmp_path, monkeypatch):
    kept = Checkpoints(tmp_path, Checkpoint())
    kept.save(state(10, epoch=0), best=False)

    def dies(self, path):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Marker, "write", dies)
        with pytest.raises(KeyboardInterrupt):
            kept.save(state(10, epoch=1), best=False)
    assert kept.newest().state["epoch"] == 0  # type: ignore[union-attr]
    for epoch in (1, 2):
        kept.save(state(10, epoch=epoch), best=False)
        assert kept.newest().state["epoch"] == epoch  # type: ignore[union-attr]
        assert len(list(tmp_path.glob("step-*.pt"))) == 1


def test_every_file_operation_may_fail_and_one_checkpoint_stays(tmp_path, monkeypatch):
    """The k-th call to the system fails, for every k: what was committed can still be read."""
    operations = ("write", "fsync", "replace", "link", "open", "unlink")
    k = 0
    while True:
        folder = tmp_path / str(k)
        kept = Checkpoints(folder, Checkpoint())
        kept.save(state(10), best=True)
        count, failed = 0, False

        def failing(real):
            def call(*args, **kwargs):
                nonlocal count, failed
                count += 1
                if count == k + 1:  # noqa: B023 - called within this turn
                    failed = True
                    raise OSError(errno.ENOSPC, "No space left on device")
                return real(*args, **kwargs)

            return call

        with monkeypatch.context() as patched:
            for name in operations:
                patched.setattr(os, name, failing(getattr(os, name)))
            with contextlib.suppress(OSError):
                kept.save(state(20), best=True)
        loaded = kept.newest()
        assert loaded is not None
        assert loaded.state["step"] in (10, 20)
        kept.save(state(30), best=True)
        assert kept.newest().state["step"] == 30  # type: ignore[union-attr]
        assert names(folder) == {
            "step-00000030.pt", "step-00000030.json", "best.json", "last.json", "best_model.pt", "last_checkpoint.pt",
        }  # fmt: skip
        if not failed:
            break
        k += 1
    assert k > 10


def test_a_trainer_that_lost_its_run_commits_nothing(tmp_path):
    owned = iter([True, True, True, False])
    kept = Checkpoints(tmp_path, Checkpoint(), fence=lambda: next(owned))
    kept.save(state(10), best=False)
    before = names(tmp_path)
    with pytest.raises(TrainingError, match="another trainer has taken this run over"):
        kept.save(state(20), best=True)
    assert names(tmp_path) == before


@pytest.mark.parametrize("lacking", [["link"], ["link", "symlink"]], ids=["no hard links", "no links"])
def test_names_stand_for_checkpoints_where_there_are_no_links(tmp_path, monkeypatch, lacking):
    def refused(*_):
        raise PermissionError(errno.EPERM, "Operation not permitted")

    for name in lacking:
        monkeypatch.setattr(checkpoint.os, name, refused)
    kept = Checkpoints(tmp_path, Checkpoint())
    for step in (10, 20):
        kept.save(state(step), best=True)
    assert torch.load(tmp_path / "best_model.pt", weights_only=True)["step"] == 20
    assert not [name for name in names(tmp_path) if name.endswith(".tmp")]


def test_temporary_files_of_a_killed_trainer_are_swept(tmp_path):
    stale = tmp_path / ".nbtrain-999999999-abcdef.tmp"
    stale.write_bytes(b"half")
    os.utime(stale, (0, 0))
    Checkpoints(tmp_path, Checkpoint())
    assert not stale.exists()


def test_names_with_blanks_move_with_the_checkpoint(tmp_path):
    settings = Checkpoint(best_name="{name}-{epoch}-{metric:.2f}.pt", last_name="{name}-{epoch}.pt")
    kept = Checkpoints(tmp_path, settings, names=Naming("My run", "accuracy"))
    own = tmp_path / "my-run-77.pt"
    own.write_bytes(b"a person's own")
    for step, value in ((10, 0.5), (20, 0.75), (30, 0.7)):
        kept.save(state(step, metrics={"accuracy": value}), best=step < 30)
    assert {path.name for path in tmp_path.glob("my-*.pt")} == {"my-run-2-0.75.pt", "my-run-3.pt", own.name}
    assert torch.load(tmp_path / "my-run-2-0.75.pt", weights_only=True)["step"] == 20
    kept.keep_best_only()
    assert names(tmp_path) == {
        "best.json", "my-run-2-0.75.pt", "step-00000020.pt", "step-00000020.json", own.name,
    }  # fmt: skip


def test_one_pattern_for_both_names(tmp_path):
    kept = Checkpoints(tmp_path, Checkpoint(best_name="{epoch}.pt", last_name="{epoch}.pt"))
    for step in (10, 20, 30):
        kept.save(state(step), best=step == 10)
    assert {path.name for path in tmp_path.glob("?.pt")} == {"1.pt", "3.pt"}


def test_a_name_left_by_a_process_that_died_between_goes_later(tmp_path, monkeypatch):
    kept = Checkpoints(tmp_path, Checkpoint(last_name="{step}.pt"))
    kept.save(state(10), best=False)

    def dies(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(checkpoint.files, "same_content", dies)
        with pytest.raises(KeyboardInterrupt):
            kept.save(state(20), best=False)
    kept = Checkpoints(tmp_path, Checkpoint(last_name="{step}.pt"))
    kept.save(state(30), best=False)
    assert {path.name for path in tmp_path.glob("??.pt")} == {"30.pt"}


def test_links_that_somebody_wrote_into_a_pointer_reach_no_other_file(tmp_path):
    (tmp_path / "checkpoints").mkdir()
    outside = tmp_path / "outside.pt"
    outside.write_bytes(b"safe")
    kept = Checkpoints(tmp_path / "checkpoints", Checkpoint())
    kept.save(state(10), best=True)
    pointer = tmp_path / "checkpoints" / "last.json"
    told = json.loads(pointer.read_bytes())
    pointer.write_text(json.dumps({**told, "links": ["../outside.pt", "step-00000010.pt", "best.json", 7, ["x"]]}))
    kept.save(state(20), best=False)
    assert outside.exists()
    assert kept.pointed("best").step == 10
    assert kept.newest().state["step"] == 20


def test_a_file_of_the_person_that_a_pointer_names_is_not_removed(tmp_path):
    """A project of somebody else may name any .pt in last.json: only what stands for a checkpoint goes."""
    kept = Checkpoints(tmp_path, Checkpoint(last_name="{step}.pt", keep_last_n=1))
    kept.save(state(10), best=True)
    (tmp_path / "mine.pt").write_bytes(b"mine")
    told = json.loads((tmp_path / "last.json").read_bytes())
    (tmp_path / "last.json").write_text(json.dumps({**told, "links": ["mine.pt", *told["links"]]}))
    kept.save(state(20), best=True)
    kept.keep_best_only()
    assert (tmp_path / "mine.pt").read_bytes() == b"mine"
    assert {path.name for path in tmp_path.glob("?0.pt")} == set()


def test_a_file_of_the_person_under_the_name_of_the_best_gets_another(tmp_path):
    (tmp_path / "best_model.pt").write_bytes(b"mine")
    kept = Checkpoints(tmp_path, Checkpoint())
    kept.save(state(10), best=True)
    kept.save(state(20), best=True)
    assert torch.load(tmp_path / "best_model.pt", weights_only=True)["step"] == 20
    assert [path.read_bytes() for path in tmp_path.glob("best_model-*.pt")] == [b"mine"]


def test_only_payloads_are_dropped(tmp_path):
    kept = Checkpoints(tmp_path, Checkpoint(keep_last_n=1))
    (tmp_path / "step-by-step.pt").write_bytes(b"mine")
    for step in (10, 20, 30):
        kept.save(state(step), best=False)
    assert (tmp_path / "step-by-step.pt").read_bytes() == b"mine"
    assert len(list(tmp_path.glob("step-0*.pt"))) == 1


class Touches:
    """What a pickle may hold: a call that is made as it is read."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def test_a_checkpoint_that_holds_code_is_refused_and_runs_none(tmp_path):
    """With a marker that fits: a foreign project may have both."""
    kept = Checkpoints(tmp_path, Checkpoint())
    kept.save(state(10, told=Touches(tmp_path / "ran")), best=False)
    with pytest.raises(TrainingError, match="no checkpoint of this run can be read"):
        kept.newest()
    assert not (tmp_path / "ran").exists()
