"""Messages: each one survives the way through a line; a foreign or broken line is nothing, not an error."""

import math
from dataclasses import MISSING, fields

import pytest

from nbtrain.messages import DOWN, RENDERING, UP, Metric, PerClass, Stop, decode, encode

EXAMPLES = {
    "compared": 3,
    "equal": True,
    "status": "training",
    "step": 3,
    "epoch": 1.5,
    "split": "val",
    "values": {"loss": 0.5},
    "columns": ("class", "f1"),
    "rows": (("cat", 0.5),),
    "text": "3 images skipped",
    "file": "step-00000003.pt",
    "path": "data.workers",
    "old": 1,
    "value": 2,
    "metric": "accuracy",
    "reason": "two cores",
    "command": "stop-abc.json",
    "cause": "data",
    "message": "no images",
    "size_bytes": 12,
    "images_per_s": 100.0,
    "waiting": 0.1,
    "cpu_percent": 90.0,
    "memory_mib": 400.0,
    "number": 3,
    "who": "form-1",
    "config": {"task": {"kind": "classification"}},
    "dataset": {"name": "digits"},
}


@pytest.mark.parametrize("kind", [*UP.values(), *DOWN.values(), *RENDERING.values()])
def test_round_trip(kind):
    needed = {f.name for f in fields(kind) if f.default is MISSING and f.default_factory is MISSING}
    message = kind(t_s=7.0, **{name: EXAMPLES[name] for name in needed})
    line = encode(message)
    assert b"\n" not in line
    assert decode(line, {**UP, **DOWN, **RENDERING}) == message


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_numbers_that_json_lacks(number):
    metric = decode(encode(Metric(step=1, epoch=1, split="train", values={"loss": number})))
    table = decode(encode(PerClass(step=1, epoch=1, columns=("class", "f1"), rows=(("nan", number),))))
    assert str(metric.values["loss"]) == str(number)
    assert table.rows[0][0] == "nan"
    assert str(table.rows[0][1]) == str(number)


@pytest.mark.parametrize(
    "line", [b"", b"{", b"[]", b"7", b"null", b'{"kind":"other"}', b'{"kind":"metric"}', b'{"kind":["a"]}', b"\x00\xff"]
)
def test_foreign_and_broken_lines_are_nothing(line):
    assert decode(line) is None


def test_a_newer_writer_may_say_more():
    assert decode(b'{"kind":"stop","t_s":1,"why":"new field"}', DOWN) == Stop(t_s=1)
    assert decode(b'{"kind":"stop"}', UP) is None
