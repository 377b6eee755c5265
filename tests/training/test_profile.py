"""Flame graphs and tables: how a tree is drawn, what of the profiler becomes one, and tables that cannot be read."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import pytest
import torch
from torch import nn
from torch.autograd import DeviceType

from nbtrain.training import phases
from nbtrain.training.flame import Node, page
from nbtrain.training.phases import Phases
from nbtrain.training.profile import Profile, tree_of


@dataclass
class Range:
    start: float
    end: float

    def elapsed_us(self) -> float:
        return self.end - self.start


@dataclass
class Event:
    """An operation as torch.profiler tells it."""

    name: str
    start: float
    end: float
    thread: int = 1
    cpu_children: list[Event] = field(default_factory=list)
    cpu_parent: Event | None = None
    device_type: DeviceType = DeviceType.CPU

    def __post_init__(self) -> None:
        self.time_range = Range(self.start, self.end)
        for child in self.cpu_children:
            child.cpu_parent = self


def every(events: list[Event]) -> list[Event]:
    return [one for event in events for one in (event, *every(event.cpu_children))]


def test_equal_names_side_by_side_are_one_and_other_threads_belong_to_their_phase():
    convolution = Event("aten::convolution", 1, 4), Event("aten::convolution", 5, 7)
    told = [
        Event("forward", 0, 10, cpu_children=[Event("layer1", 1, 9, cpu_children=list(convolution))]),
        Event("backward", 10, 30),
        Event("autograd::engine::evaluate_function: MulBackward0", 12, 20, thread=2),
        Event("elsewhere", 50, 60, thread=2),
        Event("aten::stack", 30, 35),
        Event("kernel", 0, 99, device_type=DeviceType.CUDA),
    ]
    tree = tree_of(every(told))
    assert tree.took_us == 35
    assert list(tree.parts) == ["forward", "backward", "other"]
    inner = tree.parts["forward"].parts["layer1"].parts["convolution"]
    assert (inner.took_us, inner.calls) == (5, 2)
    assert tree.parts["backward"].parts["MulBackward0"].took_us == 8
    assert tree.parts["other"].took_us == 5


def test_a_page_draws_what_is_wide_enough_in_its_place_and_escapes_names():
    root = Node("all", 1000.0, 1)
    root.part("<b>").took_us = 600.0
    root.part("rest").took_us = 399.5
    root.part("narrow").took_us = 0.5
    told = page(root, "2 steps", 2)
    assert "<b>" not in told
    assert "&lt;b&gt;: 0.3 ms per step, 60.0 %" in told
    assert re.search(r"left:60\.0000%;width:39\.9500%;top:20px", told)
    assert "narrow" not in told
    assert "http" not in told  # a page that needs nothing else


def test_a_table_is_read_as_it_was_written_and_one_that_is_broken_is_none(tmp_path):
    table = Phases(seconds={"load": 1.0, "forward": 2.0}, steps=4, took_s=4.0, device="cpu", apart_s=0.5)
    table.write(tmp_path)
    assert phases.read(tmp_path) == table
    assert table.rows == [
        ("load", 1.0, 0.25, 250.0),
        ("forward", 2.0, 0.5, 500.0),
        ("other", 1.0, 0.25, 250.0),
    ]
    assert table.lines()[1].split()[:4] == ["load", "1.00", "25.0%", "250.00"]


@pytest.mark.parametrize("text", ["", "[]", '{"seconds": 3}', '{"seconds": {"load": "x"}}'])
def test_a_broken_table_is_none(tmp_path, text):
    (tmp_path / phases.FILE).write_text(text)
    assert phases.read(tmp_path) is None


def test_a_profile_that_cannot_be_written_is_told_and_fails_nothing(tmp_path):
    said = []
    profile = Profile(nn.Linear(2, 2), torch.device("cpu"), tmp_path / "gone", said.append)
    profile.start()
    for _ in range(12):
        with profile.span("forward"):
            pass
        profile.stepped()
    profile.close()
    assert [told.text.split(":")[0].split()[-1] for told in said] == ["profile.html", "profile.json"]
    assert "Training goes on." in said[0].text
