"""What is called durable has reached the disk in the right order: the content, then the name, then the folder."""

from __future__ import annotations

import os
import stat
import time

import pytest

from nbtrain import files


def test_what_a_writer_that_lives_has_not_finished_is_not_swept(tmp_path):
    """Nor is that of one that has died a moment ago: on a shared disk it may be another machine's, of the same pid."""
    alive, dead = os.getpid(), 2**22 + 1  # above any pid that Linux gives
    ages_s = {
        f".nbtrain-{alive}-aaaaaa.tmp": 60,
        f".nbtrain-{dead}-bbbbbb.tmp": 0,
        f".nbtrain-{alive}-cccccc.tmp": 3700,
    }
    gone = f".nbtrain-{dead}-dddddd.tmp"
    for name, age_s in {**ages_s, gone: 60}.items():
        (tmp_path / name).write_bytes(b"")
        os.utime(tmp_path / name, (time.time() - age_s,) * 2)
    assert files.sweep(tmp_path) == 2  # an hour is too long for any writer
    assert set(os.listdir(tmp_path)) == set(list(ages_s)[:2])


@pytest.fixture
def calls(monkeypatch):
    """The system calls that matter, as they are made; the real ones are made too."""
    made, fsync, replace = [], os.fsync, os.replace

    def seen_fsync(descriptor):
        made.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "content")
        fsync(descriptor)

    def seen_replace(source, target, **more):
        made.append("name")
        replace(source, target, **more)

    monkeypatch.setattr(os, "fsync", seen_fsync)
    monkeypatch.setattr(os, "replace", seen_replace)
    return made


def test_a_durable_write_waits_for_content_and_folder(tmp_path, calls):
    files.write_json(tmp_path / "a.json", {"a": 1})
    assert calls == ["content", "name", "folder"]


def test_one_that_is_not_durable_waits_for_nothing(tmp_path, calls):
    files.write_atomic(tmp_path / "a", b"a", durable=False)
    assert calls == ["name"]


def test_a_durable_write_that_fails_has_not_taken_the_old_ones_place(tmp_path, calls):
    files.write_atomic(tmp_path / "a", b"old")
    calls.clear()
    with pytest.raises(ZeroDivisionError), files.replacing(tmp_path / "a") as file:
        file.write(b"half" * (1 // 0))
    assert calls == []
    assert os.listdir(tmp_path) == ["a"]
    assert (tmp_path / "a").read_bytes() == b"old"
