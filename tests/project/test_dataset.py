"""A data set from code: sources, classes, images, undo, splits; two who edit at once; nothing lost, nothing silent."""

import json
import os
from threading import Thread

import pytest

from images import write_classes
from nbtrain import files
from nbtrain.data import assembly
from nbtrain.data.edit_log import EditLog
from nbtrain.errors import DataError, ProjectError
from nbtrain.project.project import Project


@pytest.fixture
def animals(tmp_path, newcomer):
    made = Project(tmp_path / "project")
    made.add_images(write_classes(tmp_path / "images", {"cat": 6, "ct": 3, "dog": 5}), "animals")
    yield made
    made.close()


@pytest.fixture
def data(animals):
    return animals.dataset()


def again(project):
    """The same data set as another kernel sees it, which reads everything anew."""
    return Project(project.path)


def labels(data):
    listing = data.listing()
    return {r.file: tuple(listing.classes[i] for i in r.labels) for r in listing.records}


def test_classes_images_and_what_was_said_of_them(animals, data):
    assert animals.dataset("animals").classes == ("cat", "ct", "dog")
    data.rename("ct", "cat")
    data.relabel("dog/000.png", "cat", seen="dog")
    data.exclude(["dog/001.png", "dog/002.png"], "blurred")
    assert (data.classes, data.counts, data.version) == (("cat", "dog"), {"cat": 10, "dog": 2}, 3)
    assert [(one.file, one.reason) for one in data.excluded] == [
        ("dog/001.png", "blurred"), ("dog/002.png", "blurred")
    ]  # fmt: skip
    assert any("Left out: 2 images: blurred (2)." in told for told in data.problems)
    assert [one.text for one in data.history] == ["ct → cat", "dog/000.png: dog → cat", "left out 2 images: blurred"]
    data.include("dog/001.png")
    data.reorder(["dog"])
    assert (data.classes, data.counts) == (("dog", "cat"), {"dog": 3, "cat": 10})
    assert sorted(os.listdir(animals.data.folder))[:2] == [".animals.lock", "animals.edits.jsonl"]
    assert "images" in repr(data)


def test_every_edit_can_be_taken_back_and_made_again(data):
    states = [data.value.hash]
    for change in (
        lambda: data.rename("cat", "lynx"),
        lambda: data.relabel("dog/000.png", "lynx"),
        lambda: data.drop("ct"),
        lambda: data.add_class("fox"),
        lambda: data.reorder(["fox", "dog"]),
        lambda: data.exclude("dog/001.png"),
    ):
        change()
        states.append(data.value.hash)
    assert len(set(states)) == len(states)
    assert data.classes == ("fox", "dog", "lynx")
    for state in reversed(states[:-1]):
        assert data.undo().taken_back
        assert data.value.hash == state
    with pytest.raises(DataError, match="no edit of yours to take back"):
        data.undo()
    for state in states[1:]:
        data.redo()
        assert data.value.hash == state
    with pytest.raises(DataError, match="nothing to make again"):
        data.redo()
    first = data.history[0].id
    data.undo(first)
    assert data.classes == ("fox", "dog", "cat")
    with pytest.raises(DataError, match="taken back already"):
        data.undo(first)


def test_merged_dropped_and_swapped_classes_are_found_again(data):
    data.merge(["cat", "ct"], into="feline")
    assert data.counts == {"feline": 9, "dog": 5}
    data.relabel("dog/000.png", "feline")
    data.as_found("ct")
    assert data.counts == {"feline": 7, "ct": 3, "dog": 4}
    data.as_found()
    assert data.counts == {"cat": 7, "ct": 3, "dog": 4}
    data.rename("cat", "x")
    data.rename("dog", "cat")
    data.rename("x", "dog")
    assert data.counts == {"dog": 7, "ct": 3, "cat": 4}
    data.relabel("ct/000.png", "dog")
    assert labels(data)["ct/000.png"] == ("dog",)
    data.add_class("x")  # a name that was used in between
    data.relabel("ct/001.png", "x")
    assert data.counts == {"dog": 8, "ct": 1, "cat": 4, "x": 1}


def test_experiments_look_again_when_their_data_were_edited(animals, data):
    experiment, heard = animals.new(), []
    experiment.observe(lambda change: heard.append(change["new"]["n_images"]), "data_info")
    data.exclude("dog/001.png")
    data.undo()
    assert heard == [13, 14]


