"""Folders that appear whole or not at all, and what is swept of them."""

from __future__ import annotations

from contextlib import suppress

import pytest

from nbtrain import files, folders


def test_it_appears_whole(tmp_path):
    with folders.unborn(tmp_path / "x") as made:
        assert files.is_temporary(made.name)
        assert folders.stale(tmp_path) == []  # it is being filled
        (made / "file").write_text("1")
        folders.take_place(made, tmp_path / "x")
    assert [p.name for p in tmp_path.rglob("*")] == ["x", "file"]


def test_it_goes_when_it_is_not_finished(tmp_path):
    with suppress(KeyError), folders.unborn(tmp_path / "x") as made:
        (made / "file").write_text("1")
        raise KeyError
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_something_in_it_is_not_taken(tmp_path):
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "mine").write_text("mine")
    with pytest.raises(OSError), folders.unborn(tmp_path / "x") as made:  # noqa: PT011 - whatever the system calls it
        folders.take_place(made, tmp_path / "x")
    assert [p.name for p in tmp_path.rglob("*")] == ["x", "mine"]


def test_what_is_replaced_comes_back_where_that_fails(tmp_path, monkeypatch):
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "old").write_text("old")

    def refuse(*_):
        raise OSError("no")

    with folders.unborn(tmp_path / "x") as made:
        monkeypatch.setattr(folders, "take_place", refuse)
        with pytest.raises(OSError, match="no"):
            folders.replace(made, tmp_path / "x")
    assert [p.name for p in tmp_path.rglob("*")] == ["x", "old"]


def test_it_replaces(tmp_path):
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "old").write_text("old")
    with folders.unborn(tmp_path / "x") as made:
        (made / "new").write_text("new")
        folders.replace(made, tmp_path / "x")
    assert [p.name for p in tmp_path.rglob("*")] == ["x", "new"]


def test_only_temporary_names_are_swept(tmp_path):
    """A process that is killed after a folder has got its name leaves the marker in it."""
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / folders.MARKER).touch()
    assert folders.sweep(tmp_path) == 0
    assert (tmp_path / "x").exists()
