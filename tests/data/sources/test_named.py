"""Names whose files have moved: the longest ending that exists is taken, and what is doubtful is left out and said."""

from __future__ import annotations

import pytest

from data import images
from nbtrain.data.sources.named import Files
from nbtrain.data.sources.tally import Tally
from nbtrain.errors import DataError

FOUND = {
    "windows": ("C:\\Users\\x\\pets\\images\\a.png", "images/a.png"),
    "colab": ("/content/drive/MyDrive/pets/images/a.png", "images/a.png"),
    "kaggle": ("/kaggle/input/pets/images/a.png", "images/a.png"),
    "a folder above": ("pets/images/a.png", "images/a.png"),
    "backslashes": ("images\\a.png", "images/a.png"),
    "file address": ("file:///srv/x/pets/images/a.png", "images/a.png"),
    "file address of windows": ("file:///C:/pets/images/a.png", "images/a.png"),
    "percent": ("images/Capture%20d%C3%A9cran.png", "images/Capture décran.png"),
    "spaces as underscores": ("images/Capture_décran.png", "images/Capture décran.png"),
    "no ending": ("images/a", "images/a.png"),
    "another ending": ("images/a.jpeg", "images/a.png"),
    "hash before it": ("/data/upload/4/0a1b2c3d-a.png", "images/a.png"),
    "local files": ("/data/local-files/?d=pets%5Cimages%5Ca.png", "images/a.png"),
    "deeper": ("only.png", "images/deep/only.png"),
    "case": ("IMAGES/A.PNG", "images/a.png"),
    "climbs": ("../../label-studio/media/images/a.png", "images/a.png"),
}


@pytest.fixture
def root(tmp_path):
    for name in ("images/a.png", "images/Capture décran.png", "images/deep/only.png", "train/1.png", "val/2.png"):
        images.write(tmp_path / "set" / name)
    return tmp_path / "set"


def told(files):
    """Return what was not found: what it is, why, and examples."""
    tally = Tally()
    files.tell(tally)
    return [(one.what, one.reason, one.examples) for one in tally.unused()]


@pytest.mark.parametrize("case", FOUND)
def test_moved_files_are_found_and_said(root, case):
    name, file = FOUND[case]
    files = Files(root, "t.csv")
    assert files.find(name) == (file, (root / file).stat().st_size)
    assert case in ("backslashes",) or len(files.notices()) == 1


@pytest.mark.parametrize(
    "name",
    [
        "train/2.png",  # the set is there, the file is not: val/2.png is another image
        "/content/train/2.png",
        "test/1.png",  # a set that is not there at all
        "images/1.png",
        "zz.png",
        "images/deep/a.png",
    ],
)
def test_a_missing_file_is_no_other_file_of_its_name(root, name):
    files = Files(root, "t.csv")
    assert files.find(name, "line 3") is None
    assert told(files) == [("annotation", "of t.csv with a missing image", (f"{name} (line 3)",))]


def test_several_candidates_are_left_to_the_person(root):
    images.write(root / "other/a.png")
    files = Files(root, "t.csv")
    assert files.find("a.png") is None
    several = ("a.png may be images/a.png, other/a.png",)
    assert told(files) == [("annotation", "of t.csv with several images that may be meant", several)]
    assert files.find("x/other/a.png") == ("other/a.png", (root / "other/a.png").stat().st_size)


def test_of_two_names_that_read_alike_none_is_taken_by_itself(root):
    images.write(root / "images/A.png")
    if (root / "images/a.PNG").exists():
        pytest.skip("this file system does not tell them apart")
    files = Files(root, "t.csv")
    assert files.find("images/a.PNG") is None
    assert told(files)[0][1] == "of t.csv with several images that may be meant"


def test_an_image_of_the_root_is_not_one_that_is_missing_in_its_folder(root):
    images.write(root / "top.png")
    assert Files(root, "t.csv").find("images/top.png") is None
    assert Files(root, "t.csv").find("/content/top.png")[0] == "top.png"


@pytest.mark.parametrize(
    ("there", "name"),
    [
        ("pets/images/a.png", "/mnt/pets/images/a.png"),  # images/a.png is an ending of it too
        ("images/a-1.png", "images/a-1.jpeg"),  # a_1.png has the same letters
    ],
)
def test_of_several_that_fit_the_closest_is_taken(root, there, name):
    images.write(root / there)
    images.write(root / "images/a_1.png")
    assert Files(root, "t.csv").find(name)[0] == there


def test_a_name_without_an_ending_has_not_moved(root):
    files = Files(root, "t.csv")
    files.find("images/a")
    assert files.notices() == ("1 file is named without an ending: images/a is images/a.png.",)


def test_folders_that_tell_files_apart_are_offered_and_the_one_that_is_meant_is_taken(root):
    for name in ("x/b/1.png", "x/ba/1.png", "x/b/2.png", "x/c/2.png", "x/b/3.png"):
        images.write(root / "more" / name)
    files = Files(root / "more", "t.csv")
    for name in ("/mnt/1.png", "/mnt/2.png", "/mnt/3.png"):
        files.find(name)
    titles = [answer.title for answer in files.question().answers]
    assert titles == ["None of them", "Folder x/b", "Folder x/ba", "Folder x/c"]  # that of most names first
    chosen = Files(root / "more", "t.csv", meant="x/b")
    assert chosen.find("/mnt/1.png")[0] == "x/b/1.png"
    assert chosen.question() is None


def test_a_name_that_exists_is_taken_as_it_stands(root):
    images.write(root / "a%20b.png")
    images.write(root / "a b.png")
    files = Files(root, "t.csv")
    assert files.find("a%20b.png")[0] == "a%20b.png"
    assert files.find("a b.png")[0] == "a b.png"
    assert not files.notices()


@pytest.mark.parametrize("folder", ["@eaDir", ".old"])
def test_what_is_hidden_or_programs_made_is_no_candidate(root, folder):
    images.write(root / folder / "thumb.png")
    assert Files(root, "t.csv").find("x/thumb.png") is None


def test_advice_that_was_followed_is_not_given_again(root):
    for named in (False, True):
        files = Files(root, "t.csv", named=named)
        files.find("zz.png")
        error = files.none_found(1)
        assert ("images_root" in str(error)) is not named
    assert "It holds 5 images called otherwise" in str(error)


def test_images_of_the_net_are_said_first(root):
    files = Files(root, "t.csv")
    assert files.find("s3://bucket/a.png") is None
    assert "lie in the net" in str(files.none_found(1))
    # With a folder named, they are looked for by their names.
    assert Files(root, "t.csv", named=True).find("https://x.org/y/images/a.png")[0] == "images/a.png"


def test_names_of_the_net_are_not_said_of_files_that_are_missing(root):
    files = Files(root, "t.csv")
    for name in ("https://x.org/a.png", "b.png", "c.png"):
        files.find(name)
    told = "of the 3 images named in t.csv, 1 lies in the net, where nothing is fetched from, and 2 do not exist below"
    assert told in str(files.none_found(3))
    files = Files(root, "t.csv", named=True)
    files.find("https://x.org/zz.png")
    assert "got 'https://x.org/zz.png'" in str(files.none_found(1))


def test_an_empty_name(root):
    with pytest.raises(DataError, match=r"t\.csv, line 2: no file is named"):
        Files(root, "t.csv").find("", "line 2")
