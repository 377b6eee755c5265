"""Mutated files of every format end in a right listing or in a DataError that says where. `make fuzz` does 20 000."""

from __future__ import annotations

from dataclasses import replace

import pytest

from data.fuzzing import cases, judge
from data.fuzzing.promises import NONE, SAME, Promise
from data.fuzzing.seeds import plant, seed_of
from nbtrain.data.sources import DatasetClass, Source, coco, detect, named, table, texts
from nbtrain.data.sources.gathering import Gathering
from nbtrain.errors import DataError

_CASES = 15
"""Per format: all of them take some seconds."""

_HEARD_WITHIN = 600
"""Cases after which a reader that is silent in one way must have been found; most are much sooner."""


@pytest.mark.parametrize("form", cases.FORMATS)
def test_mutated_files_end_right(form, tmp_path):
    wrong = []
    for number in range(_CASES):
        verdict = cases.verdict_of(cases.case_of(7, number, form), tmp_path / "room")
        if verdict.fault:
            wrong.append(f"{number}: {verdict.case.names}: {verdict.fault}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("form", cases.FORMATS)
def test_a_case_is_the_same_again(form):
    assert cases.case_of(3, 5, form) == cases.case_of(3, 5, form)


def _nothing(*_: object) -> tuple[()]:
    return ()


def _last_of_id(entries, _, __, name):
    return {coco._id(entry, "id"): name(entry) for entry in entries}


SILENCES = {
    "missing images": (named.Files, "tell", _nothing, "CSV"),
    "what is odd": (Gathering, "_told", _nothing, "COCO"),
    "ids shared": (coco, "_by_id", _last_of_id, "COCO"),
    "keys twice": (texts, "_refuse_twice", _nothing, "Label Studio JSON"),
    "rows cut off": (table, "_cut_off", lambda *_: "", "CSV, several labels"),
}
"""Readers as they would be if they said nothing of something."""


@pytest.mark.parametrize("silence", SILENCES)
def test_silence_is_heard(silence, tmp_path, monkeypatch):
    owner, name, silent, form = SILENCES[silence]
    monkeypatch.setattr(owner, name, silent)
    verdicts = (cases.verdict_of(cases.case_of(7, number, form), tmp_path / "room") for number in range(_HEARD_WITHIN))
    assert any(verdict.fault for verdict in verdicts)


def test_every_kind_of_source_has_a_seed(tmp_path):
    for form in cases.FORMATS:
        plant(seed_of(form).tree, tmp_path / form)
    kinds = {detect(tmp_path / form / seed_of(form).give).kind for form in cases.FORMATS}
    assert kinds == Source.kinds().keys() - {DatasetClass.kind}


TRUTH = seed_of("CSV").truth
WHOLE = judge.Outcome(TRUTH, NONE)
LESS = {stem: shown for stem, shown in TRUTH.items() if stem != "anna"}
OTHER = {**TRUTH, "anna": TRUTH["anna"]._replace(labels=frozenset({"cow"}))}
JUDGED = {
    "whole": (SAME, WHOLE, ""),
    "another error": (Promise(), judge.Outcome({}, NONE, KeyError("x")), "raised KeyError"),
    "hung": (Promise(), judge.Outcome({}, NONE, judge.Hung()), "it hung"),
    "refused": (Promise(), judge.Outcome({}, NONE, DataError("labels.csv, line 2: no", advice="Mend it.")), ""),
    "refused, valid": (SAME, judge.Outcome({}, NONE, DataError("labels.csv: no", advice="Mend it.")), "refused what"),
    "refused, no advice": (Promise(), judge.Outcome({}, NONE, DataError("labels.csv: no")), "says no way on"),
    "refused, nowhere": (Promise(), judge.Outcome({}, NONE, DataError("no", advice="Mend it.")), "names no file"),
    "read, to be refused": (Promise(refuses=True), WHOLE, "read what must be refused"),
    "read, told, to be refused": (Promise(refuses=True), judge.Outcome(TRUTH, frozenset({"x"})), "must be refused"),
    "dropped in silence": (Promise(), judge.Outcome(LESS, NONE), "1 of ['anna'] are missing without a word"),
    "dropped, of classes": (Promise(), judge.Outcome(LESS, frozenset({"1 class has no image: x."})), "are missing"),
    "dropped, named": (Promise(), judge.Outcome(LESS, frozenset({"1 file does not exist: anna.png."})), ""),
    "dropped, counted": (Promise(), judge.Outcome(LESS, frozenset({"3 files do not exist: x and 2 more."})), ""),
    "dropped, unknowable": (Promise(silent=None), judge.Outcome(LESS, NONE), ""),
    "to be dropped": (Promise(gone=frozenset({"anna"})), WHOLE, "still has ['anna']"),
    "to be told": (replace(SAME, told=True), WHOLE, "says nothing"),
    "not touched": (SAME, judge.Outcome(OTHER, NONE), "was not touched"),
    "touched": (Promise(), judge.Outcome(OTHER, NONE), ""),
    "lost labels": (Promise(), judge.Outcome({**TRUTH, "anna": judge.Shown(NONE)}, NONE), "without a word"),
    "no name": (Promise(), judge.Outcome({**TRUTH, "anna": judge.Shown(frozenset({""}))}, NONE), "without a name"),
    "an image too many": (Promise(), judge.Outcome({**TRUTH, "x": TRUTH["anna"]}, NONE), "images that are not there"),
}


@pytest.mark.parametrize("case", JUDGED)
def test_the_judge(case):
    promise, outcome, told = JUDGED[case]
    found = judge.fault(seed_of("CSV"), promise, WHOLE, outcome, "labels.csv")
    assert told in found if told else not found


def test_a_reader_that_hangs_is_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr(judge, "LIMIT_S", 0.05)
    monkeypatch.setattr(judge, "look", lambda _: [None for _ in iter(int, 1)])
    assert isinstance(judge.read(tmp_path, tmp_path).error, judge.Hung)
