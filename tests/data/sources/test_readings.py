"""What may be meant in several ways is shown with each way, and asked about before it is used."""

from __future__ import annotations

import csv
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from data import formats, images
from nbtrain.data.sources import Archive, AskError, Folder, LabelStudio, Source, Table, chosen, detect, look, settled
from nbtrain.errors import DataError


def folders(root: Path, *names: str) -> Path:
    """Write two images into each folder, none of which is called as another."""
    for place, name in enumerate(names):
        for i in range(2):
            images.write(root / name / f"{place}{i}.png", seed=2 * place + i)
    return root


def table(root: Path, header: str, *rows: str, name: str = "t.csv") -> Path:
    """Write a table of the images 0.png, 1.png, … beside them; cells are parted by semicolons here alone."""
    for i in range(len(rows)):
        images.write(root / f"{i}.png", seed=i)
    with open(root / name, "w", newline="") as file:
        cells = [row.split(";") for row in rows]
        csv.writer(file).writerows([["file", *header.split(";")], *([f"{i}.png", *row] for i, row in enumerate(cells))])
    return root / name


def studio(root: Path) -> Path:
    """Write a Label Studio export in which each image has a species and a quality."""
    tasks = []
    for i, (species, quality) in enumerate((("cat", "good"), ("dog", "bad"), ("cat", "bad"))):
        images.write(root / f"{i}.png", seed=i)
        given = (("species", species), ("quality", quality))
        result = [{"from_name": name, "type": "choices", "value": {"choices": [one]}} for name, one in given]
        tasks.append({"id": i + 1, "data": {"image": f"{i}.png"}, "annotations": [{"result": result}]})
    (root / "export.json").write_text(json.dumps(tasks))
    return root / "export.json"


def parts(root: Path) -> Path:
    """Write images in two parts that are no classes, beside a table of them without endings."""
    folders(root, "part_1", "part_2")
    rows = [f"{path.stem},{'mole' if i % 2 else 'wart'}" for i, path in enumerate(sorted(root.rglob("*.png")))]
    (root / "meta.csv").write_text("\n".join(["id,dx", *rows]) + "\n")
    return root


def listed(root: Path) -> Path:
    """Write a table of the images in folders that says of each what its folder is called."""
    rows = [f"{path.name},{path.parent.name}" for path in sorted(root.rglob("*.png"))]
    (root / "t.csv").write_text("\n".join(["file,label", *rows]) + "\n")
    return root


def ages(root: Path) -> Path:
    folders(root, "cat", "dog")
    (root / "t.csv").write_text("age,file\ncat,00.png\nold,01.png\nyoung,10.png\nold,11.png\n")
    return root


def sets_of_two_tables(root: Path) -> Path:
    for folder, names in (("train", ("x", "y")), ("val", ("x",))):
        for name in names:
            table(root / folder, "label", "a", "b", name=f"{name}.csv")
    return root


def named_alone(root: Path) -> Path:
    (root / "list.csv").write_text("\n".join(["file", *(path.name for path in sorted(root.rglob("*.png")))]) + "\n")
    return root


def two_tables(root: Path, one: str = "one", two: str = "two") -> Path:
    table(root, "label", "a", "b", name=f"{one}.csv")
    return table(root, "label", "c", "d", name=f"{two}.csv").parent


@dataclass(frozen=True)
class Doubt:
    """Something that may be meant in several ways, and the classes that each answer gives, in their order."""

    write: Callable[[Path], Path]
    question: str
    classes: tuple[tuple[str, ...] | str, ...]
    """By answer; a text is the error of one that gives nothing to learn."""


