"""Assembly: sources joined by class names, edited without touching a file, and found again as a run recorded them."""

import os
import unicodedata
from dataclasses import replace

import pytest

from data import images
from nbtrain.data import assembly
from nbtrain.data.assembly import AsFound, Part, look
from nbtrain.data.edit_log import EditLog
from nbtrain.data.edits import NONE, added_up, made
from nbtrain.data.records import Listing, Mark, Record, Roots
from nbtrain.data.sources import Folder, Table
from nbtrain.errors import ConfigError, DataError, ProjectError


def folder(path, counts):
    return Part("", Folder(path=str(images.folder(path, counts))))


def named(part, name):
    return Part(name, part.source)


@pytest.fixture
def two(tmp_path):
    return (
        folder(tmp_path / "one", {"cat": 3, "dog": 2}),
        named(folder(tmp_path / "two", {"ant": 2, "dog": 4}), "more"),
    )


def labelled(listing):
    return {r.file: [listing.classes[i] for i in r.labels] for r in listing.records}


def test_one_source_stays_as_it_is(two):
    found = look(two[:1])
    assert found.listing is found.edited(NONE)
    assert found.listing == two[0].source.listing()
    assert found.hash(NONE) == found.listing.content_hash
    choice = {"val_ratio": 0.4, "test_ratio": 0.0, "seed": 3}
    assert found.split(**choice, name="x").hash == assembly.splits.stratified(found.listing, val_ratio=0.4, seed=3).hash


def test_several_sources_are_one_listing_with_classes_matched_by_name(two):
    found = look(two)
    listing = found.listing
    assert listing.classes == ("cat", "dog", "ant")  # a further source moves no id
    assert listing.counts == (3, 6, 2)
    files = {r.file for r in listing.records}
    assert {"cat/0.png", "more/ant/0.png", "more/dog/3.png"} <= files
    assert all((listing.root / file).exists() for file in files)
    assert listing.content_hash != two[0].source.listing().content_hash


def test_a_source_of_one_class_counts_beside_another_and_not_alone(tmp_path):
    parts = folder(tmp_path / "cats", {"cat": 2}), named(folder(tmp_path / "dogs", {"dog": 2}), "dogs")
    assert look(parts).listing.classes == ("cat", "dog")
    with pytest.raises(DataError, match="only one class"):
        look(parts[:1])
    with pytest.raises(DataError, match="only one class"):
        _ = look((parts[0], named(parts[0], "again"))).listing


def test_names_that_look_alike_are_one_class_and_those_that_differ_in_case_are_told():
    def part(name, *classes):
        records = tuple(Record(f"{name}{i}.png", (i,)) for i in range(len(classes)))
        return Listing(Roots({name: "/x"}) if name else "/x", classes, records)

    composed, apart = (unicodedata.normalize(form, "café") for form in ("NFC", "NFD"))
    joined = AsFound((part("", composed, "Tea"), part("b", apart, "tea"))).listing
    assert joined.classes == (composed, "Tea", "tea")
    assert joined.counts == (2, 1, 1)
    assert any("upper and lower case: Tea, tea" in notice for notice in joined.notices)


def test_columns_and_marks_find_their_places():
    one = Listing(
        "/1", ("a", "b"), (Record("1", (0,), cells=("x",)), Record("2", (1,), cells=("y",))), columns=("who",)
    )
    box = Mark("mask", 0, file="m.png")
    other = Listing("/2", ("b", "c"), (Record("3", (0,), marks=(box,), cells=("7", "z")),), columns=("day", "who"))
    joined = AsFound((one, assembly._placed(Part("more", Folder()), other))).listing
    assert joined.columns == ("who", "day")
    assert [r.cells for r in joined.records] == [("x", ""), ("y", ""), ("z", "7")]
    [mark] = joined.records[2].marks
    assert (joined.records[2].file, mark.label, mark.file) == ("more/3", 1, "more/m.png")


