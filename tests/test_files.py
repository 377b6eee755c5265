"""Writing whole or not at all, names that every file system takes, staying inside a folder."""

from __future__ import annotations

import os
import stat
import subprocess
import sys

import pytest

from nbtrain import files
from nbtrain.errors import ForeignFileError, FormatError, NbtrainError, ProjectError
from nbtrain.runs.failures import failure_of

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


@pytest.fixture
def links(tmp_path):
    """A project with a link to a file, one to a folder, and what these lead to."""
    outside = tmp_path / "outside"
    (outside / "folder").mkdir(parents=True)
    (outside / "folder" / "file").write_text("theirs")
    (outside / "file").write_text("theirs")
    project = tmp_path / "project"
    project.mkdir()
    (project / "project.json").write_text('{"format": 1}')
    (project / "file").symlink_to(outside / "file")
    (project / "folder").symlink_to(outside / "folder")
    (project / "own").write_text("ours")
    yield project
    assert {p.name: p.read_text() for p in outside.rglob("file")} == {"file": "theirs"}
    assert sorted(p.name for p in outside.rglob("*")) == ["file", "file", "folder"]


WRITING = {
    "write": lambda path: files.write_atomic(path, b"x"),
    "open": lambda path: os.close(files.open_ours(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)),
    "remove": files.remove,
    "remove a folder": lambda path: files.remove_tree(path.parent, path.name),
    "make a folder": lambda path: files.make_folder(path),
    "make a new folder": lambda path: files.make_new_folder(path),
    "rename to": lambda path: files.rename(path.parents[1] / "own", path),
    "rename from": lambda path: files.rename(path, path.parents[1] / "new"),
    "link": lambda path: files.same_content(path.parents[1] / "own", path),
    "remove a link": files.remove_link,
    "trash": lambda path: files.move_to_trash(path, path.parents[1] / "trash"),
    "into the trash": lambda path: files.move_to_trash(path.parents[1] / "own", path),
}


@pytest.mark.parametrize("do", WRITING.values(), ids=WRITING)
def test_nothing_happens_behind_a_link_in_a_project(do, links):
    with pytest.raises(ForeignFileError, match="no link inside a project is followed"):
        do(links / "folder" / "file")


@pytest.mark.parametrize("do", ["write", "open", "remove", "make a folder", "make a new folder", "rename to"])
def test_a_link_in_place_of_a_file_stays(do, links):
    (links / "deep").mkdir()
    (links / "deep" / "file").symlink_to(links.parent / "outside" / "file")
    (links / "deep" / "nowhere").symlink_to(links.parent / "outside" / "nowhere")
    for name in ("file", "nowhere"):
        with pytest.raises(OSError, match="it is a link"):
            WRITING[do](links / "deep" / name)
        assert (links / "deep" / name).is_symlink()


def test_how_a_project_is_reached_is_its_owners_matter(links, tmp_path):
    (tmp_path / "here").symlink_to(links)
    files.write_atomic(tmp_path / "here" / "deep", b"x")
    assert (links / "deep").read_bytes() == b"x"
    with pytest.raises(ForeignFileError):
        files.write_atomic(tmp_path / "here" / "folder" / "file", b"x")
    (tmp_path / "project.json").write_text('{"format": 1}')  # now the link lies in a project itself
    with pytest.raises(ForeignFileError):
        files.write_atomic(tmp_path / "here" / "deep", b"x")
    (tmp_path / "project.json").write_text('{"name": "of another program"}')
    files.write_atomic(tmp_path / "here" / "deep", b"x")


def test_in_no_project_a_persons_links_are_followed(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    files.write_atomic(tmp_path / "link" / "file", b"x")
    assert files.content(tmp_path / "real" / "file") == b"x"


@pytest.mark.parametrize("kind", ["pipe", "folder", "second name", "link"])
def test_what_is_no_ordinary_file_of_ours_is_not_opened(kind, tmp_path):
    path = tmp_path / "journal"
    (tmp_path / "theirs").write_text("theirs")
    make = {"pipe": os.mkfifo, "folder": os.mkdir, "second name": lambda p: os.link(tmp_path / "theirs", p)}
    make.get(kind, lambda p: p.symlink_to(tmp_path / "theirs"))(path)
    for flags in (os.O_WRONLY | os.O_APPEND, os.O_RDWR | os.O_CREAT, os.O_RDWR | os.O_TRUNC):
        with pytest.raises(ForeignFileError):
            files.open_ours(path, flags)
    if kind != "second name":
        with pytest.raises(ForeignFileError):
            files.remove(path)
    assert (tmp_path / "theirs").read_text() == "theirs"
    assert path.lstat()


def test_a_folder_without_the_sign_is_not_removed(tmp_path):
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "mine").write_text("mine")
    for sign in ("request.json", "folder"):
        (tmp_path / "x" / "folder").mkdir(exist_ok=True)
        with pytest.raises(ForeignFileError, match="not made by nbtrain"):
            files.remove_tree(tmp_path / "x", sign)
    files.remove_empty(tmp_path / "x")
    assert (tmp_path / "x" / "mine").read_text() == "mine"
    (tmp_path / "x" / "request.json").touch()
    files.remove_tree(tmp_path / "x", "request.json")
    assert not (tmp_path / "x").exists()


def test_only_a_socket_is_removed_as_one(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(ForeignFileError):
        files.remove_socket(tmp_path / "file")
    assert (tmp_path / "file").exists()


def test_a_refusal_is_a_disks_and_a_sentence(tmp_path):
    error = ForeignFileError(str(tmp_path), "it is a link")
    assert (error.strerror, error.filename) == ("it is a link", str(tmp_path))
    assert str(error).startswith("nothing was written or removed: it is a link (got ")
    assert failure_of(error).cause == "disk"


def test_folders_of_temporary_names_are_no_stale_files(tmp_path):
    (tmp_path / ".nbtrain-999999999-aaaaaa.tmp").mkdir()
    os.utime(tmp_path / ".nbtrain-999999999-aaaaaa.tmp", (1, 1))
    assert files.sweep(tmp_path) == 0
