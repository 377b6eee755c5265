"""Edits: what lines add up to, who may take what back, and a journal that outlives crashes, hands and full disks."""

import errno
import os

import pytest

from nbtrain.data import edits as journal
from nbtrain.data.edit_log import NO_MARK, EditLog, Mark, read_until
from nbtrain.data.edits import Line, added_up, differing, made
from nbtrain.errors import DataError, FormatError, ProjectError


def label(edit, file, *classes, old=("cat",)):
    return made("label", edit, file=file, old=old, classes=classes)


def test_the_last_word_on_an_image_or_a_class_counts():
    told = added_up([
        label("1", "a", "dog"),
        label("2", "a", "fox", old=("dog",)),
        made("exclude", "3", file="b", reason="blurred"),
        made("exclude", "4", file="c", reason=""),
        made("include", "5", file="c"),
        made("class", "6", classes=("ct", "dog"), to="cat"),
        made("class", "7", classes=("dog",), to=None),
        made("class", "8", classes=("rat",), to=""),
        made("order", "9", classes=("fox", "cat")),
    ])  # fmt: skip
    assert told.labels == {"a": ("fox",)}
    assert {file: one.reason for file, one in told.excluded.items()} == {"b": "blurred"}
    assert told.names == {"ct": "cat", "rat": ""}
    assert [told.name_of(name) for name in ("ct", "dog", "rat")] == ["cat", "dog", ""]
    assert told.order == ("fox", "cat")
    assert told.before == {"a": ("cat",)}


def test_what_was_taken_back_does_not_count_and_can_be_made_again():
    lines = [label("1", "a", "dog"), label("2", "a", "fox", old=("dog",)), made("undo", "3", of="2")]
    assert added_up(lines).labels == {"a": ("dog",)}
    assert added_up([*lines, made("undo", "4", of="1")]).hash == ""
    assert added_up([*lines, made("redo", "5", of="2")]).labels == {"a": ("fox",)}


def test_a_label_that_is_given_back_is_no_edit_and_the_hash_says_so():
    assert added_up([label("1", "a", "dog"), label("2", "a", "cat", old=("dog",))]).hash == ""
    hashes = [added_up([label("1", "a", name)]).hash for name in ("dog", "fox")]
    assert len(set(hashes)) == 2
    assert hashes[0] == added_up([label("7", "a", "dog")]).hash


def test_rows_that_differ_between_two_states():
    lines = [label("1", "a", "dog"), label("2", "b", "dog"), made("exclude", "3", file="c", reason="")]
    now = added_up([*lines, label("4", "a", "cat", old=("dog",)), made("undo", "5", of="2")])
    assert list(differing(added_up(lines), now)) == ["a", "b"]
    assert list(differing(added_up([]), added_up(lines))) == ["a", "b", "c"]
    assert list(differing(now, now)) == []


def test_undo_takes_ones_own_edits_the_newest_first_and_another_process_that_lives_keeps_its():
    ended = {**journal.whoever(), "pid": 2**22 + 5}
    other = {**journal.whoever(), "user": "somebody else"}
    mine, theirs = label("1", "a", "dog"), label("2", "a", "fox")
    assert journal.next_undo([mine, theirs]) == "2"
    assert journal.next_undo([mine, theirs, made("undo", "3", of="2")]) == "1"
    for by, told in ((other, "1"), (ended, "2")):
        assert journal.next_undo([mine, Line("2", "label", 0.0, by, file="a", classes=("fox",))]) == told
    assert journal.next_redo([mine, made("undo", "3", of="1")]) == "1"
    assert journal.next_redo([mine, made("undo", "3", of="1"), label("4", "b", "fox")]) == ""


@pytest.fixture
def log(tmp_path):
    made = EditLog(tmp_path / "cats.edits.jsonl")
    made.append([label("1", "a", "dog"), label("1", "b", "dog")])
    return made


def test_a_journal_is_read_as_it_grows_and_a_reader_sees_what_the_writer_wrote(log):
    other = EditLog(log.path).look()
    assert other.mark == log.mark
    assert other.version == 1
    other.append([label("2", "a", "fox", old=("dog",))])
    assert log.look().edits.labels == {"a": ("fox",), "b": ("dog",)}
    assert (log.version, log.bad, log.mark) == (2, 0, other.mark)
    assert log.lines[0].by["pid"] == os.getpid()


def test_what_a_run_has_recorded_is_found_again_whatever_came_later(log):
    mark = log.mark
    log.append([label("2", "a", "fox", old=("dog",))])
    assert read_until(log.path, mark).labels == {"a": ("dog",), "b": ("dog",)}
    assert read_until(log.path, NO_MARK).hash == ""
    log.path.write_bytes(log.path.read_bytes().replace(b"dog", b"cow"))
    with pytest.raises(DataError, match="not those that this was set up with"):
        read_until(log.path, mark)
    log.path.unlink()
    with pytest.raises(DataError, match="Bring"):
        read_until(log.path, mark)


def test_a_torn_line_is_skipped_and_what_comes_next_is_whole(log):
    with log.path.open("ab") as file:
        file.write(b'{"id":"9","kind":"label","file":"c"')
    assert log.look().version == 1
    log.append([label("2", "d", "fox")])
    again = EditLog(log.path).look()
    assert (again.bad, list(again.edits.labels)) == (1, ["a", "b", "d"])
    assert again.mark == log.mark


NONSENSE = [
    b"[]", b"7", b"null", b"{}", b"\xff\xfe", b'{"kind":"label"}', b'{"kind":["label"]}',
    b'{"id":"x","kind":"label","t_s":1,"by":7,"file":3,"old":[],"classes":[]}',
    b'{"id":"x","kind":"label","t_s":"soon","by":{},"file":"a","old":[],"classes":["x"]}',
    b'{"id":"x","kind":"label","t_s":1,"by":{},"file":"a","old":[],"classes":"dog"}',
    b'{"id":"x","kind":"class","t_s":1,"by":{},"classes":["a"],"to":1}',
    b'{"id":"x","kind":"from the future","t_s":1,"by":{}}',
]  # fmt: skip


def test_lines_edited_into_nonsense_are_counted_and_the_others_count(log):
    before = log.path.read_bytes()
    log.path.write_bytes(b"\n".join([*NONSENSE, b"", before]))
    again = EditLog(log.path).look()
    assert again.bad == len(NONSENSE)
    assert again.edits.labels == {"a": ("dog",), "b": ("dog",)}
    log.append([label("3", "c", "fox")])  # a writer that has read the old file finds the new one
    assert list(log.edits.labels) == ["a", "b", "c"]
    assert log.mark == EditLog(log.path).look().mark


def test_a_journal_that_goes_away_is_as_if_never_made_and_a_folder_in_its_place_is_refused(log):
    log.path.unlink()
    assert (log.look().edits.hash, log.mark) == ("", Mark())
    log.path.mkdir()
    with pytest.raises((FormatError, OSError)):
        EditLog(log.path).look()


@pytest.mark.parametrize("whole", [False, True])
def test_a_full_disk_keeps_none_of_an_edits_lines(log, monkeypatch, whole):
    before, write = log.path.read_bytes(), os.write

    def full(descriptor, data):
        if whole:
            raise OSError(errno.ENOSPC, "full")
        return write(descriptor, data[:20])

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full)
        with pytest.raises(ProjectError, match="could not be stored"):
            log.append([label("2", "c", "fox"), label("2", "d", "fox")])
    assert log.path.read_bytes() == before
    log.append([label("3", "c", "fox")])
    assert list(EditLog(log.path).look().edits.labels) == ["a", "b", "c"]
