"""Sources taken out, brought back and found again; splits renamed, and those that runs have made told in words."""

from __future__ import annotations

import shutil

import pytest

from images import write_classes
from nbtrain import files
from nbtrain.data import assembly
from nbtrain.errors import DataError
from nbtrain.project import dataset_file
from nbtrain.project.automatic import Automatic, automatic
from nbtrain.project.datachange import since
from nbtrain.project.project import Project


@pytest.fixture
def animals(tmp_path, newcomer):
    made = Project(tmp_path / "project")
    made.add_images(write_classes(tmp_path / "images", {"cat": 6, "dog": 5}), "animals")
    made.dataset().add(write_classes(tmp_path / "more", {"cat": 2, "eel": 3}, seed=1))
    yield made
    made.close()


@pytest.fixture
def data(animals):
    return animals.dataset()


def forget_looks(monkeypatch):
    """Let nothing be in memory, as in a kernel that has just started."""
    monkeypatch.setattr(dataset_file, "_LOOKS", type(dataset_file._LOOKS)())


def test_sources_are_told_without_listing_folders(data, monkeypatch):
    told = [(one.name, one.kind, one.n_images, one.n_classes, one.there) for one in data.source_facts]
    assert told == [("", "Image folder", 11, 2, True), ("more", "Image folder", 5, 2, True)]
    forget_looks(monkeypatch)
    monkeypatch.setattr(assembly, "look", lambda parts: pytest.fail("a folder was listed"))
    assert [one.n_images for one in data.source_facts] == [None, None]


def test_a_source_leaves_and_comes_back_with_its_edits(animals, data, tmp_path):
    data.relabel("more/cat/000.png", "eel")
    data.exclude("more/eel/001.png")
    before = data.value
    data.remove_source("more")
    assert (data.counts, data.value.removed[0].name) == ({"cat": 6, "dog": 5}, "more")
    data.rename("dog", "hound")
    assert [(one.name, one.removed) for one in Project(animals.path).dataset().source_facts] == [
        ("", False), ("more", True)
    ]  # fmt: skip
    assert (tmp_path / "more/cat/000.png").exists()
    data.undo()
    data.add(tmp_path / "more")  # adding it again is bringing it back
    assert (data.value.hash, data.value.parts, data.value.removed) == (before.hash, before.parts, ())
    data.remove_source(str(tmp_path / "images"))  # the first, by its path
    assert [r.file.split("/")[0] for r in data.listing().records] == ["more"] * 4
    with pytest.raises(DataError, match="only source"):
        data.remove_source("more")
    with pytest.raises(DataError, match="no such source was taken out"):
        data.restore_source("more")
    data.restore_source("")
    assert data.value.hash == before.hash
    with pytest.raises(DataError, match=r"no such source.*There are: .*'more'"):
        data.remove_source("cats")


def test_too_little_left_changes_nothing(data, tmp_path):
    data.add(write_classes(tmp_path / "third", {"cat": 1}))
    data.remove_source("more")
    with pytest.raises(DataError, match="only one class"):
        data.remove_source("")
    assert len(data.sources) == 2