def test_another_kernel_sees_each_edit_at_once(animals, data):
    other = again(animals)
    seen = other.dataset()
    experiment = other.new()
    data.relabel("dog/000.png", "cat")
    data.exclude("dog/001.png")
    assert (seen.counts, seen.value.hash) == (data.counts, data.value.hash)
    assert other.data_info(experiment.config)["n_images"] == 13
    seen.rename("ct", "kitten")
    assert data.classes == ("cat", "kitten", "dog")
    other.close()


def test_two_who_relabel_at_once_are_told_and_the_last_one_wins(animals, data):
    other = again(animals)
    theirs = other.dataset()
    done = theirs.relabel(["dog/000.png", "dog/001.png"], "ct")
    assert (len(done.files), done.conflicts) == (2, ())
    [conflict] = data.relabel(["dog/000.png", "dog/002.png"], "cat").conflicts  # sees the data as they were before
    assert (conflict.file, conflict.seen, conflict.theirs) == ("dog/000.png", ("dog",), ("ct",))
    assert str(os.getpid()) in conflict.by
    assert [labels(theirs)[f"dog/00{i}.png"] for i in range(3)] == [("cat",), ("ct",), ("cat",)]
    assert len(data.history) == 2
    assert data.relabel("dog/001.png", "cat", seen="dog").conflicts[0].theirs == ("ct",)
    assert data.relabel("dog/002.png", "ct", seen="cat").conflicts == ()
    assert data.relabel("dog/002.png", "ct").id == ""  # nothing to say, nothing said
    other.close()


def test_nothing_is_lost_where_two_edit_at_once(animals, data):
    other = again(animals)
    theirs = other.dataset()
    named = [record.file for record in data.listing().records]

    def edit(mine, own):
        for number, file in enumerate(own):
            mine.relabel(file, "ct") if number % 2 else mine.exclude(file, "both")

    busy = [Thread(target=edit, args=pair) for pair in ((data, named[:6]), (theirs, named[6:12]))]
    for thread in busy:
        thread.start()
    for thread in busy:
        thread.join()
    assert data.version == theirs.version >= 10
    assert [one.file for one in sorted(data.excluded, key=lambda one: one.file)] == sorted(named[0:12:2])
    assert data.value.hash == theirs.value.hash == again_hash(animals)
    other.close()


def again_listing(project):
    value = project.data.get("animals")
    return assembly.look(value.parts).edited(value.edits)


def again_hash(project):
    other = again(project)
    try:
        return other.dataset().value.hash
    finally:
        other.close()


def test_a_split_stays_the_same_through_every_edit(animals, data):
    config = animals.new_config()
    before = animals.data.make_split(config.data)
    data.relabel("dog/000.png", "cat")
    data.rename("ct", "cat")
    data.exclude(before.files["val"][0])
    after = animals.data.make_split(config.data)
    assert (after.name, after.hash) == (before.name, before.hash)
    assert animals.data.split_names() == [before.name]
    places = after.places(data.listing())
    assert len(places["val"]) == len(before.files["val"]) - 1
    assert animals.data_info(config)["val"] == len(places["val"])
    data.add_class("fox")
    data.drop("dog")
    data.add_class("dog")
    sizes = {name: len(own) for name, own in after.places(data.listing()).items()}
    assert {name: animals.data_info(config)[name] for name in sizes} == sizes


def test_a_split_made_after_edits_is_the_one_made_before(animals, data):
    data.relabel("dog/000.png", "cat")
    data.exclude("cat/000.png")
    late = animals.data.make_split(animals.new_config().data)
    data.undo()
    data.undo()
    (animals.data.splits_folder / f"{late.name}.json").unlink()
    assert animals.data.make_split(animals.new_config().data).hash == late.hash


def test_sources_are_added_and_classes_matched(tmp_path, animals, data):
    split = animals.data.make_split(animals.new_config().data)
    more = write_classes(tmp_path / "more dogs", {"dog": 2, "fox": 4})
    data.relabel("dog/000.png", "cat")
    data.add(more)
    assert data.counts == {"cat": 7, "ct": 3, "dog": 6, "fox": 4}
    assert list(data.sources) == ["", "more-dogs"]
    listing = data.listing()
    assert (listing.root / "more-dogs/fox/003.png").exists()
    assert (listing.root / "dog/000.png").exists()
    split.places(listing)  # every file of the split is still there by its name
    both = animals.data.make_split(animals.new_config().data)
    assert set(split.files["val"]) <= set(both.files["val"])
    with pytest.raises(DataError, match="part of the data set already"):
        data.add(more)
    script = animals.new().as_python()
    assert f"project.dataset('animals').add(Folder(path={str(more)!r}))" in script
    compile(script, "script", "exec")
    with pytest.raises(DataError, match="taken by another data set"):
        animals.add_images(write_classes(tmp_path / "others", {"a": 2, "b": 2}), "animals")
    assert animals.add_images(more, "animals").n_images == 20
    assert animals.add_images(tmp_path / "images", "animals").counts == (7, 3, 6, 4)


