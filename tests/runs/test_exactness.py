"""Repeated steps: compared with the newest story of the journal, and answered once."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest

from nbtrain.messages import Exact, Metric, Status, encode
from nbtrain.runs import exactness
from nbtrain.runs.exactness import Repeats, superseded
from nbtrain.training.changes import FILE, Changes, Entry


def train(step, loss, split="train"):
    return Metric(step=step, epoch=step / 10, split=split, values={"loss": loss})


def at(step, status="training"):
    return Status(status=status, step=step)


def repeats(tmp_path, before, versions=None, device="cpu", deterministic=False):
    """Return a later life over a journal that says ``before``, and what it says."""
    (tmp_path / "events.jsonl").write_bytes(b"".join(encode(m) + b"\n" for m in before))
    said: list = []
    config = {"hardware": {"device": device, "deterministic": deterministic}}
    found = {name: exactness._version(name) for name in ("torch", "numpy")} | (versions or {})
    run = SimpleNamespace(
        path=tmp_path, events=tmp_path / "events.jsonl", config={"config": config, "versions": found}, resolved=dict
    )
    return Repeats(said.append, run), said


def answers(said):
    return [m for m in said if isinstance(m, Exact)]


FIRST = [at(0), train(5, 2.0), train(10, 1.0), at(10), train(10, 0.9, "val"), train(15, math.nan), train(20, 0.5)]


@pytest.mark.parametrize(
    ("again", "told"),
    [
        ([math.nan, 0.5], Exact(compared=2, equal=True)),
        ([math.nan, 0.25], Exact(compared=2, equal=False, step=20,
            text="step 20: train loss was 0.5 before the resume and is 0.25 after it")),
        ([0.7, 0.25], Exact(compared=1, equal=False, step=15,
            text="step 15: train loss was nan before the resume and is 0.7 after it")),
        ([math.nan], None),
        ([], None),
    ],
)  # fmt: skip
def test_a_resume_says_once_whether_it_repeats_itself(tmp_path, again, told):
    life, said = repeats(tmp_path, FIRST)
    for message in (at(10), *(train(step, loss) for step, loss in zip((15, 20), again, strict=False))):
        life.say(message)
    assert answers(said) == ([told] if told else [])
    life.say(at(25))
    life.say(train(30, 0.1))
    life.say(at(30, "completed"))
    ended = Exact(compared=1, equal=True) if again == [math.nan] and len(again) == 1 else None
    assert answers(said) == [m for m in (told or ended,) if m]


def test_a_roll_back_is_no_resume_and_what_it_superseded_does_not_count(tmp_path):
    rolled = [*FIRST, at(10), train(15, 0.8), train(20, 0.6)]
    assert superseded_rows(tmp_path, rolled, 10) == {("train", 15): 0.8, ("train", 20): 0.6}
    assert superseded_rows(tmp_path, [*rolled, at(0), train(5, 3.0)], 0) == {("train", 5): 3.0}
    life, said = repeats(tmp_path, FIRST)
    for message in (at(10), train(15, math.nan), at(10), train(15, 0.1), train(20, 0.1)):
        life.say(message)
    assert answers(said) == [Exact(compared=1, equal=True)]


def superseded_rows(tmp_path, before, step):
    repeats(tmp_path, before)
    return {place: values["loss"] for place, values in superseded(tmp_path / "events.jsonl", step).items()}


def test_only_the_end_of_a_long_journal_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(exactness, "_CHUNK_BYTES", 64)
    before = [train(step, step / 7) for step in range(1, 500)]
    assert superseded_rows(tmp_path, before, 490) == {("train", step): step / 7 for step in range(491, 500)}
    assert len(superseded_rows(tmp_path, before, 0)) == 499
    decoded = []
    monkeypatch.setattr(exactness, "decode", lambda line: decoded.append(line))
    superseded(tmp_path / "none", 0)
    assert decoded == []


def test_what_a_person_has_changed_is_named_and_what_no_number_hangs_on_is_not(tmp_path):
    life, said = repeats(tmp_path, FIRST)
    changes = Changes(tmp_path / FILE)
    for step, path, old, value in ((5, "optimizer.lr", 9.0, 8.0), (10, "optimizer.lr", 1e-3, 1e-4),
                                   (10, "data.workers", 2, 0), (15, "training.epochs", 5, 6)):  # fmt: skip
        changes.add(Entry(step=step, path=path, old=old, value=value))
    life.say(at(10))
    life.say(train(15, 0.7))
    [told] = answers(said)
    assert told.text.endswith("is 0.7 after it; optimizer.lr was changed from 0.001 to 0.0001 at step 10")


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"versions": {"torch": "1.0"}}, "; torch is "),
        ({"device": "cuda:0"}, "; a GPU repeats itself only with hardware.deterministic"),
        ({"device": "cuda:0", "deterministic": True}, "after it"),
    ],
)
def test_what_is_known_to_make_numbers_differ_is_named(tmp_path, facts, why):
    life, said = repeats(tmp_path, FIRST, **facts)
    life.say(at(10))
    life.say(train(15, 0.7))
    [told] = answers(said)
    assert why in told.text
    assert why != "after it" or told.text.endswith(why)
