"""Counts that add up: of all image files that lie there, each is used or counted as unused, in every format."""

from __future__ import annotations

import json
import os
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data import formats, images
from nbtrain.data import listings
from nbtrain.data.records import Listing, Record, Unused
from nbtrain.data.sources import Source, census, detect, look
from nbtrain.data.sources.base import is_image


def classes(root):
    images.folder(root, {"cat": 3, "dog": 2})
    return root


def class_sets(root):
    for name in ("seg_train", "seg_test"):
        images.folder(root / name, {"cat": 2, "dog": 2})
    return root


def wrapped(root):
    images.folder(root / "photos", {"cat": 3, "dog": 2})
    return root


def table(root):
    images.folder(root, {"pictures": 4})
    rows = [f"pictures/{number}.png,{'ab'[number % 2]}" for number in range(4)]
    (root / "t.csv").write_text("\n".join(("file,label", *rows)))
    return root / "t.csv"


def tables(root):
    images.folder(root, {"pictures": 6})
    for name, numbers in {"train": range(3), "valid": range(3, 6)}.items():
        rows = "".join(f"pictures/{number}.png,{number % 2},{1 - number % 2}\n" for number in numbers)
        (root / f"{name}.csv").write_text(f"filename,cat,dog\n{rows}")
    return root


def masks(root):
    images.folder(root / "images", {"": 3})
    (root / "masks").mkdir()
    for number in range(3):
        Image.fromarray(np.full((32, 32), number + 1, np.uint8)).save(root / f"masks/{number}.png")
    return root


def archive(root):
    with zipfile.ZipFile(root.with_suffix(".zip"), "w") as made:
        for path in classes(root / "x").rglob("*.png"):
            made.write(path, path.relative_to(root))
    return root.with_suffix(".zip")


PLACES = {
    **{name: one.write for name, one in formats.FORMATS.items()},
    "folder": classes, "folder sets": class_sets, "folder in a folder": wrapped, "table": table, "tables": tables,
    "masks": masks,
}  # fmt: skip
"""What writes a source that is whole, by its name."""


def counted(source: Source, root: Path) -> int:
    """Return how many image files lie where the source looks, counted independently of it."""
    place = root if Path(source.path).is_dir() else source.listing().root
    found = [Path(folder, name) for folder, _, names in os.walk(place) for name in names if is_image(name)]
    masks = sum(path.parent.name == "masks" for path in found)
    return len(found) - masks


def litter(root: Path, deep: str) -> dict[str, int]:
    """Leave what machines and people leave, in the root and in ``deep``; return how many images by reason."""
    places = (
        "@eaDir/1.jpg", ".thumbnails/a/b.jpg", "wandb/run/media/1.png", "node_modules/x/logo.png", "#recycle/c.png",
        "__MACOSX/._0.png", ".Trash-1000/files/d.webp", "runs/detect/exp/batch.jpg",
    )  # fmt: skip
    for place in places:
        images.write(root / place)
    images.write(root / deep / "@eaDir/0.jpg/SYNOPHOTO_THUMB_M.jpg")
    images.write(root / deep / "._0.png")
    images.write(root / ".secret/e.png")
    images.write(root / deep / ".hidden.png")
    (root / deep / "gone.png").symlink_to("/nowhere/at/all.png")
    (root / deep / "0.png.crdownload").write_text("x")
    (root / deep / "Thumbs.db").write_text("x")
    return {
        "in folders made by programs": len(places) + 1,
        "in hidden files and folders": 2,
        "made by programs": 1,
        "behind a link to nowhere": 1,
    }


def of_images(listing: Listing) -> dict[str, int]:
    return {one.reason: one.n for one in listing.unused if one.what == "image"}


@pytest.mark.parametrize("name", PLACES)
def test_where_everything_is_used_nothing_is_unused(name, tmp_path):
    source = detect(PLACES[name](tmp_path / "set"))
    found = look(source)
    assert found.unused == ()
    assert found.n_found == found.n_used == counted(source, tmp_path / "set")
    assert not any(line.startswith("not used") for line in found.lines())


