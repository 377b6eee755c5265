"""Each border's function on the texts that would do harm there, and on those that must stay as they are."""

from __future__ import annotations

import csv
import io

import pytest

from nbtrain import escaping
from nbtrain.errors import ConfigError, NbtrainError, Problem


@pytest.mark.parametrize("character", ["\x00", "\x07", "\x1b", "\r", "\t", "\x7f", "\x85", "\x9b", "\u202e", "\u2066",
                                       "\u2028", "\ud800", "\U000e0041"])  # fmt: skip
def test_a_terminal_obeys_no_character_of_a_text(character):
    shown = escaping.line(f"a{character}b")
    assert shown.isprintable()
    assert shown.startswith("a\\")
    assert escaping.terminal(f"a\n{character}") == f"a\n{shown[1:-1]}"


def test_a_line_stays_one_and_a_text_keeps_its_lines():
    assert escaping.line("one\ntwo") == r"one\ntwo"
    assert escaping.terminal("one\ntwo") == "one\ntwo"


@pytest.mark.parametrize("text", ["Ärger, naïve, 日本, עברית, 👩‍🔬, a\\b <b>", ""])
def test_names_of_people_stay_as_they_are(text):
    assert escaping.line(text) == text


def test_markup_is_text_also_in_an_attribute():
    assert escaping.html("<b a='1' b=\"2\">&") == "&lt;b a=&#x27;1&#x27; b=&quot;2&quot;&gt;&amp;"
    assert escaping.html("\udcff").encode() == rb"\udcff"
    assert escaping.html(0.5) == "0.5"


FORMULAS = ["=1+1", "+cmd|' /C calc'!A0", "-cmd", "@SUM(1)", " =1", "＝1+1", "-1+1"]
PLAIN = ["-1", "+1.5", "-.5e-3", "1e5", "cat", "a=1", "", "–", "don't", "'quoted", -1, -0.25, 3, True, float("-inf")]


def cells(*values):
    text = escaping.csv_text(("head",), [(value,) for value in values])
    return [row[0] if row else "" for row in csv.reader(io.StringIO(text, newline=""))][1:]


@pytest.mark.parametrize("text", FORMULAS)
def test_a_formula_is_text_in_cells_and_heads(text):
    assert cells(text) == [f"'{text}"]
    assert escaping.csv_text((text,), []).lstrip('"').startswith("'")


@pytest.mark.parametrize("text", ["\t=1", "\r=1", "\n=1", "a\r=1", "a\x1b"])
def test_a_cell_is_one_line_without_control_characters(text):
    (cell,) = cells(text)
    assert cell == escaping.line(text)
    assert cell.isprintable()


@pytest.mark.parametrize("value", PLAIN)
def test_numbers_and_words_stay_as_they_are(value):
    assert cells(value) == [str(value)]


def test_the_text_of_an_error_holds_no_control_character_and_its_values_are_as_they_were():
    error = NbtrainError("no such \x1b[31mname", value="\x1b", advice="Look\x07.")
    assert str(error) == r"no such \x1b[31mname (got '\x1b'). Look\x07."
    assert error.value == "\x1b"
    refused = ConfigError([Problem("a\x1b", "is wrong."), Problem("b", "too.")])
    assert str(refused) == "a\\x1b: is wrong.\nb: too."
    assert refused.problems[0].path == "a\x1b"