def test_a_folder_that_is_called_as_a_source_is_refused(tmp_path):
    parts = folder(tmp_path / "one", {"cat": 1, "dog": 1}), named(folder(tmp_path / "two", {"a": 1, "b": 1}), "dog")
    with pytest.raises(DataError, match="'dog' is called as one of the other sources"):
        look(parts)


def test_a_further_source_moves_no_image_between_the_sets(two):
    choice = {"val_ratio": 0.34, "test_ratio": 0.0, "seed": 42, "name": "x"}
    alone, both = (look(parts).split(**choice) for parts in (two[:1], two))
    for name in ("train", "val"):
        assert [f for f in both.files[name] if not f.startswith("more/")] == list(alone.files[name])
    assert sum(both.sizes.values()) == 11
    assert both.sizes["val"] > alone.sizes["val"]


def test_sources_with_sets_of_their_own_keep_them_beside_others(tmp_path, two):
    table = tmp_path / "two" / "t.csv"
    table.write_text("file,label,split\nant/0.png,ant,test\nant/1.png,ant,test\ndog/0.png,dog,test\n")
    parts = (two[0], Part("held", Table(path=str(table))))
    split = look(parts).split(val_ratio=0.4, test_ratio=0.0, seed=1, name="x")
    assert split.files["test"] == ("held/ant/0.png", "held/ant/1.png", "held/dog/0.png")
    assert look(parts).listing.own_split is None


def edited(found, *lines):
    return found.edited(added_up(lines))


def test_classes_are_renamed_merged_dropped_and_put_in_order(two):
    found = look(two)
    merged = edited(found, made("class", "1", classes=("cat",), to="dog"), made("order", "2", classes=("ant", "dog")))
    assert (merged.classes, merged.counts) == (("ant", "dog"), (2, 9))
    renamed = edited(found, made("class", "1", classes=("cat",), to="lynx"))
    assert (renamed.classes, renamed.counts) == (("lynx", "dog", "ant"), (3, 6, 2))
    dropped = edited(found, made("class", "1", classes=("cat",), to=""))
    assert (dropped.classes, len(dropped)) == (("dog", "ant"), 8)
    assert dropped.left_out == {"cat/0.png", "cat/1.png", "cat/2.png"}
    assert any("cat (3), and 3 images leave with them" in notice for notice in dropped.notices)
    swapped = edited(
        found,
        made("class", "1", classes=("cat",), to="dog"),
        made("class", "2", classes=("dog",), to="cat"),
    )
    assert (swapped.classes, swapped.counts) == (("dog", "cat", "ant"), (3, 6, 2))


def test_images_are_relabelled_and_left_out_and_the_hash_says_so(two):
    found = look(two)
    lines = [
        made("label", "1", file="cat/0.png", old=("cat",), classes=("ant",)),
        made("exclude", "2", file="more/ant/0.png", reason="blurred"),
        made("exclude", "3", file="gone.png", reason="blurred"),
    ]
    listing = edited(found, *lines)
    assert labelled(listing)["cat/0.png"] == ["ant"]
    assert listing.counts == (2, 6, 2)
    assert listing.left_out == {"more/ant/0.png", "gone.png"}
    assert any("Left out: 1 image: blurred (1)." in notice for notice in listing.notices)
    hashes = {found.hash(added_up(lines[:n])) for n in range(3)}
    assert len(hashes) == 3
    split = found.split(val_ratio=0.34, test_ratio=0.0, seed=42, name="x")
    places = split.places(listing)
    assert sum(map(len, places.values())) == len(listing) == 10
    with pytest.raises(DataError, match="not there any more: more/ant/0"):
        split.places(replace(listing, left_out=frozenset()))


