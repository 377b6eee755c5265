"""Random faults: one operator, constant, condition or call of a source file changed, and the tests that should see it.

Known here: Python's syntax tree, and who imports whom. Not known here: how a fault is tried (mutants.py).
"""

from __future__ import annotations

import ast
import copy
import itertools
import random
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

FOLDERS = ("training", "evaluation", "advice", "data", "runs")
"""Packages of src/nbtrain that random faults are drawn from."""
MOST_TEST_FILES = 10
"""Test files that a random fault is tried with: nearest by imports first."""
SLOW_FOLDERS = ("browser", "notebooks", "faults", "flows")
"""Folders of tests that start servers, browsers or whole trainings; no random fault is tried with them."""
ALWAYS = ("tests/contracts/test_reference.py",)
"""Compares every default, limit and text of the settings and rules with the committed pages."""

_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
_ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Div,
    ast.Mod: ast.FloorDiv, ast.Pow: ast.Mult,
}  # fmt: skip
_CALLS = {"min": "max", "max": "min", "any": "all", "all": "any", "floor": "ceil", "ceil": "floor"}


def drawn(root: Path, count: int, seed: int) -> list[tuple[str, int, int, str]]:
    """Return ``count`` random changes of the packages' sources: file, first and last place in it, and the new text."""
    sources = {
        file.relative_to(root).as_posix(): file.read_text(encoding="utf-8")
        for folder in FOLDERS
        for file in sorted((root / "src" / "nbtrain" / folder).rglob("*.py"))
    }
    every = [(file, *change) for file, source in sources.items() for change in changes(source)]
    random.Random(seed).shuffle(every)
    legal = (one for one in every if _parses(sources[one[0]][: one[1]] + one[3] + sources[one[0]][one[2] :]))
    return list(itertools.islice(legal, count))


def changes(source: str) -> Iterator[tuple[int, int, str]]:
    """Yield every change that can be made to ``source``: first and last place in it, and the new text."""
    lines = source.splitlines(keepends=True)
    starts = [0, *itertools.accumulate(map(len, lines))]

    def place(line: int, column_bytes: int) -> int:
        return starts[line - 1] + len(lines[line - 1].encode()[:column_bytes].decode())

    for node in _code(ast.parse(source)):
        first = place(node.lineno, node.col_offset)
        last = place(node.end_lineno or node.lineno, node.end_col_offset or 0)
        yield from ((first, last, changed) for changed in _changed(node))


def _parses(source: str) -> bool:
    try:
        ast.parse(source)
    except SyntaxError:
        return False
    return True


def _code(node: ast.AST) -> Iterator[ast.expr | ast.stmt]:
    """Walk what runs; annotations, decorators and f-strings (whose parts have no exact places) are left out."""
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list", "type_params"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if not isinstance(child, ast.AST) or isinstance(child, ast.JoinedStr) or _only_for_types(child):
                continue
            if isinstance(child, ast.expr | ast.stmt):
                yield child
            yield from _code(child)


def _only_for_types(node: ast.AST) -> bool:
    if isinstance(node, ast.If):
        return isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
    return isinstance(node, ast.AnnAssign | ast.Assign) and "TypeAlias" in ast.dump(node)


def _changed(node: ast.expr | ast.stmt) -> Iterator[str]:
    """Yield the node's text with one thing changed."""
    match node:
        case ast.Constant():
            yield from _other_value(node.value)
        case ast.Expr(value=ast.Call()):
            yield "pass"
        case ast.Return(value=ast.expr()) if not isinstance(node.value, ast.Constant):
            yield "return None"
        case ast.AugAssign() if type(node.op) in _ARITHMETIC:
            yield ast.unparse(ast.AugAssign(node.target, _ARITHMETIC[type(node.op)](), node.value))
        case ast.expr():
            for other in _other_expressions(node):
                yield f"({ast.unparse(other)})"


def _other_value(value: object) -> Iterator[str]:
    if isinstance(value, bool):
        yield repr(not value)
    elif isinstance(value, int):
        yield repr(value + 1)
    elif isinstance(value, float):
        yield repr(value * 1.5 if value else 0.5)