@pytest.mark.parametrize("name", PLACES)
def test_the_numbers_add_up_among_what_machines_leave(name, tmp_path):
    root = tmp_path / "set"
    path = PLACES[name](root)
    before = detect(path).listing()
    deep = os.path.dirname(before.records[0].file)
    expected = litter(before.root, deep)
    found = look(path)
    assert [record.file for record in detect(path).listing().records] == [record.file for record in before.records]
    assert found.n_used == len(before)
    assert found.n_found == found.n_used + sum(one.n for one in found.unused if one.what == "image")
    assert found.n_found == counted(found.source, root)
    assert of_images(detect(path).listing()) == expected
    (made,) = [one for one in found.unused if (one.what, one.reason) == ("file", "made by programs")]
    assert made.examples == ("0.png.crdownload", "Thumbs.db")
    assert f"of {found.n_found} found" in "\n".join(found.lines())


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("name", PLACES)
def test_the_numbers_add_up_whatever_is_moved(name, seed, tmp_path):
    """Images and annotations are copied, moved, renamed and removed at random: still each file is counted once."""
    root, random = tmp_path / "set", np.random.default_rng(seed)
    path = PLACES[name](root)
    files = sorted(p for p in root.rglob("*") if p.is_file() and p != path and p.suffix != ".yaml")
    for number, file in enumerate(map(str, random.permutation([str(file) for file in files])[:4])):
        to = root / str(random.choice(["", "more", ".x", "runs/exp", os.path.dirname(os.path.relpath(file, root))]))
        to.mkdir(parents=True, exist_ok=True)
        change = random.choice(["copy", "move", "case", "drop"])
        if change in ("copy", "move"):
            (to / f"{number}-{os.path.basename(file)}").write_bytes(Path(file).read_bytes())
        if change == "case":
            os.rename(file, Path(file).with_stem(Path(file).stem.upper()))
        elif change != "copy":
            os.remove(file)
    try:
        source = detect(path)
        found = look(source)
    except Exception as error:  # noqa: BLE001 - nothing may be left to learn from, and no one asks for it here
        assert getattr(error, "advice", ""), error  # noqa: PT017
        return
    used = {record.file for record in source.listing().records}
    assert len(used) == found.n_used
    assert found.n_found == counted(source, root)


# -- what each format says ------------------------------------------------------------------------------------------


def test_a_folder_says_what_lies_beside_its_classes_and_sets(tmp_path):
    class_sets(tmp_path)
    images.folder(tmp_path, {"extra": 3})
    images.write(tmp_path / "seg_train/loose.png")
    images.write(tmp_path / "loose.png")
    found = detect(tmp_path).listing().unused
    assert found[:2] == (
        Unused("image", "in folders beside the sets", 3, ("extra (3)",)),
        Unused("image", "in no class folder", 2, ("loose.png", "seg_train/loose.png")),
    )


def test_a_table_says_which_rows_have_no_label_no_image_or_are_repeated(tmp_path):
    images.folder(tmp_path, {"": 6})
    rows = ("0.png,a", "1.png,b", "2.png,", "3.png,NaN", "9.png,a", "0.png,a", "https://x.org/4.png,a")
    (tmp_path / "t.csv").write_text("\n".join(("file,label", *rows)))
    found = look(tmp_path / "t.csv")
    assert found.unused == (
        Unused("image", "not named in t.csv", 2, ("4.png", "5.png")),
        Unused("image", "without a label in t.csv", 2, ("2.png", "3.png")),
        Unused("row", "of t.csv with a missing image", 1, ("9.png (line 6)",)),
        Unused(
            "row",
            "of t.csv with an image in the net, which is never fetched (download it, and name its folder)",
            1,
            ("https://x.org/4.png (line 8)",),
        ),
        Unused("row", "of t.csv repeating an earlier one", 1, ("0.png (lines 2 and 7)",)),
    )
    assert (found.n_found, found.n_used) == (6, 2)


def test_coco_says_what_no_annotation_names_and_which_have_no_image(tmp_path):
    formats.coco(tmp_path)
    images.write(tmp_path / "images/more.png")
    images.write(tmp_path / "shown.png")
    plain = formats.coco_json(formats.SCENE)
    plain["images"].append({"id": 9, "file_name": "none.png"})
    plain["annotations"].append({"id": 99, "image_id": 77, "category_id": 7, "bbox": [1, 1, 2, 2]})
    (tmp_path / "annotations/instances.json").write_text(json.dumps(plain))
    assert detect(tmp_path).listing().unused == (
        Unused("image", "not named in instances.json", 2, ("images/more.png", "shown.png")),
        Unused("annotation", "without an image", 1, ("instances.json (annotation 99)",)),
        Unused("annotation", "of instances.json with a missing image", 1, ("none.png (image 9)",)),
    )


def test_voc_says_what_has_no_xml_file_a_broken_one_or_no_image(tmp_path):
    formats.voc(tmp_path)
    images.write(tmp_path / "JPEGImages/more.png")
    images.write(tmp_path / "Preview/a.png")
    (tmp_path / "Annotations/d.xml").write_text("<annotation")
    (tmp_path / "Annotations/lone.xml").write_text(formats.voc_xml(formats.Picture("lone.png")))
    found = detect(tmp_path).listing().unused
    assert [(one.what, one.reason, one.n) for one in found] == [
        ("image", "without an XML file", 2),
        ("image", "with a broken XML file", 1),
        ("annotation", "that cannot be read", 1),
        ("annotation", "of the XML files with a missing image", 1),
    ]
    assert found[0].examples == ("JPEGImages/more.png", "Preview/a.png")