DOUBTS = {
    "a folder called like a set beside classes": Doubt(
        lambda root: folders(root, "cat", "dog", "test"),
        "Is the folder test a class, or a set of images without classes?",
        (("cat", "dog", "test"), ("cat", "dog")),
    ),
    "folders called like sets alone": Doubt(
        lambda root: folders(root, "train", "test"),
        "Are the folders test and train classes, or sets of images without classes?",
        (("test", "train"), "have no class"),
    ),
    "sets without one that trains": Doubt(
        lambda root: folders(root, "val/cat", "val/dog", "test/cat", "test/dog"),
        "Are the folders test and val classes, or sets of images?",
        (("test", "val"), ("cat", "dog")),
    ),
    "two tables in the folder of a set": Doubt(
        sets_of_two_tables,
        "Are the folders train and val classes, or sets of images without classes?",
        (("train", "val"), "have no class"),
    ),
    "one set among other folders": Doubt(
        lambda root: folders(root, "train/a", "train/b", "bus", "car"),
        "Is the folder train a set of images, or a class as bus, car?",
        (("a", "b"), ("bus", "car", "train")),
    ),
    "folders of images beside a table": Doubt(
        parts, "Does meta.csv say what the images show, or do the folders part_1, part_2?",
        (("mole", "wart"), ("part_1", "part_2")),
    ),
    "commas in names": Doubt(
        lambda root: table(root, "label", "Corgi, Pembroke", "Corgi, Cardigan", "pug"),
        "Is “Corgi, Pembroke” in label one label, or several with commas between them?",
        (("Corgi, Cardigan", "Corgi, Pembroke", "pug"), ("Cardigan", "Corgi", "Pembroke", "pug")),
    ),
    "spaces in names": Doubt(
        lambda root: table(root, "label", "red car", "blue car", "red bus", "blue bus", "car"),
        "with spaces between them?",
        (("blue bus", "blue car", "car", "red bus", "red car"), ("blue", "bus", "car", "red")),
    ),
    "several columns of labels": Doubt(
        lambda root: table(root, "species;quality;mass", "cat;good;1.5", "dog;bad;2.5", "cat;bad;3.25"),
        "Which column of t.csv holds the labels?",
        (("cat", "dog"), ("bad", "good"), ("bad", "cat", "dog", "good")),
    ),
    "columns of 0 and 1 beside others": Doubt(
        lambda root: table(root, "eye;cat;dog", "left;1;0", "right;0;1", "left;1;1"),
        "Which column of t.csv holds the labels?",
        (("cat", "dog"), ("left", "right")),
    ),
    "a column of numbers and one of words": Doubt(
        lambda root: table(root, "grade;species", "1;cat", "2;dog", "1;dog"),
        "Which column of t.csv holds the labels?",
        (("cat", "dog"), ("1", "2")),
    ),
    "breeds and kinds in columns called like labels": Doubt(
        lambda root: table(root, "label;class", "pug;dog", "corgi;dog", "tabby;cat"),
        "Which column of t.csv holds the labels?",
        (("cat", "dog"), ("corgi", "pug", "tabby"), ("cat", "corgi", "dog", "pug", "tabby")),
    ),
    "minus one beside 0 and 1": Doubt(
        lambda root: table(root, "a;b", "1;0", "-1;1", "0;1"),
        "t.csv, line 3: a holds -1 where others hold 0",
        (("a", "b"), ("a", "b"), ("a", "b")),
    ),
    "several groups of choices": Doubt(
        studio, "species and quality are groups of choices: which are the labels?",
        (("bad", "cat", "dog", "good"), ("cat", "dog"), ("bad", "good")),
    ),
    "a table of which one word is the name of a folder": Doubt(
        ages, "Does t.csv say what the images show, or do the folders cat, dog?",
        (("cat", "old", "young"), ("cat", "dog")),
    ),
    "several tables, of which the second sounds as if it trained": Doubt(
        lambda root: two_tables(root, "more", "train_birds"),
        "Which table says what the images show: train_birds.csv, more.csv?",
        (("c", "d"), ("a", "b")),
    ),
    "several tables": Doubt(
        two_tables,
        "Which table says what the images show: one.csv, two.csv?",
        (("a", "b"), ("c", "d")),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", DOUBTS)
def test_doubt_is_asked_about_and_each_answer_settles_it(name, tmp_path):
    doubt = DOUBTS[name]
    path = doubt.write(tmp_path / "set")
    found = look(path)
    asked = found.questions[0]
    assert doubt.question in asked.text
    assert found.readings[: len(asked.readings)] == asked.readings
    assert len({reading.title for reading in asked.readings}) == len(doubt.classes)
    for reading, classes in zip(asked.readings, doubt.classes, strict=True):
        if isinstance(classes, str):
            with pytest.raises(DataError, match=classes):
                look(reading.source)
            continue
        answered = look(reading.source)
        assert tuple(sorted(answered.classes)) == classes
        assert not answered.questions
        assert Source.parse(reading.source.plain()) == reading.source
    assert found.classes == look(asked.readings[0].source).classes  # the first is what is shown until it is answered


@pytest.mark.parametrize("name", DOUBTS)
def test_an_unanswered_question_is_an_error_with_the_code_of_each_answer(name, tmp_path):
    path = DOUBTS[name].write(tmp_path / "set")

    def add() -> None:
        source = detect(path)
        settled(source, source.listing())

    with pytest.raises(AskError) as refused:
        add()
    for number, reading in enumerate(refused.value.readings, 1):
        assert f"({number}) {reading.title}: {reading.code}" in str(refused.value)
        code = {kind.__name__: kind for kind in Source.kinds().values()}
        assert eval(reading.code, code) == reading.source


CLEAR: dict[str, Callable[[Path], Path]] = {
    **{name: one.write for name, one in formats.FORMATS.items()},
    "class folders": lambda root: folders(root, "cat", "dog"),
    "sets": lambda root: folders(root, "train/cat", "train/dog", "val/cat", "val/dog", "test/cat"),
    "a set without classes beside others": lambda root: folders(root, "train/cat", "train/dog", "val/cat", "test"),
    "sets in classes": lambda root: folders(root, "cat/train", "cat/val", "dog/train", "dog/val"),
    "one more folder beside a set": lambda root: folders(root, "train/cat", "train/dog", "extra"),
    "places": lambda root: table(root, "label", "Paris, France", "Rome, Italy", "Oslo"),
    "polar bears": lambda root: table(root, "label", "polar bear", "black bear", "bear"),
    "numbers and words of the same classes": lambda root: table(root, "label;class_name", "0;cat", "1;dog", "0;cat"),
    "one column of labels and others": lambda root: table(root, "label;eye", "cat;left", "dog;right", "cat;right"),
    "a table that says what folders say": lambda root: listed(folders(root, "cat", "dog")),
    "a list of names beside class folders": lambda root: named_alone(folders(root, "cat", "dog")),
    "columns of 1 alone": lambda root: table(root, "eye;seen;kept", "left;1;1", "right;1;1"),
    "another patient in each row": lambda root: table(
        root, "patient;eye", *(f"p{i};{'left' if i % 2 else 'right'}" for i in range(24))
    ),
    "measurements of which some are whole": lambda root: table(root, "mass;eye", "1;left", "1.5;right", "2;left"),
}


@pytest.mark.parametrize("name", CLEAR)
def test_what_is_clear_is_not_asked_about(name, tmp_path):
    found = look(CLEAR[name](tmp_path / "set"))
    assert found.questions == ()
    assert found.readings[0].source == found.source


OTHERS: dict[str, tuple[Callable[[Path], Path], dict[str, Any]]] = {
    "sets as classes": (CLEAR["sets"], {"kind": "folder", "sets": "none"}),
    "a table beside class folders": (CLEAR["a table that says what folders say"], {"kind": "table"}),
    "each cell one label": (lambda root: table(root, "label", "a|b", "a", "b"), {"separator": ""}),
    "another column": (CLEAR["one column of labels and others"], {"label_columns": ["eye"]}),
    "class folders beside COCO": (
        lambda root: formats.coco(folders(root, "cat", "dog")), {"kind": "folder"}
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", OTHERS)
def test_other_readings_are_listed_and_can_be_used(name, tmp_path):
    write, settings = OTHERS[name]
    found = look(write(tmp_path / "set"))
    others = [one for one in found.readings[1:] if settings.items() <= one.source.plain().items()]
    assert len(others) == 1
    assert look(others[0].source).n_images
    sources = [repr(one.source.plain()) for one in found.readings]
    assert len(set(sources)) == len(sources)
    assert f"  {found.number(others[0])}. {others[0].title}: {others[0].why}" in list(found.lines())


def test_other_readings_are_listed_beside_a_question(tmp_path):
    lines = list(look(table(tmp_path, "label;eye", "Corgi, Pembroke;l", "Corgi, Cardigan;r", "pug;l")).lines())
    assert "  3. Labels: eye: It says l, r." in lines[lines.index("other readings:") :]


def test_the_range_of_values_stays_with_every_reading_but_those_of_values(tmp_path):
    path = CLEAR["a table that says what folders say"](tmp_path / "set")
    readings = look(Folder(path=str(path), values="12 bits")).readings
    assert [(one.title, one.source.values) for one in readings] == [
        ("Class folders", "12 bits"), ("Table: t.csv", "12 bits"), ("Values: by a sample", "auto"),
    ]  # fmt: skip


def test_the_reason_of_the_first_answer_is_told_where_none_can_be_read(tmp_path):
    table(tmp_path, "label", "a", "a", name="one.csv")
    table(tmp_path, "label", "b", "b", name="two.csv")
    with pytest.raises(DataError, match=r"only one class \(a\)"):
        look(tmp_path)


def test_a_table_of_which_a_look_reads_a_part_is_recognised(tmp_path):
    table(tmp_path, "label;note", *(f"{'ab'[i % 2]};{'x, ' * 500}" for i in range(50)))
    assert look(tmp_path).classes == ("a", "b")


def test_numbers_words_and_the_words_are_taken(tmp_path):
    found = look(CLEAR["numbers and words of the same classes"](tmp_path / "set"))
    assert (found.classes, list(found.columns)) == (("cat", "dog"), ["label"])


def test_a_lone_table_beside_loose_images_is_read(tmp_path):
    found = look(table(tmp_path, "label", "a", "b").parent)
    assert isinstance(found.source, Table)
    assert found.classes == ("a", "b")


def test_groups_that_are_no_labels_become_columns(tmp_path):
    path = studio(tmp_path)
    assert look(path).readings[1].why == "It says cat, dog; quality becomes a column."
    titles = [one.title for one in look(LabelStudio(path=str(path), groups=("species",))).readings]
    assert titles == ["Labels: species", "Labels: all groups", "Labels: quality"]
    tasks = json.loads(path.read_text())
    tasks[1]["annotations"][0]["result"][1]["value"]["choices"] += ["sharp"]
    path.write_text(json.dumps(tasks))
    listing = LabelStudio(path=str(path), groups=("species",)).listing()
    assert listing.columns == ("quality",)
    assert [(listing.classes[r.labels[0]], r.cells) for r in listing.records] == [
        ("cat", ("good",)), ("dog", ("bad;sharp",)), ("cat", ("bad",)),
    ]  # fmt: skip
    with pytest.raises(DataError, match=r"no such group of choices \(got 'size'\). It has species, quality"):
        LabelStudio(path=str(tmp_path / "export.json"), groups=("size",)).listing()


@pytest.mark.parametrize(("meaning", "labels"), [("no", [(0,), (1,), (1,)]), ("yes", [(0,), (0, 1), (1,)]),
                                                 ("leave out", [(0,), (1,)])])  # fmt: skip
def test_minus_one_means_what_was_said(tmp_path, meaning, labels):
    path = DOUBTS["minus one beside 0 and 1"].write(tmp_path)
    assert [r.labels for r in Table(path=str(path), minus_one=meaning).listing().records] == labels


def test_folders_that_a_person_calls_sets_are_these_sets(tmp_path):
    found = look(folders(tmp_path, "one/cat", "one/dog", "two/cat", "two/dog"))
    ways = {reading.title: reading.source for reading in found.readings}
    own = ways["two trains, one validates"].listing().own_split
    assert {name: {file[:3] for file in files} for name, files in own.items()} == {"train": {"two"}, "val": {"one"}}


@pytest.mark.parametrize("name", ["test", "test\u200b"])
def test_sets_without_classes_are_counted(tmp_path, name):
    path = folders(tmp_path, "cat", "dog", name)
    listing = Folder(path=str(path), sets="always").listing()
    assert listing.classes == ("cat", "dog")
    assert f"Not used: 2 images in sets without classes: {name} (2)." in listing.notices


def archived(root: Path) -> Archive:
    folders(root / "set", "cat", "dog", "test")
    with zipfile.ZipFile(root / "a.zip", "w") as archive:
        for path in sorted((root / "set").rglob("*.png")):
            archive.write(path, path.relative_to(root))
    return Archive(path=str(root / "a.zip"), unpacked=str(root / "unpacked"))


def test_an_archive_is_asked_about_and_keeps_the_answer(tmp_path):
    source = archived(tmp_path)
    assert look(source).pictures == ()  # nothing is unpacked yet
    source.prepare()
    found = look(source)
    assert [look(one.source).classes for one in found.questions[0].readings] == [("cat", "dog", "test"), ("cat", "dog")]
    assert "unpacked" not in "".join(one.code for one in found.readings)  # where, is the project's matter
    elsewhere = found.readings[1].source.set("unpacked", str(tmp_path / "elsewhere"))
    assert elsewhere.listing().classes == ("cat", "dog")
    with pytest.raises(DataError, match="not understood how its inside is read"):
        source.set("inside", "{").listing()


def test_an_archive_of_before_is_read_as_it_was(tmp_path):
    parts(tmp_path / "set")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for path in sorted((tmp_path / "set").rglob("*.*")):
            archive.write(path, path.relative_to(tmp_path / "set"))
    source = Archive(path=str(tmp_path / "a.zip"), unpacked=str(tmp_path / "unpacked"))
    assert source.listing().classes == ("part_1", "part_2")  # a run that starts asks nobody
    found = look(source)
    assert [look(one.source).classes for one in found.questions[0].readings] == [("part_1", "part_2"), ("mole", "wart")]


def test_an_archive_with_a_table_that_asks(tmp_path):
    table(tmp_path / "set", "species;quality", "cat;good", "dog;bad", "cat;bad")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for path in sorted((tmp_path / "set").iterdir()):
            archive.write(path, path.name)
    source = Archive(path=str(tmp_path / "a.zip"), unpacked=str(tmp_path / "unpacked"))
    source.prepare()
    found = look(source)
    assert [look(one.source).classes for one in found.questions[0].readings[:2]] == [("cat", "dog"), ("bad", "good")]


def test_pictures_are_spread_over_the_classes(tmp_path):
    images.folder(tmp_path, {f"class {i}": 3 for i in range(20)})
    pictures = look(tmp_path).pictures
    assert len({picture.labels for picture in pictures}) == len(pictures) == 8
    assert all(Path(picture.path).is_file() and picture.path.endswith(picture.file) for picture in pictures)
    assert look(tmp_path).pictures == pictures
    images.folder(tmp_path / "few", {"a": 9, "b": 1})
    assert [p.labels[0] for p in look(tmp_path / "few").pictures] == ["a", "b", *["a"] * 6]


def test_readings_are_chosen_by_number(tmp_path):
    path = folders(tmp_path, "cat", "dog", "test")
    assert chosen(path) == detect(path)
    assert chosen(path, numbers=[2]) == Folder(path=str(path), sets="always")
    for number in (3, 0, -1):
        with pytest.raises(DataError, match=rf"of this number \(got {number}\)\. There are: 1 A class; 2 A set"):
            chosen(path, numbers=[number])


def test_numbers_go_on_where_the_first_answer_asks_anew(tmp_path):
    path = table(tmp_path, "breed;home", "Corgi, Pembroke;a", "Corgi, Cardigan;b", "pug;a")
    source = chosen(path, numbers=[2, 2])
    assert source == Table(path=str(path), label_columns=("breed",), separator=",")
    assert chosen(path, numbers=[2, 1]) == source.set("separator", "")
    assert chosen(path, str(tmp_path), [2, 2]) == source.set("images_root", str(tmp_path))


def test_an_image_whose_name_is_no_text_is_not_taken_for_another(tmp_path):
    path = table(tmp_path, "label", "cat", "dog", "cat", "dog")
    (tmp_path / "3.png").rename(tmp_path / "3\udce9.png")
    found = look(path)
    assert found.n_images == 3
    assert json.dumps(found.plain(), ensure_ascii=False).encode()
    assert any("3.png" in one.text for one in found.unused)


def test_a_folder_whose_name_is_no_text_is_not_taken_for_another(tmp_path):
    path = table(tmp_path, "label", "cat", "dog", "cat", "dog", "cat", "dog")
    (tmp_path / "more\udce9").mkdir()
    for number in (4, 5):
        (tmp_path / f"{number}.png").rename(tmp_path / "more\udce9" / f"{number}.png")
    found = look(path)
    assert (found.n_images, found.counts) == (4, (2, 2))
    assert json.dumps(found.plain(), ensure_ascii=False).encode()


def test_a_table_whose_name_is_no_text_is_told_in_text(tmp_path):
    table(tmp_path, "label", "cat", "dog", "cat", "dog", name="train\udce9.csv")
    (tmp_path / "val.csv").write_text("file,label\n4.png,cat\n5.png,dog\n")
    for number in (4, 5):
        images.write(tmp_path / f"{number}.png", seed=number)
    found = look(tmp_path)
    assert found.sets == {"train": 4, "val": 2}
    assert json.dumps(found.plain(), ensure_ascii=False).encode()


def test_a_label_file_whose_name_is_no_text_is_told_in_text(tmp_path):
    formats.yolo(tmp_path)
    label = next((tmp_path / "labels").rglob("*.txt"))
    label.rename(label.with_name(f"{label.stem}\udce9.txt"))
    found = look(tmp_path)
    assert any("\\udce9.txt" in one.text for one in found.unused)
    assert json.dumps(found.plain(), ensure_ascii=False).encode()


def test_everything_is_told_as_plain_values(tmp_path):
    told = json.loads(json.dumps(look(folders(tmp_path, "cat", "dog", "test")).plain()))
    text = "Is the folder test a class, or a set of images without classes?"
    assert told["questions"] == [{"text": text, "readings": [1, 2]}]
    assert told["readings"][1]["source"]["sets"] == "always"
    assert told["pictures"][0]["labels"] == ["cat"]
