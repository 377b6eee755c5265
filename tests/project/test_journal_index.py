"""The kept index: never another story than the journal's, whatever happens to either file."""

from __future__ import annotations

import math
import os
from dataclasses import fields

import numpy as np
import pytest

from nbtrain.files import write_atomic
from nbtrain.messages import Best, Failure, Metric, Notice, PerClass, Resolved, Saved, Status, Usage, encode
from nbtrain.project import journal_index
from nbtrain.project.history import History
from nbtrain.project.journal_index import IndexedStory, path_of
from nbtrain.project.story import Story
from nbtrain.runs.journal import JournalReader


@pytest.fixture(autouse=True)
def short_journals_count(monkeypatch):
    monkeypatch.setattr(journal_index, "LEAST_BYTES", 2000)


def metrics(first, last, split="train"):
    return [
        Metric(t_s=1e9 + s, step=s, epoch=s / 10, split=split, values={"loss": 1 / s, "a/b\0": math.nan})
        for s in range(first, last + 1)
    ]


TOLD = [
    Status(t_s=1e9, status="preparing", phase="importing"),
    Resolved(path="data.workers", value=[1, None, "x"], reason="why"),
    Status(t_s=1e9, status="training", epochs=9, steps=900),
    *metrics(1, 200),
    Metric(t_s=1e9, step=200, epoch=20, split="val", values={"loss": 0.5, "nan": math.inf}),
    Best(metric="loss", value=0.5, epoch=20, step=200),
    PerClass(step=200, epoch=20, columns=("class", "f1"), rows=(("nan", math.nan), ("b", 0.5))),
    Usage(t_s=1e9, step=200, images_per_s=50, waiting=0.1, cpu_percent=90, memory_mib=300),
    Saved(file="step-00000200.pt", step=200, epoch=20, size_bytes=9, best=True),
    Notice(text="2 images were skipped"),
    Failure(t_s=1e9, cause="disk", message="full", advice=("Make room.",), fixes=({"label": "x", "changes": {}},)),
]


def write(path, messages):
    with open(path, "ab") as file:
        file.writelines(encode(message) + b"\n" for message in messages)


def plain(story):
    """All of a story in values that can be compared: NaN equals NaN in their text."""
    tables = {name: getattr(story, name).columns() for name in ("history", "usage_rows")}
    texts = {f.name: repr(getattr(story, f.name)) for f in fields(story) if f.name not in tables}
    numbers = {t: {s: {n: c.tolist() for n, c in columns.items()} for s, columns in tables[t].items()} for t in tables}
    return texts, repr(numbers)


def straight(path):
    story = Story()
    story.tell(JournalReader(path).read())
    return plain(story)


@pytest.fixture
def events(tmp_path):
    path = tmp_path / "events.jsonl"
    write(path, TOLD)
    IndexedStory(path).read_on()
    assert path_of(path).exists()
    return path


def test_the_index_tells_what_the_journal_tells_without_reading_it(events):
    again = IndexedStory(events)
    assert again.reader.offset == events.stat().st_size
    assert plain(again.story) == straight(events)


def test_what_came_after_it_is_read_on_and_a_resume_takes_back(events):
    write(events, [Status(t_s=2e9, status="training", step=150), *metrics(151, 160)])
    again = IndexedStory(events)
    assert 0 < again.reader.offset < events.stat().st_size
    assert plain(again.read_on()) == straight(events)
    assert again.story.history.series("train", "loss")[0][-1] == 160
    assert again.story.history.cuts == 1


def cut(path):
    os.truncate(path, path.stat().st_size // 2)


def replaced(path):
    write_atomic(path, b"".join(encode(message) + b"\n" for message in [TOLD[2], *metrics(301, 600)]))


def edited(path):
    data = path.read_bytes()
    path.write_bytes(data.replace(b'"step":7,', b'"step":6,'))
    os.utime(path, ns=(0, 1))


def grown_over_another_start(path):
    data = path.read_bytes().replace(b"images", b"IMAGES")
    path.write_bytes(data + encode(metrics(201, 201)[0]) + b"\n")


def gone(path):
    path.unlink()


@pytest.mark.parametrize("harm", [cut, replaced, edited, grown_over_another_start, gone])
def test_it_is_not_believed_about_another_journal(events, harm):
    harm(events)
    again = IndexedStory(events)
    assert again.reader.offset == 0
    assert plain(again.read_on()) == straight(events)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.999])
def test_a_damaged_index_is_written_anew(events, share):
    index = path_of(events)
    whole = index.read_bytes()
    index.write_bytes(whole[: int(share * len(whole))])
    assert plain(IndexedStory(events).read_on()) == straight(events)
    assert IndexedStory(events).reader.offset == events.stat().st_size
    flipped = bytearray(whole)
    flipped[int(share * len(whole))] ^= 1
    index.write_bytes(flipped)
    assert plain(IndexedStory(events).read_on()) == straight(events)


def test_another_version_s_index_is_left_alone(events, monkeypatch):
    monkeypatch.setattr(journal_index, "FORMAT", journal_index.FORMAT + 1)
    assert IndexedStory(events).reader.offset == 0


def test_where_it_cannot_be_written_nothing_is_lost(events):
    path_of(events).unlink()
    path_of(events).mkdir()  # nothing can take its place
    assert plain(IndexedStory(events).read_on()) == straight(events)
    assert [path.name for path in events.parent.iterdir() if path.name.startswith(".")] == []


def test_short_journals_get_none_and_growing_ones_seldom(tmp_path):
    path = tmp_path / "events.jsonl"
    write(path, metrics(1, 5))
    IndexedStory(path).read_on()
    assert not path_of(path).exists()
    following, sizes = IndexedStory(path), set()
    for first in range(6, 2000, 20):
        write(path, metrics(first, first + 19))
        following.tell(following.reader.read())
        if path_of(path).exists():
            sizes.add(path_of(path).stat().st_size)
    assert 5 < len(sizes) < 20
    following.tell([], over=True)
    assert IndexedStory(path).reader.offset > 0.9 * path.stat().st_size


def test_columns_of_unequal_length_are_refused():
    columns = {name: np.zeros(3) for name in ("step", "epoch", "t_s")}
    with pytest.raises(ValueError, match="length"):
        History.from_columns({"train": {**columns, "values.loss": np.zeros(2)}})