def test_several_labels_and_those_of_no_class_that_is_there(tmp_path):
    images.folder(tmp_path, {"x": 4})
    rows = ["x/0.png,a;b", "x/1.png,b", "x/2.png,c", "x/3.png,"]
    (tmp_path / "t.csv").write_text("file,label\n" + "\n".join(rows))
    found = look((Part("", Table(path=str(tmp_path / "t.csv"))),))
    assert found.listing.multilabel
    listing = edited(found, made("class", "1", classes=("b",), to=""))
    assert labelled(listing) == {"x/0.png": ["a"], "x/2.png": ["c"], "x/3.png": []}
    assert listing.left_out == {"x/1.png"}
    strange = edited(found, made("label", "1", file="x/0.png", old=("a", "b"), classes=("a", "zebra")))
    assert labelled(strange)["x/0.png"] == ["a"]
    assert any("zebra (1)" in notice for notice in strange.notices)
    single = edited(
        found,
        made("label", "1", file="x/0.png", old=("a", "b"), classes=("a",)),
        made("exclude", "2", file="x/3.png", reason=""),
    )
    assert not single.multilabel


def test_edits_that_leave_nothing_to_learn_from_are_refused(two):
    found = look(two[:1])
    with pytest.raises(DataError, match=r"leave 1 class \(pet\)"):
        edited(found, made("class", "1", classes=("cat", "dog"), to="pet"))
    with pytest.raises(DataError, match="leave 0 classes"):
        edited(found, made("class", "1", classes=("cat", "dog"), to=""))
    with pytest.raises(DataError, match="leave no image"):
        edited(found, *(made("exclude", "1", file=r.file, reason="") for r in found.listing.records))


def test_one_class_is_enough_where_marks_say_what_is_where():
    box = Mark("box", 0, (0, 0, 1, 1))
    records = Record("1", (0,), marks=(box,)), Record("2", (1,), marks=(replace(box, label=1),)), Record("3", ())
    listing = AsFound((Listing("/1", ("a", "b"), records, multilabel=True),))
    merged = edited(listing, made("class", "1", classes=("b",), to="a"))
    assert [mark.label for record in merged.records for mark in record.marks] == [0, 0]
    dropped = edited(listing, made("class", "1", classes=("a",), to=""))
    assert [(record.file, len(record.marks)) for record in dropped.records] == [("2", 1), ("3", 0)]


def test_a_class_without_an_image_is_there_once_it_was_added(two):
    listing = edited(look(two[:1]), made("class", "1", classes=("fox",), to="fox"))
    assert (listing.classes, listing.counts) == (("cat", "dog", "fox"), (3, 2, 0))


def test_what_a_run_has_recorded_is_found_again(tmp_path, two):
    log = EditLog(tmp_path / "d.edits.jsonl")
    log.append([made("label", "1", file="cat/0.png", old=("cat",), classes=("dog",))])
    mark = {"file": log.path.name, "bytes": log.mark.bytes, "hash": log.mark.hash}
    frozen = {"name": "d", "sources": [part.plain() for part in two], "edits": mark}
    log.append([made("label", "2", file="cat/0.png", old=("dog",), classes=("ant",))])
    again = assembly.recorded(frozen, tmp_path)
    assert labelled(again.listing)["cat/0.png"] == ["dog"]
    assert again.hash == look(two).hash(added_up(log.lines[:1]))
    older = assembly.recorded({"name": "d", "source": two[0].source.plain()}, tmp_path)
    assert older.hash == two[0].source.listing().content_hash
    with pytest.raises(ProjectError, match="leaves its folder"):
        assembly.recorded({**frozen, "edits": {**mark, "file": "../d.edits.jsonl"}}, tmp_path)
    os.remove(log.path)
    with pytest.raises(DataError, match="Bring"):
        assembly.recorded(frozen, tmp_path)


@pytest.mark.parametrize(
    "plain",
    [None, [], {}, "x", [1], [{"source": {"kind": "folder"}}] * 2, [{"name": "a/b", "source": {"kind": "folder"}}]],
)
def test_sources_edited_into_nonsense_are_refused(plain):
    with pytest.raises(ConfigError):
        assembly.parse(plain)