def test_a_data_set_of_another_project_is_copied_or_merged_with_its_edits(tmp_path, animals, data):
    data.merge(["cat", "ct"], into="feline")
    data.exclude("dog/001.png", "a fox")
    data.relabel("dog/000.png", "feline")
    other = Project(tmp_path / "other")
    copy = other.add_images(data, "copied")
    assert (copy.counts, copy.hash) == (data.value.counts, data.value.hash)
    other.dataset("copied").undo()
    assert other.dataset("copied").version == data.version + 1
    other.add_images(write_classes(tmp_path / "mine", {"dog": 2, "fox": 2}), "mine")
    mine = other.dataset("mine")
    mine.add(animals.data.get("animals"))
    assert mine.counts == {"dog": 5, "fox": 2, "feline": 10}
    assert [(one.file, one.reason) for one in mine.excluded] == [("animals/dog/001.png", "a fox")]
    assert labels(mine)["animals/dog/000.png"] == ("feline",)
    other.add_images(write_classes(tmp_path / "third", {"ct": 2, "fox": 2}), "third")
    with pytest.raises(DataError, match="'ct' is called 'feline' there and 'ct' here"):
        other.dataset("third").add(data)
    with pytest.raises(DataError, match="taken"):
        other.add_images(data, "mine")
    other.close()


def test_files_of_the_older_form_are_read_and_lifted(animals, data):
    path = data.value.file
    now = json.loads(path.read_text())
    older = {
        name: now[name] for name in ("name", "classes", "counts", "n_images", "multilabel", "own_split", "notices")
    }
    path.write_text(json.dumps({"format": 1, **older, "source": now["sources"][0]["source"], "hash": now["base"]}))
    lifted = again(animals)
    assert lifted.data.get("animals").hash == now["base"]
    lifted.dataset().relabel("dog/000.png", "cat")
    assert json.loads(path.read_text())["format"] == 2
    assert data.counts == {"cat": 7, "ct": 3, "dog": 4}
    lifted.close()


def test_what_a_journal_says_counts_also_where_the_file_was_not_written_any_more(animals, data, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "full")

    with monkeypatch.context() as patched:
        patched.setattr(files, "write_json", full)
        made = data.relabel("dog/000.png", "cat")
    assert made.id
    other = again(animals)
    assert other.dataset().counts == data.counts == {"cat": 7, "ct": 3, "dog": 4}
    other.close()


def test_a_journal_edited_into_nonsense_is_told_and_loses_nothing_else(animals, data):
    data.relabel("dog/000.png", "cat")
    log = data.value.log_path
    log.write_bytes(b"nonsense\n" + log.read_bytes() + b'{"torn')
    assert data.counts == {"cat": 7, "ct": 3, "dog": 4}
    assert any("1 line of animals.edits.jsonl could not be read" in told for told in data.problems)
    data.exclude("dog/001.png")
    assert EditLog(log).look().version == 2
    split = animals.data.make_split(animals.new_config().data)
    (animals.path.parent / "images" / "dog" / "001.png").unlink()  # it was left out: nobody misses it
    assert "dog/001.png" in {file for own in split.files.values() for file in own}
    split.places(again_listing(animals))
    data.refresh()
    assert any("1 edit speaks of an image that the sources do not have" in told for told in data.problems)
    log.unlink()
    assert data.counts == {"cat": 6, "ct": 3, "dog": 4}
    assert any("animals.edits.jsonl is shorter than it was" in told for told in data.problems)


def test_data_sets_whose_names_are_spelt_alike_on_disk_do_not_take_each_others_place(tmp_path, animals):
    for name in ("é!", "e?"):
        animals.add_images(write_classes(tmp_path / name.encode().hex(), {"a": 2, "b": 2}), name)
    assert animals.data.names() == ["animals", "e?", "é!"]


