"""The journal: whole lines, torn tails, full disks, and a reader that keeps its place."""

from __future__ import annotations

import os
import subprocess
import threading

import pytest

from nbtrain.messages import Metric, Notice, Status, encode
from nbtrain.runs.journal import Journal, JournalReader, last_failure


def metric(step):
    return Metric(step=step, epoch=step / 10, split="train", values={"loss": 1.0 / (step + 1)})


def steps(messages):
    return [message.step for message in messages if isinstance(message, Metric)]


def test_what_is_said_is_read_in_order_and_stamped(tmp_path):
    path = tmp_path / "events.jsonl"
    reader = JournalReader(path)
    assert reader.read() == []  # not there yet
    journal = Journal(path)
    for step in range(1000):
        journal.say(metric(step))
    journal.flush()
    read = reader.read()
    assert steps(read) == list(range(1000))
    assert all(message.t_s > 1e9 for message in read)
    assert reader.read() == []
    journal.say(metric(1000))
    journal.close()
    assert steps(reader.read()) == [1000]
    assert reader.bad == 0


def test_two_threads_never_mix_lines(tmp_path):
    journal = Journal(tmp_path / "e")

    def say():
        for step in range(2000):
            journal.say(metric(step))

    threads = [threading.Thread(target=say) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    journal.close()
    reader = JournalReader(tmp_path / "e")
    assert len(reader.read()) == 4000
    assert reader.bad == 0


def test_a_tail_torn_at_every_byte_costs_that_line_only(tmp_path):
    path = tmp_path / "e"
    whole, last = encode(metric(1)) + b"\n", encode(metric(2)) + b"\n"
    for cut in range(len(last)):
        path.write_bytes(whole + last[:cut])
        assert steps(JournalReader(path).read()) == [1]
        journal = Journal(path)
        journal.say(metric(3))
        journal.close()
        reader = JournalReader(path)
        assert (steps(reader.read()), reader.bad) == ([1, 3], 0)


@pytest.mark.parametrize("tail", [b"\0" * 100_000, b"x" * 200_000, b"{"])
def test_garbage_at_the_end_is_cut_when_the_journal_opens(tail, tmp_path):
    path = tmp_path / "e"
    path.write_bytes(encode(metric(1)) + b"\n" + tail)
    Journal(path).close()
    assert path.read_bytes() == encode(metric(1)) + b"\n"
    path.write_bytes(tail)
    Journal(path).close()
    assert path.read_bytes() == b""


@pytest.mark.parametrize("line", [b"", b"null", b"[]", b'"x"', b'{"kind": "dance"}', b"\xff\xfe", b"{", b"\0\0"])
def test_a_bad_line_in_the_middle_is_skipped_and_counted(line, tmp_path):
    path = tmp_path / "e"
    path.write_bytes(encode(metric(1)) + b"\n" + line + b"\n" + encode(metric(2)) + b"\n")
    reader = JournalReader(path)
    assert (steps(reader.read()), reader.bad) == ([1, 2], 1)


def test_the_reader_takes_no_half_line_and_follows_in_small_bites(tmp_path):
    path = tmp_path / "e"
    lines = [encode(metric(step)) + b"\n" for step in range(50)]
    data, reader, got = b"".join(lines), JournalReader(path), []
    for end in range(0, len(data) + 7, 7):
        path.write_bytes(data[:end])
        got += steps(reader.read())
    assert got == list(range(50))
    bites, limited = [], JournalReader(path)
    while len(bites) < 50:
        part = steps(limited.read(limit_bytes=300))
        assert 0 < len(part) < 10
        bites += part
    assert bites == list(range(50))
    assert steps(JournalReader(path).read(limit_bytes=5)) != []  # a limit shorter than a line does not hold it up


def test_a_shorter_or_replaced_file_is_read_from_its_beginning(tmp_path):
    path = tmp_path / "e"
    path.write_bytes(b"".join(encode(metric(step)) + b"\n" for step in range(5)))
    reader = JournalReader(path)
    reader.read()
    path.write_bytes(encode(metric(9)) + b"\n")
    assert (steps(reader.read()), reader.restarts) == ([9], 1)
    os.rename(path, tmp_path / "old")
    assert reader.read() == []
    path.write_bytes(b"".join(encode(metric(step)) + b"\n" for step in range(7)))
    assert (steps(reader.read()), reader.restarts) == (list(range(7)), 2)


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 64 kB, full but for what a test leaves."""
    folder = tmp_path / "disk"
    folder.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder], capture_output=True, check=False)
    if made.returncode:
        pytest.skip("mounting a small tmpfs is not permitted here")
    yield folder
    subprocess.run(["umount", "-l", folder], check=False)


@pytest.mark.faults
def test_a_full_disk_costs_lines_but_never_the_trainer(small_disk):
    journal = Journal(small_disk / "e")
    for step in range(5000):
        journal.say(metric(step))
    journal.flush()
    assert journal.dropped > 0
    reader = JournalReader(small_disk / "e")
    first = steps(reader.read())
    assert first == list(range(len(first)))  # whole lines from the start, no half one
    assert reader.bad == 0
    subprocess.run(["mount", "-o", "remount,size=4m", small_disk], check=True)
    journal.say(Status(status="training"))
    journal.flush()
    journal.close()
    rest = reader.read()
    assert reader.bad == 0
    assert 5000 - len(first) - len(steps(rest)) == journal.dropped  # each line is either there or counted
    assert str(journal.dropped) in next(message.text for message in rest if isinstance(message, Notice))


def test_no_journal_has_no_failure(tmp_path):
    assert last_failure(tmp_path / "nothing") is None