def _other_expressions(node: ast.expr) -> Iterator[ast.expr]:
    match node:
        case ast.Compare():
            for place, operator in enumerate(node.ops):
                other = copy.deepcopy(node)
                other.ops[place] = _COMPARISONS[type(operator)]()
                yield other
        case ast.BinOp() if type(node.op) in _ARITHMETIC and not _is_text(node):
            yield ast.BinOp(node.left, _ARITHMETIC[type(node.op)](), node.right)
        case ast.BoolOp():
            yield ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values)
        case ast.UnaryOp(op=ast.Not()):
            yield node.operand
        case ast.Call(func=ast.Name(id=name)) if name in _CALLS:
            yield ast.Call(ast.Name(_CALLS[name]), node.args, node.keywords)
        case ast.IfExp():
            yield ast.IfExp(node.test, node.orelse, node.body)


def _is_text(node: ast.BinOp) -> bool:
    """Tell whether text is put together: any change is a TypeError, which says nothing about tests."""
    sides = (node.left, node.right)
    return any(
        isinstance(s, ast.JoinedStr) or (isinstance(s, ast.Constant) and isinstance(s.value, str)) for s in sides
    )


# ---------------------------------------------------------------------- which tests


def related(root: Path, file: str) -> tuple[str, ...]:
    """Return the test files of a source file: its mirror, then those that import it, directly and through others."""
    reverse, names = _importers(root)
    queue, seen, found = [names[root / file]], {names[root / file]}, []
    mirror = root / "tests" / Path(file).relative_to("src/nbtrain").parent / f"test_{Path(file).name}"
    if mirror.is_file():
        found.append(mirror)
    while queue and len(found) < MOST_TEST_FILES:
        following = sorted({user for name in queue for user in reverse[name]} - seen)
        seen.update(following)
        tests = [path for path, name in names.items() if name in following and path.name.startswith("test_")]
        found += [path for path in sorted(tests, key=_kinship(mirror)) if path not in found and _is_quick(root, path)]
        queue = following
    chosen = [path.relative_to(root).as_posix() for path in found[:MOST_TEST_FILES]]
    return tuple(dict.fromkeys([*chosen, *ALWAYS]))


def all_others(root: Path, file: str) -> tuple[str, ...]:
    """Return what may see what the related tests do not: slow ones that import the file, then all quick ones."""
    reverse, names = _importers(root)
    users = reverse[names[root / file]]
    tests = [path for path in names if path.is_relative_to(root / "tests") and path.name.startswith("test_")]
    slow = [path for path in tests if not _is_quick(root, path)]
    near = [path for path in slow if names[path] in users and path.relative_to(root / "tests").parts[0] != "browser"]
    quick = [path for path in tests if _is_quick(root, path)]
    tried = set(related(root, file))
    return tuple(name for path in (*near, *quick) if (name := path.relative_to(root).as_posix()) not in tried)


def _kinship(mirror: Path) -> Callable[[Path], tuple[bool, Path]]:
    """Order test files: those of the same folder first."""
    return lambda path: (path.parent != mirror.parent, path)


def _is_quick(root: Path, path: Path) -> bool:
    return path.relative_to(root / "tests").parts[0] not in SLOW_FOLDERS


@cache
def _importers(root: Path) -> tuple[dict[str, set[str]], dict[Path, str]]:
    """Return who imports each module of src and tests, and the module name of each file."""
    names = {path: _name(path, top) for top in (root / "src", root / "tests") for path in sorted(top.rglob("*.py"))}
    known, reverse = set(names.values()), defaultdict[str, set[str]](set)
    for path, name in names.items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                wanted = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module:
                inner = [f"{node.module}.{alias.name}" for alias in node.names]
                wanted = [one if one in known else node.module for one in inner]
            else:
                continue
            for one in set(wanted) & known:
                reverse[one].add(name)
    return reverse, names


def _name(path: Path, top: Path) -> str:
    parts = path.relative_to(top).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