def test_yolo_says_what_lies_outside_its_sets_and_which_labels_have_no_image(tmp_path):
    path = formats.yolo_sets(tmp_path)
    images.write(tmp_path / "images/other/e.png")
    (tmp_path / "labels/train/lone.txt").write_text("0 .5 .5 .1 .1")
    assert detect(path).listing().unused == (
        Unused("image", "outside the folders of the sets", 1, ("images/other/e.png",)),
        Unused("annotation", "without an image", 1, ("labels/train/lone.txt",)),
    )


def test_label_studio_says_what_no_task_names(tmp_path):
    path = formats.studio(tmp_path)
    images.write(tmp_path / "images/more.png")
    tasks = json.loads(path.read_text())
    tasks[0]["data"]["image"] = ""
    path.write_text(json.dumps(tasks))
    assert detect(path).listing().unused == (
        Unused("image", "not named in export.json", 2, ("images/a.png", "images/more.png")),
        Unused("annotation", "naming no image", 1, ("task 1",)),
    )


def test_masks_are_no_images_and_those_without_an_image_are_said(tmp_path):
    masks(tmp_path)
    images.write(tmp_path / "images/more.png")
    os.remove(tmp_path / "images/2.png")
    (tmp_path / "masks/0.png").write_bytes(b"x")
    found = look(tmp_path)
    assert (found.n_found, found.n_used) == (3, 1)
    assert [(one.what, one.n, one.examples) for one in found.unused] == [
        ("image", 1, ("images/0.png",)),
        ("image", 1, ("images/more.png",)),
        ("annotation", 1, ("masks/2.png",)),
    ]


def test_an_archive_says_it_of_what_lies_inside(tmp_path):
    path = archive(tmp_path / "set")
    with zipfile.ZipFile(path, "a") as more:
        more.writestr("x/loose.png", b"x")
        more.writestr("../out.png", b"x")
    source = detect(path).placed(tmp_path / "to")
    source.prepare()
    found = look(source)
    assert (found.n_found, found.n_used) == (6, 5)
    assert "not used: 1 image in no class folder: loose.png" in found.lines()
    assert "note: 1 entry has a name that leads elsewhere: ../out.png." in found.lines()


@pytest.mark.parametrize("name", ["runs", "found.000 keys", "thumbnails of cats"])
def test_a_class_of_a_name_that_programs_use_stays_a_class(tmp_path, name):
    images.folder(tmp_path, {name: 2, "walks": 2})
    found = look(tmp_path)
    assert (found.classes, found.unused) == ((name, "walks"), ())


@pytest.mark.parametrize("name", ["b~1.png", "a.tmp.png", "desktop.ini.png"])
def test_an_image_whose_name_holds_that_of_a_programs_file_is_a_persons(tmp_path, name):
    classes(tmp_path)
    images.write(tmp_path / name)
    assert detect(tmp_path).listing().unused == (Unused("image", "in no class folder", 1, (name,)),)


def test_a_link_back_ends_and_is_said(tmp_path):
    classes(tmp_path)
    (tmp_path / "cat/back").symlink_to(tmp_path)
    assert detect(tmp_path).listing().unused == (Unused("file", "linking back to a folder above", 1, ("cat/back",)),)


# -- how it is said, kept and bounded -------------------------------------------------------------------------------


def test_it_is_said_with_a_few_examples_and_the_number_of_the_others():
    one = Unused("image", "in no class folder", 1200, ("a.png", "b.png"), 1198)
    assert one.text == "1 200 images in no class folder: a.png, b.png and 1 198 more"
    assert Unused("row", "without a label", 1).notice == "Not used: 1 row without a label."


def test_examples_do_not_hang_on_the_order_in_which_files_lie(tmp_path):
    classes(tmp_path)
    for name in (*"zyxwvutsrq", "10", "9", "2"):
        images.write(tmp_path / f"{name}.png")
    (one,) = detect(tmp_path).listing().unused
    assert (one.n, one.examples, one.n_more) == (13, ("2.png", "9.png", "10.png", "q.png", "r.png"), 8)


def test_what_is_not_used_is_no_part_of_the_hash(tmp_path):
    classes(tmp_path)
    before = detect(tmp_path).listing()
    images.write(tmp_path / "loose.png")
    after = detect(tmp_path).listing()
    assert after.unused
    assert after.content_hash == before.content_hash


