"""Images that may be meant in several ways are added to a project only once somebody has said how."""

from __future__ import annotations

import json
import zipfile

import pytest

from images import write_classes
from nbtrain.data.sources import AskError, Folder, look
from nbtrain.project.project import Project

ADD = {
    "as a data set": lambda project, source: project.add_images(source, "new"),
    "into a data set": lambda project, source: project.dataset("pets").add(source, "new"),
    "to the guided start": lambda project, source: project.guide().use(source),
}


@pytest.fixture
def odd(tmp_path):
    return write_classes(tmp_path / "odd", {"cat": 2, "dog": 2, "test": 2})


@pytest.fixture
def project(pets):
    return pets


def stored(project: Project) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in (project.path / "datasets").glob("*.json*")}


@pytest.mark.parametrize("way", ADD)
@pytest.mark.parametrize("given", ["a path", "a source that says nothing of it"])
def test_nothing_is_added_before_the_question_is_answered(project, odd, way, given):
    before = stored(project)
    with pytest.raises(AskError, match="Is the folder test a class, or a set of images without classes") as refused:
        ADD[way](project, str(odd) if given == "a path" else Folder(path=str(odd)))
    assert stored(project) == before
    assert [one.source.sets for one in refused.value.readings] == ["none", "always"]
    ADD[way](project, refused.value.readings[1].source)


@pytest.mark.parametrize("number", [0, 1])
def test_the_answer_is_stored_and_asked_for_no_more(project, odd, number):
    made = project.add_images(look(odd).readings[number].source, "odd")
    assert made.classes == [("cat", "dog", "test"), ("cat", "dog")][number]
    assert made.parts[0].source == look(odd).readings[number].source
    write_classes(odd / "..", {"odd/val": 2})  # another folder that is called like a set
    assert project.data.renew("odd").classes == [("cat", "dog", "test", "val"), ("cat", "dog")][number]


def test_a_data_set_of_before_goes_on_and_says_how_it_is_read(project, odd):
    made = project.add_images(look(odd).readings[0].source, "odd")
    plain = json.loads(made.file.read_text())
    plain["sources"][0]["source"]["sets"] = "auto"  # as earlier versions have stored it
    made.file.write_text(json.dumps(plain))
    again = project.data.renew("odd")
    assert again.classes == ("cat", "dog", "test")
    assert any(notice.endswith("It is read as: A class.") for notice in again.notices)


def test_a_folder_beside_a_table_is_asked_about_by_its_path(project, tmp_path):
    write_classes(tmp_path / "set", {"part_1": 2})
    (tmp_path / "set/part_1").rename(tmp_path / "set/first")
    write_classes(tmp_path / "set", {"part_2": 4})
    files = [*(f"first/00{i}.png,a" for i in range(2)), *(f"part_2/00{i}.png,b" for i in range(4))]
    (tmp_path / "set/t.csv").write_text("\n".join(["file,label", *files]) + "\n")
    with pytest.raises(AskError, match=r"Does t\.csv say what the images show") as refused:
        project.add_images(tmp_path / "set")
    assert [project.add_images(one.source, f"{n}").classes for n, one in enumerate(refused.value.readings)] == [
        ("a", "b"), ("first", "part_2"),
    ]  # fmt: skip


def test_an_archive_is_asked_about_once_it_is_unpacked(project, odd, tmp_path):
    with zipfile.ZipFile(tmp_path / "odd.zip", "w") as archive:
        for path in sorted(odd.rglob("*.png")):
            archive.write(path, path.relative_to(odd))
    with pytest.raises(AskError) as refused:
        project.add_images(tmp_path / "odd.zip")
    made = project.add_images(refused.value.readings[1].source)
    assert made.classes == ("cat", "dog")
    (tmp_path / "odd.zip").unlink()
    assert project.data.renew(made.name).classes == ("cat", "dog")
