"""docs/faults.md promises nothing without a test: every row names one, and every named one is there."""

from __future__ import annotations

import ast
import re

import pytest

from contracts.repository import ROOT

PAGE = (ROOT / "docs" / "faults.md").read_text(encoding="utf-8")
ROWS = [line for line in PAGE.splitlines() if line.startswith("| ") and not line.startswith(("| Fault |", "| Place |"))]
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.split("|")[1].strip()[:40])
def test_every_fault_has_tests_that_exist(row):
    fault, happens, tests = (cell.strip() for cell in row.strip("|").split("|"))
    assert fault
    assert happens
    named = NAMED.findall(tests)
    assert ", ".join(f"`{file}::{name}`" for file, name in named) == tests
    assert named
    assert [f"{file}::{name}" for file, name in named if name not in functions_of(file)] == []


def functions_of(file):
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8")) if (ROOT / file).is_file() else ast.Module([], [])
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_every_test_of_a_fault_is_on_the_page():
    made = {f"{p.relative_to(ROOT).as_posix()}::{name}" for p in (ROOT / "tests" / "faults").glob("test_*.py")
            for name in functions_of(p.relative_to(ROOT).as_posix()) if name.startswith("test_")}  # fmt: skip
    assert made - {f"{file}::{name}" for file, name in NAMED.findall(PAGE)} == set()
