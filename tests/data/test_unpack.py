"""Unpacking archives: honest ones as they are, hostile ones without harm."""

from __future__ import annotations

import io
import os
import stat
import tarfile
import time
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from data import formats
from nbtrain import folders
from nbtrain.cli import main
from nbtrain.data import unpack
from nbtrain.data.scan import Interrupted
from nbtrain.data.unpack import Limits
from nbtrain.errors import DataError
from nbtrain.locks import FileLock


def zipped(path: Path, **entries: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in entries.items():
            made.writestr(name, data)
    return path


def tarred(path: Path, *entries: tarfile.TarInfo, mode: str = "w") -> Path:
    with tarfile.open(path, mode) as made:
        for entry in entries:
            made.addfile(entry, io.BytesIO(b"x" * entry.size))
    return path


def entry(name: str, kind: bytes = tarfile.REGTYPE, size: int = 1) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.size = kind, size if kind == tarfile.REGTYPE else 0
    made.linkname = "../../outside"
    return made


def written(folder: Path) -> dict[str, int]:
    return {p.relative_to(folder).as_posix(): p.stat().st_size for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.mark.parametrize("ending", unpack.ENDINGS)
def test_every_kind_of_archive(ending, tmp_path):
    if ending == ".zip":
        path = zipped(tmp_path / "x.zip", **{"a/1.png": b"x", "b.txt": b"xyz", "__MACOSX/a": b"", "a/._1.png": b""})
    else:
        mode = {"gz": "w:gz", "xz": "w:xz", "z2": "w:bz2"}.get(ending.replace("tgz", "gz")[-2:], "w")
        path = tarred(
            tmp_path / f"x{ending}", entry("./a/1.png"), entry("b.txt", size=3), entry("a/._1.png"), mode=mode
        )
    done = unpack.archive(path, tmp_path / "in/to")
    assert written(done.folder) == {"a/1.png": 1, "b.txt": 3}
    assert done.notices == ()


def test_it_is_done_once_until_the_archive_changes(tmp_path):
    path = zipped(tmp_path / "x.zip", a=b"1")
    first = unpack.archive(path, tmp_path / "to")
    was = (first.folder / "a").stat().st_ino
    assert unpack.archive(path, tmp_path / "to") == first
    assert (first.folder / "a").stat().st_ino == was
    zipped(path, b=b"22")
    assert written(unpack.archive(path, tmp_path / "to").folder) == {"b": 2}
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


HOSTILE = [
    "../out",
    "a/../../out",
    "/abs/out",
    "C:/out",
    "C:\\out",
    "..\\out",
    "a\\..\\..\\out",
    "..",
    "/",
    "\\\\srv\\x\\out",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_names_that_lead_out_are_left_out(name, tmp_path):
    done = unpack.archive(tarred(tmp_path / "x.tar", entry(name), entry("good")), tmp_path / "a/b/to")
    assert written(tmp_path / "a/b/to/files") == {"good": 1}
    assert "1 entry has a name that leads elsewhere" in done.notices[0]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a", "x.tar"]


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_are_left_out(kind, tmp_path):
    """Also a file that a link would have led elsewhere is an ordinary file below the folder."""
    done = unpack.archive(tarred(tmp_path / "x.tar", entry("way", kind), entry("way/in")), tmp_path / "to")
    assert written(done.folder) == {"way/in": 1}
    assert done.notices == ("1 link or device is not unpacked: way.",)


def test_links_in_a_zip_are_left_out(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as made:
        link = zipfile.ZipInfo("link")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        made.writestr(link, "/etc/passwd")
    done = unpack.archive(tmp_path / "x.zip", tmp_path / "to")
    assert written(done.folder) == {}
    assert done.notices == ("1 link or device is not unpacked: link.",)


def test_names_are_made_safe(tmp_path):
    names = {"e\u0301.png": "\u00e9.png", "a:b?.png": "a_b_.png", "dot. ": "dot", "x\x01y": "x_y"}
    long = "z" * 300 + ".png"
    done = unpack.archive(zipped(tmp_path / "x.zip", **dict.fromkeys((*names, long), b"")), tmp_path / "to")
    found = set(written(done.folder))
    assert set(names.values()) <= found
    (shortened,) = found - set(names.values())
    assert shortened.endswith(".png")
    assert len(shortened) <= 200
    assert "1 name was too long and is shortened" in done.notices[0]


def test_a_name_that_comes_twice_is_kept_once(tmp_path):
    path = tarred(tmp_path / "x.tar", entry("a", size=1), entry("a", size=2), entry("a/b"))
    done = unpack.archive(path, tmp_path / "to")
    assert written(done.folder) == {"a": 1}
    assert done.notices == ("2 names come twice and are kept once: a, a/b.",)


@pytest.mark.parametrize(
    ("limits", "told"),
    [
        (Limits(max_bytes=1000), "more than 0 GiB"),
        (Limits(max_files=1), "more than 1 files"),
        (Limits(max_ratio=10, ratio_from_bytes=1000), "more than 10 times its own size"),
    ],
)
def test_limits(limits, told, tmp_path):
    path = zipped(tmp_path / "x.zip", a=b"\0" * 100_000, b=b"\0" * 100_000)
    with pytest.raises(DataError, match=rf"x\.zip: it unpacks to {told}") as refused:
        unpack.archive(path, tmp_path / "to", limits=limits)
    assert "give the folder" in refused.value.advice
    assert sorted(p.name for p in tmp_path.iterdir()) == ["x.zip"]


@pytest.mark.parametrize("ending", [".zip", ".tar.gz"])
def test_a_full_disk_is_told_with_what_is_missing(ending, tmp_path):
    """A zip says before anything is written how much it needs; for a packed tar it is reckoned from what was read."""
    if ending == ".zip":
        path = zipped(tmp_path / "x.zip", a=os.urandom(3 * 2**20))
    else:
        path = tarred(tmp_path / "x.tar.gz", entry("a", size=3 * 2**20), mode="w:gz")
    with pytest.raises(DataError, match=r"not enough room to unpack it: about [\d.]+ GiB more are needed") as refused:
        unpack.archive(path, tmp_path / "to", limits=Limits(free_bytes=2**60))
    assert "open a project on another disk" in refused.value.advice
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("ending", [".zip", ".tar", ".tar.gz", ".tar.xz"])
@pytest.mark.parametrize("damage", ["empty", "cut", "foreign", "flipped"])
def test_damaged_archives(ending, damage, tmp_path):
    path = tmp_path / f"x{ending}"
    noise = os.urandom(50_000)
    if ending == ".zip":
        zipped(path, a=noise)
    else:
        with tarfile.open(path, {".tar": "w", ".tar.gz": "w:gz", ".tar.xz": "w:xz"}[ending]) as made:
            info = tarfile.TarInfo("a")
            info.size = len(noise)
            made.addfile(info, io.BytesIO(noise))
    data = path.read_bytes()
    middle = len(data) // 2
    path.write_bytes(
        {
            "empty": b"",
            "cut": data[:middle],
            "foreign": b"hello" * 1000,
            "flipped": data[:middle] + bytes([data[middle] ^ 255]) + data[middle + 1 :],
        }[damage]
    )
    if (ending, damage) == (".tar", "flipped"):
        unpack.archive(path, tmp_path / "to")  # a tar has no checksum of its files
        return
    with pytest.raises(DataError, match="cannot be unpacked"):
        unpack.archive(path, tmp_path / "to")
    assert sorted(p.name for p in tmp_path.iterdir()) == [path.name]


@pytest.mark.parametrize(("at", "value", "told"), [(6, 1, "locked with a password"), (8, 97, "packed in a way")])
def test_locked_and_foreign_zips_say_so_before_anything_is_written(at, value, told, tmp_path):
    path = zipped(tmp_path / "x.zip", **{"a/1.png": b"x" * 100})
    data = bytearray(path.read_bytes())
    for begin, place in ((b"PK\x03\x04", at), (b"PK\x01\x02", at + 2)):
        data[data.index(begin) + place] = value
    path.write_bytes(data)
    for read in (lambda: list(unpack.names(path)), lambda: unpack.archive(path, tmp_path / "to")):
        with pytest.raises(DataError, match=rf"x\.zip: 1 file in it is {told}.*a/1\.png") as refused:
            read()
        assert "by hand" in refused.value.advice
    assert sorted(p.name for p in tmp_path.iterdir()) == ["x.zip"]


def test_a_tar_whose_second_header_is_damaged_is_not_taken_for_its_beginning(tmp_path):
    """Python's own reader takes it for the archive's end, and what follows for not there."""
    path = tarred(tmp_path / "x.tar", entry("a"), entry("b"))
    data = bytearray(path.read_bytes())
    data[2 * 512 + 120] ^= 255
    path.write_bytes(data)
    for read in (lambda: list(unpack.names(path)), lambda: unpack.archive(path, tmp_path / "to")):
        with pytest.raises(DataError, match=r"x\.tar cannot be unpacked \(it is damaged, or cut off"):
            read()


def test_a_tar_that_ends_between_two_files_is_told(tmp_path):
    path = tarred(tmp_path / "x.tar", entry("a"), entry("b"))
    whole = unpack.archive(path, tmp_path / "whole")
    assert not whole.notices
    path.write_bytes(path.read_bytes()[:1024])
    found = unpack.archive(path, tmp_path / "cut")
    assert written(found.folder) == {"a": 1}
    assert "no mark of its end and may be cut off" in found.notices[0]


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME])
def test_a_note_of_gigabytes_on_a_name_is_not_read(kind, tmp_path):
    note = tarfile.TarInfo("note")
    note.type, note.size = kind, 2**32
    path = tmp_path / "x.tar"
    path.write_bytes(note.tobuf() + bytes(4096))
    for read in (lambda: list(unpack.names(path)), lambda: unpack.archive(path, tmp_path / "to")):
        with pytest.raises(DataError, match="a note of 4096 MiB"):
            read()


def test_it_stops_and_leaves_nothing(tmp_path):
    path = zipped(tmp_path / "x.zip", **{str(i): b"x" for i in range(10)})
    asked = iter([False] * 5)
    with pytest.raises(Interrupted):
        unpack.archive(path, tmp_path / "to", stopped=lambda: next(asked, True))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["x.zip"]


def test_it_says_how_far_it_is(tmp_path):
    path = zipped(tmp_path / "x.zip", a=os.urandom(3 * 2**20))
    said: list[str] = []
    unpack.archive(path, tmp_path / "to", progress=said.append)
    assert said[-1].endswith("of 3 MiB")


def test_what_a_killed_process_left_is_swept(tmp_path):
    """By the marker inside, and while no process fills it; hidden folders of any other name stay."""
    left, filled = tmp_path / ".nbtrain-999999999-abcdef.tmp", tmp_path / ".nbtrain-999999999-bbbbbb.tmp"
    for folder in (left, filled):
        folder.mkdir()
        (folder / folders.MARKER).touch()
    unmarked = [tmp_path / name for name in (".to-999999999-abc", ".to-1-x-old", ".nbtrain-999999999-cccccc.tmp")]
    for folder in unmarked:
        folder.mkdir()
        (folder / "mine").write_text("mine")
    (tmp_path / ".nbtrain-999999999-dddddd.tmp").symlink_to(unmarked[0])
    with FileLock(filled / folders.MARKER):
        unpack.archive(zipped(tmp_path / "x.zip", a=b""), tmp_path / "to")
    assert not left.exists()
    assert filled.exists()
    assert [(folder / "mine").read_text() for folder in unmarked] == ["mine"] * 3


@pytest.mark.parametrize("there", ["a file in it", "a hidden file", "a folder", "another marker", "a link", "a file"])
def test_a_folder_of_other_things_is_left_alone(there, tmp_path):
    into, path = tmp_path / "to", zipped(tmp_path / "x.zip", a=b"1")
    if there == "a link":
        (tmp_path / "elsewhere").mkdir()
        into.symlink_to(tmp_path / "elsewhere")
    elif there == "a file":
        into.write_text("mine")
    else:
        name = {"a hidden file": ".mine", "a folder": "mine/deep", "another marker": "unpacked.json"}
        mine = into / name.get(there, "mine")
        mine.parent.mkdir(parents=True)
        mine.write_text("{}")
    before = sorted(p.relative_to(tmp_path) for p in tmp_path.rglob("*"))
    with pytest.raises(DataError, match="nothing is unpacked there"):
        unpack.archive(path, into)
    assert sorted(p.relative_to(tmp_path) for p in tmp_path.rglob("*")) == before


def test_an_empty_folder_is_filled_and_keeps_who_may_enter_it(tmp_path):
    (tmp_path / "to").mkdir()
    (tmp_path / "to").chmod(0o770)
    assert written(unpack.archive(zipped(tmp_path / "x.zip", a=b"1"), tmp_path / "to").folder) == {"a": 1}
    assert stat.S_IMODE((tmp_path / "to").stat().st_mode) == 0o770


@pytest.mark.parametrize("touched", ["files/mine", "mine", "files/deep/a", "files/deep/mine"])
def test_what_somebody_has_added_to_an_unpacked_folder_is_not_replaced(touched, tmp_path):
    path = zipped(tmp_path / "x.zip", **{"deep/a": b"1"})
    unpack.archive(path, tmp_path / "to")
    time.sleep(0.02)  # the clock of files is coarse
    (tmp_path / "to" / touched).write_bytes(b"mine")
    zipped(path, b=b"22")
    with pytest.raises(DataError, match="nbtrain did not unpack"):
        unpack.archive(path, tmp_path / "to")
    assert (tmp_path / "to" / touched).read_bytes() == b"mine"


def picture(shade: int) -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (8, 8), (shade, 0, 0)).save(data, "PNG")
    return data.getvalue()


def test_the_command_line_leaves_a_folder_of_other_things_alone(tmp_path, capsys):
    path = zipped(tmp_path / "x.zip", **{f"{name}/{n}.png": picture(n) for name in "ab" for n in range(2)})
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "mine").write_text("mine")
    assert main(["images", str(path), "--unpack", str(tmp_path / "photos")]) == 2
    assert "nothing is unpacked there" in capsys.readouterr().err
    assert [p.name for p in (tmp_path / "photos").iterdir()] == ["mine"]
    assert {p.name for p in tmp_path.iterdir()} == {"photos", "x.zip"}


