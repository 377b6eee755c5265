"""Whatever deletes, cuts, replaces or opens in place goes through files.py, which touches only what nbtrain made."""

from __future__ import annotations

import ast
import re

import pytest

from contracts.repository import ROOT, SOURCE, nodes, sources

HARMFUL = {
    "unlink", "rmtree", "rmdir", "removedirs", "renames", "truncate", "ftruncate", "symlink", "symlink_to", "link",
    "hardlink_to", "copyfile", "copy2", "copytree", "copyfileobj", "write_text", "write_bytes", "touch", "mkstemp",
    "mkdtemp", "NamedTemporaryFile", "mkdir", "makedirs", "remove_socket", "memmap", "open_memmap", "tofile",
}  # fmt: skip
OF_A_MODULE = {("os", name) for name in ("remove", "rename", "replace", "open", "chmod", "chown")} | {
    ("shutil", "move")
}
"""Names that mean something else on other objects."""
ROOM = {"files.py"}
ALLOWED = {
    ("data/cache.py", "truncate"): "of a file that open_ours has opened, made larger",
    ("data/edit_log.py", "ftruncate"): "takes its own line back, in a file that open_ours has opened",
    ("data/edit_log.py", "os.open"): "to read",
    ("data/unpack.py", "open"): "new files only, in a folder of its own",
    ("demo/__init__.py", "open"): "new files only, in a folder of its own",
    ("processes.py", "write_text"): "of this process, in /proc",
    ("runs/errand.py", "write_text"): "of this process, in /proc",
    ("runs/journal.py", "ftruncate"): "cuts a torn line, in a file that open_ours has opened",
    ("runs/parent.py", "os.open"): "/dev/null",
    ("runs/warm.py", "remove_socket"): "of this user's runtime folder",
    ("training/memory.py", "write_text"): "of this process, in /proc",
    ("build.py", "link"): "of kept.py, which goes through files.py",
    ("project/branches.py", "link"): "of kept.py, which goes through files.py",
}
"""Which calls a module may make itself, and why."""
READS = {"read_bytes", "read_text"}
READ_BY = {
    "cgroups.py", "processes.py", "stacks.py", "training/memory.py",  # /proc and /sys
    "evaluation/report/page.py", "models/catalog.py", "ui/panel.py",  # the package's own
    "project/exchange.py", "data/sources/texts.py", "data/unpack.py", "data/inspection/look.py",  # the person's own
}  # fmt: skip
"""Where a file is read by a call that would wait for a pipe."""
REMOVING = (
    "remove",
    "remove_link",
    "remove_tree",
    "remove_empty",
    "rename",
    "move_to_trash",
    "same_content",
    "replace",
)
PAGE = (ROOT / "docs" / "faults.md").read_text(encoding="utf-8")


def calls(path):
    for node in nodes(path):
        if isinstance(node, ast.Call):
            yield node, name_of(node.func)


def name_of(func):
    if isinstance(func, ast.Attribute) and isinstance(func.value, ast.Name):
        return f"{func.value.id}.{func.attr}" if (func.value.id, func.attr) in OF_A_MODULE else func.attr
    return func.attr if isinstance(func, ast.Attribute) else func.id if isinstance(func, ast.Name) else ""


def opens_to_write(node, name):
    """Whether this is ``open(...)`` with a mode that writes; one with ``opener=files.open_ours`` is of files.py."""
    if name != "open":
        return False
    words = [word.value for word in (*node.args, *(k.value for k in node.keywords)) if isinstance(word, ast.Constant)]
    through = any(k.arg == "opener" and "open_ours" in ast.unparse(k.value) for k in node.keywords)
    modes = [word for word in words if isinstance(word, str) and re.fullmatch(r"[rwaxbt+]{1,3}", word)]
    return not through and any(set(mode) & set("wax+") for mode in modes)


def opens_to_read(node, name):
    plain = name == "open" and isinstance(node.func, ast.Name) and not opens_to_write(node, name)
    return plain and not any(k.arg == "opener" for k in node.keywords)


def is_harmful(node, name):
    if name == "rename" and isinstance(node.func, ast.Attribute):  # Path.rename, not that of a class or an experiment
        return "path" in ast.unparse(node.func.value).lower()
    return name in HARMFUL or name.split(".")[0] in ("os", "shutil") or opens_to_write(node, name)


@pytest.mark.parametrize("path", sources(), ids=lambda path: path.relative_to(SOURCE).as_posix())
def test_nothing_writes_past_files(path):
    where = path.relative_to(SOURCE).as_posix()
    if where in ROOM:
        return
    found = {name for node, name in calls(path) if is_harmful(node, name)}
    assert {name for name in found if (where, name) not in ALLOWED} == set()


def test_what_is_allowed_is_there():
    found = {(p.relative_to(SOURCE).as_posix(), name) for p in sources() for node, name in calls(p)
             if is_harmful(node, name)}  # fmt: skip
    assert set(ALLOWED) - found == set()


def test_nothing_waits_for_a_pipe():
    """Files of a project are read by files.read_json, files.content, or with ``opener=files.ordinary``."""
    found = {p.relative_to(SOURCE).as_posix() for p in sources() for node, name in calls(p)
             if name in READS or opens_to_read(node, name)}  # fmt: skip
    assert found - ROOM <= READ_BY


def test_all_that_is_removed_is_on_the_page():
    """Each module that removes or replaces has a row under "What is deleted, cut or replaced"."""
    part = PAGE.partition("## What is deleted, cut or replaced")[2].partition("\n## ")[0]
    told = set(re.findall(r"^\| `([\w/]+\.py)`", part, re.MULTILINE))
    made = {
        p.relative_to(SOURCE).as_posix()
        for p in sources()
        for node, name in calls(p)
        if isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id in ("files", "disk", "folders")
        and name in REMOVING
    }
    cut = {where for where, name in ALLOWED if name in ("truncate", "ftruncate")}
    assert told == (made | cut) - ROOM
