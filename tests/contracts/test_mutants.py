"""The lists of planted faults fit the code, and ``make mutants`` tells faults that are seen from those that are not."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib

import pytest

from contracts.repository import ROOT

LISTS = ROOT / "tests" / "mutants"
FAULTS = [
    pytest.param(fault, id=f"{path.stem}-{number}")
    for path in sorted(LISTS.glob("*.toml"))
    for number, fault in enumerate(tomllib.loads(path.read_text(encoding="utf-8")).get("fault", []), 1)
]


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_still_fits_the_code_and_names_tests_that_exist(fault):
    assert set(fault) == {"file", "old", "new", "tests", "why"}
    text = (ROOT / fault["file"]).read_text(encoding="utf-8")
    assert text.count(fault["old"]) == 1, f"stale: occurs {text.count(fault['old'])} times in {fault['file']}"
    assert fault["old"] != fault["new"]
    ast.parse(text.replace(fault["old"], fault["new"]))
    assert fault["why"]
    assert fault["tests"]
    assert [test for test in fault["tests"] if not exists(test)] == []


def exists(test):
    """Tell whether a test file, or a test or class in it, is there; cases of a parametrised test are not looked at."""
    file, *names = test.split("[")[0].split("::")
    if not (ROOT / file).is_file():
        return False
    body = ast.parse((ROOT / file).read_text(encoding="utf-8")).body
    for name in names:
        found = [node for node in body if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name]
        if not found:
            return False
        body = found[0].body
    return True


def test_there_are_faults_in_every_package():
    packages = {path.name for path in (ROOT / "src" / "nbtrain").iterdir() if (path / "__init__.py").is_file()}
    planted = {fault.values[0]["file"].split("/")[2] for fault in FAULTS}
    assert packages - planted <= {"demo"}
    assert len(FAULTS) >= 60


def test_the_tool_tells_what_is_seen_from_what_is_not(tmp_path):
    """Also that the process which a test starts is faulty: -P and the editable install lead elsewhere otherwise."""
    quick, started = "test_files.py::test_ids_differ", "cli/test_reference.py::test_the_module_is_the_command_line"
    lists = {
        "killed": fault('return "".join(secrets', 'return "A" + "".join(secrets', quick),
        "started": fault("sys.exit(main())", "sys.exit(77)", started, "__main__.py"),
        "survived": fault("_SLUG_LENGTH = 48", "_SLUG_LENGTH = 47", quick),
        "stale": fault("not in the file", "at all", quick),
        "broken": fault("_SLUG_LENGTH = 48", "_SLUG_LENGTH = 47", "test_files.py::test_that_is_not_there"),
    }
    for name, text in lists.items():
        (tmp_path / f"{name}.toml").write_text(text)
    before = (ROOT / "src" / "nbtrain" / "files.py").read_bytes()
    words = [sys.executable, "scripts/mutants.py", "--lists", str(tmp_path), "--light"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
    said = {line.split("(")[1].split(".toml")[0]: line.split()[1].lower() for line in done.stdout.splitlines()[:-1]}
    assert said == {"started": "killed", **{name: name for name in lists if name != "started"}}, done.stderr
    assert done.returncode == 1
    assert (ROOT / "src" / "nbtrain" / "files.py").read_bytes() == before


def fault(old, new, test, file="files.py"):
    return (
        f"[[fault]]\nfile = 'src/nbtrain/{file}'\nold = '{old}'\nnew = '{new}'\ntests = ['tests/{test}']\nwhy = 'x'\n"
    )