NO_IMAGE = "no such image.*Did you mean dog/00"


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda d: d.rename("cta", "x"), "no such class.*Did you mean"),
        (lambda d: d.rename("ct", "   "), "no name for a class"),
        (lambda d: d.rename("ct", "a\nb"), "no name for a class"),
        (lambda d: d.merge([], "x"), "no class was named"),
        (lambda d: d.merge(d.classes, into="pet"), r"leave 1 class \(pet\)"),
        (lambda d: d.drop("cat", "ct"), r"leave 1 class \(dog\)"),
        (lambda d: d.drop("cat", "ct", "dog"), "leave 0 classes"),
        (lambda d: d.add_class("cat"), "such a class already"),
        (lambda d: d.reorder(["dog", "dog"]), "named twice"),
        (lambda d: d.reorder(["fox"]), "no such class"),
        (lambda d: d.as_found("fox"), "none of the sources"),
        (lambda d: d.as_found("cat"), "nothing was said"),
        (lambda d: d.relabel("dog/00.png", "cat"), NO_IMAGE),
        (lambda d: d.relabel("dog/000.png", "fox"), "no such class"),
        (lambda d: d.relabel("dog/000.png", ["cat", "ct"]), "exactly one class"),
        (lambda d: d.relabel("dog/000.png", []), "exactly one class"),
        (lambda d: d.exclude([]), "no image was named"),
        (lambda d: d.exclude("../secret"), "no such image"),
        (lambda d: d.exclude([r.file for r in d.listing().records]), "leave no image"),
        (lambda d: d.include("dog/000.png"), "not left out"),
        (lambda d: d.undo("zzz"), "no edit with this id"),
        (lambda d: d.add("/nowhere"), "no such path"),
        (lambda d: d.named_split("x"), "no such split"),
        (lambda d: d.delete_split("x"), "no such split"),
        (lambda d: d.split(" "), "needs a name"),
        (lambda d: d.split("x", by="patient"), "no such column"),
        (lambda d: d.split("x", own=True), "says nothing about train and val"),
        (lambda d: d.split("x", own=True, by="patient"), "cannot be grouped"),
        (lambda d: d.k_fold("x", 4), "4 folds are more than the 3 images of the class 'ct'"),
    ],
)
def test_what_cannot_be_said_is_refused_and_leaves_no_trace(data, make, told):
    before = data.value.hash
    with pytest.raises(DataError, match=told):
        make(data)
    assert (data.value.hash, data.version, data.splits) == (before, 0, [])


def test_one_of_several_data_sets_must_be_named(tmp_path, animals):
    animals.add_images(write_classes(tmp_path / "more", {"a": 2, "b": 2}))
    with pytest.raises(DataError, match="Name one of: animals, more"):
        animals.dataset()
    with pytest.raises(DataError, match="no such data set"):
        animals.dataset("plants")


def test_a_full_disk_loses_no_edit_and_says_so(data, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full)
        with pytest.raises(ProjectError, match="could not be stored: No space left"):
            data.exclude("dog/000.png")
    assert (data.version, len(data.excluded)) == (0, 0)


def test_named_splits_are_kept_listed_replaced_and_deleted(animals, data):
    made = data.split("by hand", val_ratio=0.3, seed=7)
    assert data.splits == ["by-hand"]
    assert data.named_split("by hand") == made
    config = animals.new_config().set("data.split", "by hand")
    assert animals.data.split(config.data).hash == made.hash
    with pytest.raises(DataError, match="such a split already"):
        data.split("by hand")
    assert data.split("by hand", val_ratio=0.4, replace=True).hash != made.hash
    folds = data.k_fold("cv", 3)
    assert data.splits == ["by-hand", "cv-1-of-3", "cv-2-of-3", "cv-3-of-3"]
    assert data.leaks([(folds[0].files["val"][0], folds[0].files["train"][0])], "cv-1-of-3")
    copies = [("cat/000.png", "cat/001.png"), ("dog/000.png", "cat/002.png")]
    assert data.leaks(copies, data.split("clean", together=copies)) == []
    data.delete_split("by hand")
    assert "by-hand" not in data.splits
    [problem] = animals.data_problems(config)
    assert (problem.path, problem.message) == ("data.split", "there is no such split (got 'by hand').")
    assert list((animals.path / "trash").iterdir())


def test_classes_whose_names_look_like_one_are_found_and_merged(tmp_path, data):
    assert data.alike() == ()
    data.add(write_classes(tmp_path / "more", {"Cat": 3, "d\u043eg": 1}))
    first, second = data.alike()
    assert (first.names, second.names) == (("cat", "Cat"), ("dog", "d\u043eg"))
    assert "cyrillic small letter o" in second.how
    for group in (first, second):
        data.merge(group.names, into=group.into(data.counts))
    assert data.counts == {"cat": 9, "ct": 3, "dog": 6}
    assert data.alike() == ()
    assert not any("look like one class" in told for told in data.problems)
    data.undo()
    assert len(data.alike()) == 1
