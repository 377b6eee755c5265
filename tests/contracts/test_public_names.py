"""The public surface is one sorted list, and every name on it exists and is documented."""

from __future__ import annotations

import ast
import inspect

import pytest

import nbtrain
from contracts.repository import ROOT, committed


def test_all_is_sorted():
    assert list(nbtrain.__all__) == sorted(set(nbtrain.__all__))


def test_the_names_of_the_first_cell_are_public():
    assert {"Project", "TrainingStudio", "demo"} <= set(nbtrain.__all__)
    assert set(nbtrain.__all__) <= set(dir(nbtrain))


@pytest.mark.parametrize("name", getattr(nbtrain, "__all__", []))
def test_public_name_exists_and_is_documented(name):
    value = getattr(nbtrain, name)
    if inspect.isclass(value) or inspect.isroutine(value) or inspect.ismodule(value):
        assert inspect.getdoc(value)


def test_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="Studio_of_nobody"):
        _ = nbtrain.Studio_of_nobody


@pytest.mark.parametrize("path", committed("*.py"), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_file_says_what_it_knows(path):
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