@pytest.mark.parametrize("remembered", ["memory", "split", "nothing"])
def test_a_folder_that_has_moved_is_found_again(animals, data, tmp_path, monkeypatch, remembered):
    before = data.value.hash
    if remembered == "split":
        animals.data.make_split(animals.new_config().data.replace(dataset="animals"))
    shutil.move(tmp_path / "more", tmp_path / "elsewhere")
    if remembered != "memory":
        forget_looks(monkeypatch)
    assert [one.there for one in data.source_facts] == [True, False]
    match = data.check_source("more", tmp_path / "elsewhere")
    assert (match.n_same, match.exact, match.whole, str(match)) == (
        5, True, True, "All 5 images are there, with the same labels."
    )  # fmt: skip
    (tmp_path / "elsewhere/eel/002.png").unlink()
    match = data.check_source("more", tmp_path / "elsewhere")
    assert match.missing == (() if remembered == "nothing" else ("more/eel/002.png",))
    with pytest.raises(DataError, match="not all images"):
        data.move_source("more", tmp_path / "elsewhere")
    with pytest.raises(DataError, match="no such path"):
        data.move_source("more", tmp_path / "nowhere")
    write_classes(tmp_path / "others", {"cow": 1, "pig": 1})
    if remembered != "nothing":
        with pytest.raises(DataError, match="none of the source's images"):
            data.move_source("more", tmp_path / "others", partly=True)
    assert data.sources["more"] == str(tmp_path / "more")
    data.move_source("more", tmp_path / "elsewhere", partly=True)
    assert (data.sources["more"], data.value.n_images) == (str(tmp_path / "elsewhere"), 15)
    assert data.value.hash != before
    write_classes(tmp_path / "new", {"eel": 3})
    shutil.copy(tmp_path / "new/eel/002.png", tmp_path / "elsewhere/eel/002.png")
    data.refresh()
    assert data.value.n_images == 16


def test_a_run_says_which_sources_came_and_went_since(animals, data, tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    files.write_json(run / "config.json", {"dataset": data.value.frozen()})
    shutil.move(tmp_path / "more", tmp_path / "elsewhere")
    data.move_source("more", tmp_path / "elsewhere")
    assert since(run, animals.data) is None  # the same images, elsewhere
    data.remove_source("more")
    data.add(write_classes(tmp_path / "third", {"cow": 2}))
    told = str(since(run, animals.data))
    assert told == f"added: {tmp_path / 'third'}; taken out: {tmp_path / 'more'}"


def test_annotations_move_with_their_images(animals, tmp_path):
    folder = write_classes(tmp_path / "labelled", {"a": 2, "b": 2})
    rows = "".join(f"{name}/00{i}.png,{name}\n" for name in "ab" for i in range(2))
    (folder / "labels.csv").write_text(f"file,label\n{rows}")
    data = animals.dataset(animals.add_images(folder / "labels.csv", "table").name)
    shutil.move(folder, tmp_path / "moved")
    assert data.move_source("", tmp_path / "moved").exact  # the folder that holds the table
    assert data.sources[""] == str(tmp_path / "moved" / "labels.csv")


def test_splits_are_renamed_unless_a_run_used_them(animals, data):
    data.split("first try")
    exp = animals.new("One", animals.new_config().set("data.split", "first try"))
    renamed = data.rename_split("first try", "by hand")
    assert (data.splits, exp.config.data.split, renamed.name) == (["by-hand"], "by hand", "by hand")
    data.split("other")
    with pytest.raises(DataError, match="such a split already"):
        data.rename_split("other", "by hand")
    with pytest.raises(DataError, match="needs a name"):
        data.rename_split("other", " ")
    assert data.rename_split("other", "other").name == "other"
    exp.save()
    run = exp.folder / "runs" / "0001"
    run.mkdir(parents=True)
    files.write_json(run / "config.json", {"split": {"name": "other"}})
    with pytest.raises(DataError, match=r"locked: One, run 1 used it"):
        data.rename_split("other", "else")


def test_splits_of_runs_are_known_by_their_names(animals, data):
    config = animals.new_config().data.replace(dataset="animals", test_ratio=0.1, split_seed=3)
    name = animals.data.make_split(config).name
    found = automatic(name, "animals")
    assert found == Automatic(0.2, 0.1, 3, data.value.base[:8])
    assert found.words == "20 % val, 10 % test, seed 3"
    assert automatic("animals-own-seed42-0123abcd", "animals").words == "the source's own sets, seed 42"
    assert automatic("animals-1e-05-0-seed1-0123abcd", "animals").val == 1e-5
    for other in ("by-patient", "animals-cross-1-of-5", "animals-own-seed42-nothex00", name.upper()):
        assert automatic(other, "animals") is None
    assert automatic(name, "anim") is None