def test_a_kept_listing_keeps_it(tmp_path, monkeypatch):
    monkeypatch.setattr(listings, "_SETTLED_NS", -(10**12))
    formats.yolo(tmp_path / "set")
    images.write(tmp_path / "set/more.png")
    source = detect(tmp_path / "set")
    first = listings.listed(source, tmp_path)
    monkeypatch.setattr(type(source), "listing", lambda _: pytest.fail("it was read anew"))
    again = listings.listed(source, tmp_path)
    assert again.unused == first.unused
    assert again.notices == first.notices
    assert [one.n for one in again.unused] == [1]


def test_a_place_with_far_more_than_is_used_is_counted_in_part_and_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(census, "_MOST", 20)
    monkeypatch.setattr(census, "_MOST_PER_IMAGE", 0)
    for folder in range(9):
        images.folder(tmp_path, {f"{folder}": 4})
    (tmp_path / "t.csv").write_text("file,label\n0/0.png,a\n1/0.png,b\n")
    listing = detect(tmp_path / "t.csv").listing()
    assert any("counted in part" in note for note in listing.notes)


def test_nothing_is_told_twice(tmp_path):
    path = table(tmp_path / "set")
    with open(path, "a") as more:
        more.write("\nzz.png,a\n")
    lines = list(look(path).lines())
    assert Counter("zz.png" in line for line in lines)[True] == 1


def test_a_record_that_lies_in_a_machine_made_folder_is_used(tmp_path):
    """Somebody has named it: what is used is never counted as unused."""
    images.write(tmp_path / "runs/exp/a.png")
    images.write(tmp_path / "b.png")
    (tmp_path / "t.csv").write_text("file,label\nruns/exp/a.png,a\nb.png,b\n")
    found = look(tmp_path / "t.csv")
    assert (found.n_used, found.n_found, found.unused) == (2, 2, ())


def test_a_listing_without_a_folder_of_its_own_says_what_its_reader_counted():
    listing = Listing(Path("/"), ("a",), (Record("x.png", (0,)),), unused=(Unused("row", "without a label", 2),))
    assert listing.notices == ("Not used: 2 rows without a label.",)


def test_other_files_are_counted_in_a_folder_and_no_matter_beside_a_file(tmp_path):
    classes(tmp_path)
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / "t.csv").write_text("file,label\ncat/0.png,cat\ndog/0.png,dog\n")
    assert [(one.what, one.examples) for one in detect(tmp_path).listing().unused] == [("file", (".csv", ".txt"))]
    assert {one.what for one in detect(tmp_path / "t.csv").listing().unused} == {"image"}


MADE_FOLDERS = (
    "@eaDir", "#recycle", "#snapshot", "@Recycle", "$RECYCLE.BIN", "System Volume Information", "lost+found",
    "LOST.DIR", "FOUND.000", ".Trash-1000", ".Trashes", ".snapshot", ".thumbnails", "__MACOSX", "__pycache__",
    ".ipynb_checkpoints", ".git", ".dvc", "node_modules", "wandb", "mlruns", "lightning_logs",
)  # fmt: skip
MADE_FILES = (
    "Thumbs.db", ".DS_Store", "desktop.ini", "._0.png", "0.png.part", "0.png.crdownload", "0.png.tmp", "~$list.xlsx",
    ".~lock.list.ods#", "0.png~", "0.png.filepart", "0.png@SynoEAStream",
)  # fmt: skip


@pytest.mark.parametrize("name", MADE_FOLDERS)
def test_a_folder_that_a_program_made_is_no_class_and_its_images_are_counted(name, tmp_path):
    classes(tmp_path)
    images.folder(tmp_path, {name: 2})
    found = look(tmp_path)
    assert found.classes == ("cat", "dog")
    assert found.unused == (Unused("image", "in folders made by programs", 2, (f"{name} (2)",)),)


@pytest.mark.parametrize("name", MADE_FILES)
def test_a_file_that_a_program_made_is_counted(name, tmp_path):
    classes(tmp_path)
    (tmp_path / "cat" / name).write_text("x")
    (one,) = detect(tmp_path).listing().unused
    assert (one.what, one.reason, one.n) == ("image" if is_image(name) else "file", "made by programs", 1)


def test_a_folder_that_a_program_made_without_an_image_is_said_once(tmp_path):
    classes(tmp_path)
    for place in ("cat/@eaDir", "dog/@eaDir", ".git"):
        (tmp_path / place).mkdir()
        (tmp_path / place / "notes.txt").write_text("x")
    assert detect(tmp_path).listing().unused == (Unused("file", "made by programs", 1, ("@eaDir",)),)
