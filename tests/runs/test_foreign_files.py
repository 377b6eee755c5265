"""A trainer is not started on links and pipes in place of its files, and nobody waits for it."""

from __future__ import annotations

import os

import pytest

from nbtrain.errors import NbtrainError
from nbtrain.runs import launch


@pytest.mark.parametrize("kind", ["pipe", "link"])
@pytest.mark.parametrize("name", ["lock", "log.txt", "events.jsonl"])
def test_a_trainer_does_not_start_on_what_is_no_file_of_its_run(name, kind, quick, make, tmp_path):
    run, outside = make(), tmp_path / "outside"
    outside.write_bytes(b"a torn line")
    if kind == "pipe":
        os.mkfifo(run.path / name)
    else:
        (run.path / name).symlink_to(outside)
    with pytest.raises(NbtrainError, match=r"it is no ordinary file|it is a link"):
        launch.start(run)
    assert outside.read_bytes() == b"a torn line"
    assert run.owner() == {} or name == "events.jsonl"


def test_a_trainer_does_not_start_behind_a_link_in_a_project(quick, make, tmp_path):
    run = make()
    project = tmp_path / "foreign"
    (project / "experiments").mkdir(parents=True)
    (project / "project.json").write_text('{"format": 1}')
    (project / "experiments" / "e").symlink_to(run.experiment)
    before = sorted(run.path.iterdir())
    linked = type(run)(project / "experiments" / "e" / "runs" / run.path.name)
    with pytest.raises(NbtrainError, match="lies behind the link"):
        launch.start(linked)
    assert sorted(run.path.iterdir()) == before
