"""Image folders, tidy and untidy."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest

from data import images
from nbtrain.data.sources import Folder, detect, look
from nbtrain.data.splits import from_folders
from nbtrain.errors import DataError


def test_one_folder_per_class(tmp_path):
    images.folder(tmp_path, {"dog": 2, "cat 10": 1, "cat 9": 3})
    listing = detect(tmp_path).listing()
    assert listing.classes == ("cat 9", "cat 10", "dog")
    assert listing.counts == (3, 1, 2)
    assert listing.records[0].file == "cat 9/0.png"
    assert listing.records[0].size_bytes == (tmp_path / "cat 9/0.png").stat().st_size
    assert listing.own_split is None
    assert not listing.multilabel


def test_deeper_folders_belong_to_their_class(tmp_path):
    images.folder(tmp_path, {"a": 1, "a/x/y": 2, "b/z": 1})
    listing = detect(tmp_path).listing()
    assert listing.counts == (3, 1)
    assert {r.file for r in listing.records if r.labels == (0,)} == {"a/0.png", "a/x/y/0.png", "a/x/y/1.png"}


def test_a_set_inside_itself_is_no_folder_inside_a_class(tmp_path):
    images.folder(tmp_path, {f"{s}/{s}/{name}": 1 for s in ("seg_train", "seg_test") for name in "ab"})
    assert detect(tmp_path).listing().notes == ()
    images.folder(tmp_path, {"seg_train/seg_train/a/inner": 1})
    (told,) = detect(tmp_path).listing().notes
    assert told == "1 folder inside a class belongs to it: seg_train/seg_train/a/inner."


def test_no_image_is_opened(tmp_path):
    for name in ("a/1.JPG", "b/2.TifF"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(b"")
    assert len(detect(tmp_path).listing()) == 2


@pytest.mark.parametrize("names", [("train", "val", "test"), ("Training", "VALID", "testing")])
def test_own_sets(tmp_path, names):
    for name, count in zip(names, (3, 2, 1), strict=True):
        images.folder(tmp_path / name, {"a": count, "b": count})
    listing = detect(tmp_path).listing()
    assert {s: len(files) for s, files in listing.own_split.items()} == {"train": 6, "val": 4, "test": 2}
    assert listing.classes == ("a", "b")
    assert listing.own_split["val"][0] == f"{names[1]}/a/0.png"
    assert from_folders(listing).sizes == {"train": 6, "val": 4, "test": 2}


def test_classes_that_differ_between_sets_are_told(tmp_path):
    images.folder(tmp_path / "train", {"a": 2, "b": 2})
    images.folder(tmp_path / "val", {"a": 2, "c": 2})
    images.folder(tmp_path / "extra", {"d": 3})
    assert detect(tmp_path).listing().notices == (
        "Not used: 3 images in folders beside the sets: extra (3).",
        "1 class has no image in train: c.",
        "1 class has no image in val: b.",
    )


def test_train_alone_leaves_the_split_open(tmp_path):
    images.folder(tmp_path / "train", {"a": 2, "b": 2})
    listing = detect(tmp_path).listing()
    assert listing.own_split is None
    assert listing.classes == ("a", "b")


def test_sets_inside_classes_of_which_none_trains_are_told_as_no_sets(tmp_path):
    for name in ("cat", "dog"):
        images.folder(tmp_path / name, {"val": 1, "test": 1})
    found = look(tmp_path)
    assert (found.sets, found.readings[0].title) == ({}, "Class folders")


@pytest.mark.parametrize("folder", ["Images", "images"])
def test_folders_beside_the_one_with_the_classes_are_told(tmp_path, folder):
    images.folder(tmp_path / folder, {"cat": 2, "dog": 2})
    (tmp_path / "Annotation").mkdir()
    listing = detect(tmp_path).listing()
    assert listing.classes == ("cat", "dog")
    assert "1 folder holds no image and is no class: Annotation." in listing.notices


def test_folders_called_like_sets_may_be_classes(tmp_path):
    images.folder(tmp_path, {"train": 2, "bus": 2, "test": 2})
    assert detect(tmp_path).listing().classes == ("bus", "test", "train")


def test_sets_can_be_switched_off(tmp_path):
    images.folder(tmp_path / "train", {"a": 2})
    images.folder(tmp_path / "val", {"a": 2})
    assert Folder(path=str(tmp_path), sets="none").listing().classes == ("train", "val")


def test_two_names_for_one_set(tmp_path):
    for name in ("train", "val", "valid"):
        images.folder(tmp_path / name, {"a": 1, "b": 1})
    with pytest.raises(DataError, match="val and valid mean the same set"):
        detect(tmp_path).listing()


def test_what_is_passed_over_is_told(tmp_path):
    images.folder(tmp_path, {"a": 2, "b": 2, "empty": 0, ".hidden": 2, "__MACOSX": 1})
    (tmp_path / "empty").mkdir()
    images.write(tmp_path / "loose.png")
    (tmp_path / "a/readme.txt").write_text("hello")
    (tmp_path / "a/.DS_Store").write_text("x")
    (tmp_path / "a/link.png").symlink_to("/nowhere/at/all.png")
    (tmp_path / "a/self").symlink_to("self")
    (tmp_path / "b/back").symlink_to(tmp_path)
    listing = detect(tmp_path).listing()
    assert listing.counts == (2, 2)
    assert listing.notices == (
        "Not used: 2 images in hidden files and folders: .hidden (2).",
        "Not used: 1 image behind a link to nowhere: a/link.png.",
        "Not used: 1 image in folders made by programs: __MACOSX.",
        "Not used: 1 image in no class folder: loose.png.",
        "Not used: 2 files other than images: .txt, self.",
        "Not used: 1 file linking back to a folder above: b/back.",
        "Not used: 1 file made by programs: .DS_Store.",
        "1 folder holds no image and is no class: empty.",
    )


def test_links_to_other_folders_are_followed(tmp_path):
    images.folder(tmp_path / "store", {"a": 2})
    images.folder(tmp_path / "set", {"b": 1})
    (tmp_path / "set/a").symlink_to(tmp_path / "store/a")
    assert detect(tmp_path / "set").listing().counts == (2, 1)


def test_names_in_another_encoding_are_told(tmp_path):
    images.folder(tmp_path, {"a": 1, "b": 1})
    try:
        shutil.copy(tmp_path / "a/0.png", os.fsencode(tmp_path) + b"/a/\xe9.png")
    except OSError:
        pytest.skip("this file system refuses such names")
    listing = detect(tmp_path).listing()
    assert listing.counts == (1, 1)
    assert listing.notices[0] == "Not used: 1 image named in no valid UTF-8 (rename what you need): a/\ufffd.png."


def test_equal_looking_names_are_one_class(tmp_path):
    images.folder(tmp_path, {"caf\u00e9": 1, "cafe\u0301": 1, "tea": 1, "tea\u200b": 1})
    listing = detect(tmp_path).listing()
    assert listing.classes == ("caf\u00e9", "tea")
    assert not any("inside a class" in notice for notice in listing.notices)


@pytest.mark.parametrize(
    ("make", "told", "advice"),
    [
        (lambda p: None, "the folder holds no images", "one sub-folder of images per class"),
        (lambda p: images.write(p / "1.png"), "none of the images lies in a class folder", "one sub-folder per class"),
        (lambda p: (p / "labels.csv").write_text("x"), "column names and no rows", "one row per image"),
        (lambda p: (p / "labels.csv").write_text("x\n1"), "holds no images", r"the table labels\.csv"),
        (lambda p: images.folder(p, {"a": 2}), r"only one class \(a\)", "at least one other class"),
    ],
)
def test_unusable_folders(tmp_path, make, told, advice):
    make(tmp_path)
    with pytest.raises(DataError, match=told) as caught:
        detect(tmp_path).listing()
    assert tmp_path.name in str(caught.value)
    assert advice.replace("\\", "") in str(caught.value)


def test_missing_path_names_the_nearest_folder(tmp_path):
    with pytest.raises(DataError, match="there is no such path") as caught:
        detect(tmp_path / "a" / "b")
    assert str(tmp_path) in caught.value.advice


@pytest.mark.parametrize("path", ["", "  ", "a\0b"])
def test_no_path(path):
    with pytest.raises(DataError, match="no path was given"):
        detect(path)


@pytest.mark.skipif(os.sep != "/", reason="there it is a path")
def test_a_path_of_windows_is_said_to_be_one():
    for path in ("C:\\Users\\x\\pets", "\\\\server\\share"):
        with pytest.raises(DataError, match="It is a path of Windows"):
            detect(path)


def test_a_path_that_was_pasted_with_its_quotes_is_found(tmp_path):
    images.folder(tmp_path / "my cats", {"a": 1, "b": 1})
    for path in (f'"{tmp_path}/my cats"', f" {tmp_path}/my cats\n", f"file://{tmp_path}/my%20cats"):
        assert detect(path).listing().classes == ("a", "b")


def test_a_file_is_no_source(tmp_path):
    with pytest.raises(DataError, match="a single image"):
        detect(images.write(tmp_path / "1.png"))
    with pytest.raises(DataError, match="a file, not a folder"):
        Folder(path=str(tmp_path / "1.png")).listing()


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="permissions of POSIX")
def test_no_read_permission_is_an_error_and_no_lost_class():
    with tempfile.TemporaryDirectory() as name:
        root = images.folder(Path(name), {"a": 1, "b": 1})
        root.chmod(0o755)
        (root / "b").chmod(0)
        user = os.geteuid()
        try:
            if user == 0:
                os.seteuid(65534)  # root may read everything
            with pytest.raises(DataError, match=r"cannot be read \(Permission denied\)") as caught:
                detect(root).listing()
        finally:
            os.seteuid(user)
            (root / "b").chmod(0o755)
        assert str(root / "b") in str(caught.value)
