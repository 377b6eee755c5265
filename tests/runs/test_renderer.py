"""The line between a kernel and its renderer: frames come whole or not at all, and nobody waits for ever."""

from __future__ import annotations

import contextlib
import os
import threading

import pytest

from nbtrain.messages import Preview, Previewed
from nbtrain.runs.renderer import Renderer, receive, send


@pytest.fixture
def line():
    ends = os.pipe()
    yield ends
    for end in ends:
        with contextlib.suppress(OSError):
            os.close(end)


def test_a_frame_comes_as_it_was_sent(line):
    out, into = line
    said = Previewed(number=3, tiles=({"file": "a.png", "blobs": 2},), facts={"mean": [0.5]}, rows={"a.b": "lost"})
    blobs = [b"\x00\xff" * 200_000, b""]
    writer = threading.Thread(target=send, args=(into, said, blobs))
    writer.start()
    assert receive(out) == (said, blobs)
    writer.join()


@pytest.mark.parametrize(
    "rest", [b"", b"\x00", b"\x00\x00\x00\x02\x00\x00\x00\x09{}", b"\x00\x00\x00\x02\x00\x00\x00\x02{}"]
)
def test_a_line_that_ends_or_says_something_else_is_the_end(line, rest):
    out, into = line
    os.write(into, rest)
    os.close(into)
    assert receive(out) is None


def test_of_each_asker_the_newest_waits_and_without_one_it_leaves(line):
    renderer = Renderer(line[0], line[1], idle_s=0.01)
    assert renderer._next() is None
    for number, who in enumerate(("form", "code", "form")):
        renderer.take(Preview(number=number, who=who, config={}, dataset={}, split=""))
    assert [renderer._next().number, renderer._next().number] == [2, 1]
    assert renderer._next() is None