def test_names_of_tools_that_forget_to_say_utf8(tmp_path):
    path = zipped(tmp_path / "x.zip", **{"\u00fc.png": b""})
    data = path.read_bytes()
    for at in (data.index(b"PK\x03\x04") + 6, data.index(b"PK\x01\x02") + 8):
        data = data[:at] + b"\0\0" + data[at + 2 :]
    path.write_bytes(data)
    assert written(unpack.archive(path, tmp_path / "to").folder) == {"\u00fc.png": 0}


def test_names_are_listed_without_unpacking(tmp_path):
    assert list(unpack.names(zipped(tmp_path / "x.zip", a=b"12"))) == [("a", 2)]
    assert list(unpack.names(tarred(tmp_path / "x.tar", entry("b", size=3)))) == [("b", 3)]


def test_places_tell_paths_apart(tmp_path):
    one, other = (unpack.place(tmp_path / name / "Set 1.tar.gz", tmp_path) for name in "ab")
    assert one != other
    assert one.name.startswith("set-1-")


def test_formats_inside_archives(tmp_path):
    """What is read as a folder is read from an archive too, one folder further in or not."""
    from nbtrain.data.sources import Archive, detect, look

    formats.voc(tmp_path / "made/voc")
    with tarfile.open(tmp_path / "x.tgz", "w:gz") as made:
        made.add(tmp_path / "made", "made")
    source = detect(tmp_path / "x.tgz")
    assert isinstance(source, Archive)
    with pytest.raises(DataError, match="not said where"):
        source.listing()
    assert look(source).notices
    placed = source.placed(tmp_path / "project")
    listing = placed.listing()
    assert formats.seen(listing) == formats.expected(formats.SCENE, "box")
    assert look(placed).n_images == 4
    (tmp_path / "x.tgz").unlink()
    assert placed.parse(placed.plain()).listing().content_hash == listing.content_hash
