"""Writing whole or not at all, names that every file system takes, staying inside a folder."""

from __future__ import annotations

import os
import stat
import subprocess
import sys

import pytest

from nbtrain import files
from nbtrain.errors import FormatError, NbtrainError, ProjectError

HOSTILE = [
    "",
    " ",
    "...",
    "../../etc/passwd",
    "/absolute",
    "a/b\\c",
    "C:\\Windows",
    "con",
    "NUL.txt",
    "Lpt1",
    "🐈‍⬛🔥",
    "שלום עולם",
    "\u202egnp.exe",
    "x" * 500,
    "<b>bold</b>",
    "a\0b",
    "line\nbreak",
    "-rf",
    "$(reboot)",
    "Überprüfung №5",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_slug_is_safe_whatever_the_name(name, tmp_path):
    made = files.slug(name)
    assert made.isascii()
    assert made == made.lower()
    assert 0 < len(made) <= 50
    assert set(made) <= set("abcdefghijklmnopqrstuvwxyz0123456789-_")
    assert made not in {"con", "nul", "lpt1"}
    assert not made.startswith("-")
    (tmp_path / made).mkdir()
    assert files.inside(tmp_path, made).parent == tmp_path.resolve()


def test_slug_keeps_what_can_be_read():
    assert files.slug("Cats & Dogs, 2nd try") == "cats-dogs-2nd-try"
    assert files.slug("Überprüfung") == "uberprufung"


def test_ids_differ():
    ids = {files.new_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert all(len(one) == 6 and one.isalnum() and one == one.lower() for one in ids)


@pytest.mark.parametrize("relative", ["..", "../x", "a/../../x", "/etc/passwd", "link/x", "loop", "a\0b"])
def test_inside_refuses_what_leaves(relative, tmp_path):
    root = tmp_path / "root"
    root.mkdir()
    (root / "link").symlink_to(tmp_path)
    (root / "loop").symlink_to(root / "loop")
    with pytest.raises(ProjectError) as refused:
        files.inside(root, relative)
    assert repr(relative)[1:-1] in str(refused.value)


def test_inside_takes_what_stays(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "a")
    assert files.inside(tmp_path, "link/../a/b.png") == tmp_path.resolve() / "a" / "b.png"


def test_write_atomic_replaces_and_leaves_nothing_behind(tmp_path):
    path = tmp_path / "a.json"
    files.write_json(path, {"a": 1})
    files.write_json(path, {"a": 2}, durable=False)
    assert files.read_json(path) == {"a": 2}
    assert os.listdir(tmp_path) == ["a.json"]
    assert stat.S_IMODE(path.stat().st_mode) & 0o600 == 0o600


@pytest.mark.parametrize("call", ["open", "fsync", "replace"])
def test_a_failing_write_leaves_the_old_content(call, tmp_path, monkeypatch):
    path = tmp_path / "a"
    files.write_atomic(path, b"old")

    def fail(*_, **__):
        raise OSError(28, "No space left on device")

    if call == "open":
        monkeypatch.setattr("builtins.open", fail)
    else:
        monkeypatch.setattr(os, call, fail)
    with pytest.raises(OSError, match="No space left"):
        files.write_atomic(path, b"new")
    monkeypatch.undo()
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a"]


@pytest.mark.parametrize(
    ("text", "where"),
    [('{"a": 1,\n "b": }', "line 2"), ("", "it is empty"), ("nan", "line 1"), ('{"a": 1} x', "line 1")],
)
def test_a_broken_json_is_named_with_its_line(text, where, tmp_path):
    path = tmp_path / "experiment.json"
    path.write_text(text)
    with pytest.raises(FormatError) as broken:
        files.read_json(path)
    assert where in str(broken.value)
    assert str(path) in str(broken.value)


def test_a_json_file_that_is_too_large_or_no_file_is_refused_unread(tmp_path):
    path = tmp_path / "experiment.json"
    path.write_text('{"a": 1}')
    assert files.read_json(path, limit_bytes=8) == {"a": 1}
    with pytest.raises(FormatError, match="was not read"):
        files.read_json(path, limit_bytes=7)
    os.mkfifo(tmp_path / "pipe.json")  # nobody writes into it: reading would wait for ever
    with pytest.raises(FormatError, match="no ordinary file"):
        files.read_json(tmp_path / "pipe.json")


def test_sweep_takes_only_what_dead_writers_left(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True, check=True
    )
    dead, mine, other = f".nbtrain-{done.stdout.strip()}-aaaaaa.tmp", f".nbtrain-{os.getpid()}-bbbbbb.tmp", "keep.tmp"
    for name in (dead, mine, other):
        (tmp_path / name).write_bytes(b"")
        os.utime(tmp_path / name, (1e9, 1e9) if name == dead else None)
    assert files.sweep(tmp_path) == 1
    assert sorted(os.listdir(tmp_path)) == sorted([mine, other])


def test_trash_keeps_two_of_one_name(tmp_path):
    moved = []
    for text in ("one", "two"):
        (tmp_path / "run").write_text(text)
        moved.append(files.move_to_trash(tmp_path / "run", tmp_path / "trash"))
    assert [path.read_text() for path in moved] == ["one", "two"]


def test_private_folder_refuses_what_others_can_enter(tmp_path):
    made = files.private_folder(tmp_path / "mine")
    assert stat.S_IMODE(made.stat().st_mode) == 0o700
    os.chmod(made, 0o755)
    (tmp_path / "link").symlink_to(tmp_path / "mine")
    for path in (made, tmp_path / "link"):
        with pytest.raises(NbtrainError, match="not private"):
            files.private_folder(path)
