"""Plant faults in copies of the code and say which of them no test sees (``make mutants``).

The faults are those of tests/mutants/*.toml, or ``--random N`` drawn by ``--seed``. Each is planted in a copy of the
repository, never in the working tree, and tried with the tests that it names. The libraries are imported once, here; a
process is forked for each fault, imports nbtrain from the copy, and runs pytest. PYTHONPATH leads to the copy too, so
what a test starts (trainers, the command line) is faulty alike. Linux only, as is the fork.

Words: *killed*, a test failed or took far too long; *survived*, none did; *stale*, the old text does not occur exactly
once in its file; *broken*, the test that failed also does without the fault, or none of the named ones is there.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import datetime
import importlib
import json
import os
import shutil
import signal
import sys
import tempfile
import time
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn, TypeAlias

import mutations

ROOT = Path(__file__).resolve().parents[1]
LISTS = ROOT / "tests" / "mutants"
RESULTS = LISTS / "results.json"
PAGE = ROOT / "docs" / "tests.md"
COPIED = ("src", "tests", "pyproject.toml")
"""What a copy of the repository holds of its own; the rest is linked."""
NOT_LINKED = (".git", ".venv", ".pytest_cache", ".mypy_cache", ".ruff_cache")
LIBRARIES = (
    "numpy", "torch", "torchvision", "torchvision.transforms.v2", "timm", "timm.optim", "torchmetrics", "PIL.Image",
    "pandas", "sklearn.model_selection", "sklearn.metrics", "pydantic", "orjson", "simplejpeg", "psutil", "yaml",
    "ipywidgets", "anywidget", "bqplot", "IPython", "platformdirs", "pytest", "_pytest.assertion.rewrite",
)  # fmt: skip
"""Imported once, before the forks. nbtrain is not among them: each fork imports the faulty one."""
GOOD = ("killed", "equivalent")
Job: TypeAlias = "tuple[Any, Fault | None, Sequence[str]]"
"""What it is called, the fault, and the tests."""
_SUBREAPER = 36  # prctl: what loses its parent becomes a child of this process, and can be ended by it
_NEAREST = 2
_TEST_S, _MOST_S, _ALL_S = 120, 900.0, 5400.0
"""One test may take this long, all tests of a fault, and all tests that there are; more counts as killed."""
_MANY = 30
"""Test files from which on they are all that there are."""


@dataclass(frozen=True)
class Fault:
    """One change of one file, and the tests that should see it."""

    file: str
    old: str
    new: str
    tests: tuple[str, ...]
    why: str
    where: str
    """The list it stands in, or the line that it changes."""
    place: int | None = None
    """Where ``old`` begins; None where it is looked for."""
    equivalent: str = ""
    """Why no test can see it; empty for a real fault."""

    def planted(self, text: str) -> str | None:
        """Return the file's text with the fault, None where the old text does not occur exactly once."""
        if self.place is not None:
            return text[: self.place] + self.new + text[self.place + len(self.old) :]
        return text.replace(self.old, self.new) if text.count(self.old) == 1 and self.old != self.new else None

    def __str__(self) -> str:
        def short(text: str) -> str:
            return (one := " ".join(text.split()))[:90] + ("…" if len(one) > 90 else "")

        return f"{self.file} ({self.where}): {short(self.old)} → {short(self.new)}" + (
            f" [{self.why}]" * bool(self.why)
        )


# ---------------------------------------------------------------------- the lists


def listed(folder: Path = LISTS) -> list[Fault]:
    """Return the faults of all lists in ``folder``."""
    return [
        Fault(one["file"], one["old"], one["new"], tuple(one["tests"]), one["why"], name)
        for name, one in _entries(folder, "fault")
    ]


def equivalents(folder: Path = LISTS) -> dict[tuple[str, str, str], str]:
    """Return why changes that were drawn once are no faults, by file, changed line and line with the change."""
    found = [one for _, one in _entries(folder, "equivalent")]
    return {(one["file"], one["line"].strip(), one["new"].strip()): one["why"] for one in found}


def _entries(folder: Path, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for path in sorted(folder.glob("*.toml")):
        for one in tomllib.loads(path.read_text(encoding="utf-8")).get(kind, []):
            yield path.name, one


def chosen_by_chance(count: int, seed: int) -> list[Fault]:
    """Return random faults, each with the tests nearest to its file."""
    known, faults = equivalents(), []
    for file, first, last, new in mutations.drawn(ROOT, count, seed):
        text = (ROOT / file).read_text(encoding="utf-8")
        begin, end = text.rfind("\n", 0, first) + 1, text.find("\n", last)
        before, after = text[begin:end], text[begin:first] + new + text[last:end]
        why = known.get((file, before.strip(), after.strip()), "")
        number = text.count("\n", 0, first) + 1
        tests = mutations.related(ROOT, file)
        faults.append(Fault(file, text[first:last], new, tests, "", f"line {number}", first, why))
    return faults


# ---------------------------------------------------------------------- one process per fault


class Copies:
    """Copies of the repository, one for each process at work, and the forks that run pytest in them."""

    def __init__(self, number: int) -> None:
        self._home = Path(tempfile.mkdtemp(prefix="nbm-"))
        self._home.chmod(0o755)  # some tests act as another user
        self._free = [self._copy(self._home / str(index)) for index in range(number)]
        self._working: dict[int, tuple[Path, Any]] = {}
        self._planted = 0

    def _copy(self, copy: Path) -> Path:
        copy.mkdir()
        (copy / ".tmp").mkdir()
        for path in ROOT.iterdir():
            if path.name in COPIED and path.is_dir():
                shutil.copytree(path, copy / path.name, ignore=shutil.ignore_patterns("__pycache__"))
            elif path.name in COPIED:
                shutil.copy2(path, copy / path.name)
            elif path.name not in NOT_LINKED:
                (copy / path.name).symlink_to(path)
        return copy

    def run(self, jobs: Iterable[Job]) -> Iterator[tuple[Any, dict[str, Any]]]:
        """Run each job's tests in a copy of its own, with its fault planted, and yield what became of it."""
        waiting = list(jobs)
        while waiting or self._working:
            while waiting and self._free:
                key, fault, tests = waiting.pop(0)
                copy = self._free.pop(0)
                restore = self._plant(copy, fault)
                if not (pid := os.fork()):
                    _supervise(copy, tests, stop_at_first=fault is not None)
                self._working[pid] = (copy, (key, restore))
            pid, _ = os.wait()
            if pid not in self._working:
                continue
            copy, (key, restore) = self._working.pop(pid)
            restore()
            self._free.append(copy)
            yield key, json.loads((copy / ".result.json").read_text(encoding="utf-8"))

    def _plant(self, copy: Path, fault: Fault | None) -> Any:
        (copy / ".result.json").unlink(missing_ok=True)
        if fault is None:
            return lambda: None
        path = copy / fault.file
        clean, seen = path.read_text(encoding="utf-8"), path.stat()
        planted = fault.planted(clean)
        assert planted is not None, fault
        self._planted += 1

        def write(text: str, time_ns: int) -> None:
            path.write_text(text, encoding="utf-8")
            os.utime(path, ns=(time_ns, time_ns))  # byte code counts by second and size: no two states share both

        write(planted, seen.st_mtime_ns + self._planted * 2_000_000_000)
        return lambda: write(clean, seen.st_mtime_ns)

    def close(self) -> None:
        """End what still works and remove the copies."""
        for pid in self._working:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        for pid in self._working:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)
        shutil.rmtree(self._home, ignore_errors=True)


def _supervise(copy: Path, tests: Sequence[str], *, stop_at_first: bool) -> NoReturn:
    """Run the tests in a child, for a limited time, and end every process that they have started."""
    os.setsid()
    ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)

    def leave(number: int, frame: FrameType | None) -> NoReturn:
        _end_descendants()
        os._exit(1)

    signal.signal(signal.SIGTERM, leave)
    begun, said, code = time.monotonic(), copy / ".result.json", 0
    # Collecting many files takes longer than running a few: the nearest go first, by themselves.
    for some in [tests[:_NEAREST], tests[_NEAREST:]] if len(tests) > 2 * _NEAREST else [tests]:
        if code:
            break
        if not (pid := os.fork()):
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            _test(copy, some, stop_at_first)
        status = None
        while status is None and time.monotonic() - begun < (_ALL_S if len(tests) > _MANY else _MOST_S):
            done, ended = os.waitpid(pid, os.WNOHANG)
            status = ended if done else None
            time.sleep(0.02)
        _end_descendants()
        code = -1 if status is None else os.waitstatus_to_exitcode(status)
        shutil.rmtree(copy / ".tmp", ignore_errors=True)
        (copy / ".tmp").mkdir(exist_ok=True)
    result = json.loads(said.read_text(encoding="utf-8")) if said.is_file() else {"tests": {}}
    said.write_text(json.dumps({**result, "code": code, "seconds": time.monotonic() - begun}), encoding="utf-8")
    os._exit(0)


def _end_descendants() -> None:
    import psutil

    while children := psutil.Process().children(recursive=True):
        for child in children:
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        time.sleep(0.01)


def _test(copy: Path, tests: Sequence[str], stop_at_first: bool) -> NoReturn:
    """Run pytest in this process, with nbtrain of the copy, and write down what became of each test."""
    import pytest

    source, log = str(copy / "src"), os.open(copy / ".log.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    for stream in (1, 2):
        os.dup2(log, stream)
    os.environ["PYTHONPATH"] = source
    os.environ["TMPDIR"] = tempfile.tempdir = str(copy / ".tmp")
    sys.path[:] = [source, *(entry for entry in sys.path if entry not in (str(ROOT / "src"), str(ROOT / "scripts")))]
    importlib.invalidate_caches()
    os.chdir(copy)
    outcomes: dict[str, str] = {}

    class Record:
        """Notes what became of each test, and the files that could not be read."""

        def pytest_runtest_logreport(self, report: Any) -> None:
            if report.when == "call" or report.outcome != "passed":
                outcomes[report.nodeid] = report.outcome if outcomes.get(report.nodeid) != "failed" else "failed"

        def pytest_collectreport(self, report: Any) -> None:
            if report.failed:
                outcomes[report.nodeid] = "failed"

    words = [*tests, "-q", "-p", "no:cacheprovider", "-p", "no:xdist", f"--rootdir={copy}", f"--timeout={_TEST_S}"]
    words.append(f"--basetemp={copy / '.tmp' / 't'}")  # short: messages name paths, and cut long ones
    code = int(pytest.main([*words, *(["-x"] if stop_at_first else [])], plugins=[Record()]))
    found = sys.modules.get("nbtrain")
    if found is not None and not str(found.__file__).startswith(source):
        code = 99  # not the copy was tested
    (copy / ".result.json").write_text(json.dumps({"tests": outcomes}), encoding="utf-8")
    sys.stdout.flush()
    os._exit(code)


# ---------------------------------------------------------------------- all of them


def tried(copies: Copies, faults: Sequence[Fault], *, again: bool = False) -> Iterator[tuple[Fault, str, float]]:
    """Yield each fault with what became of it, and the seconds that took; some that were killed later as broken.

    ``again`` tries what the nearest tests do not see with all others: somebody else may check it on the way.
    """
    jobs: list[Job] = []
    for fault in faults:
        if fault.planted((ROOT / fault.file).read_text(encoding="utf-8")) is None:
            yield fault, "stale", 0.0
        elif fault.equivalent:
            yield fault, "equivalent", 0.0
        else:
            jobs.append((fault, fault, fault.tests))
    killers: dict[Fault, list[str]] = {}
    left: list[Job] = []
    for fault, result in copies.run(jobs):
        word = _word(result)
        if word == "killed":
            killers[fault] = [name for name, outcome in result["tests"].items() if outcome == "failed"]
        if word == "survived" and again:
            left.append((fault, fault, mutations.all_others(ROOT, fault.file)))
        else:
            yield fault, word, result["seconds"]
    for fault, result in copies.run(left):
        if (word := _word(result)) == "killed":
            killers[fault] = [name for name, outcome in result["tests"].items() if outcome == "failed"]
        yield fault, word, result["seconds"]
    wrong = failing(copies, {name for names in killers.values() for name in names})
    yield from ((fault, "broken", 0.0) for fault, names in killers.items() if wrong & set(names))


def _word(result: dict[str, Any]) -> str:
    """Return what pytest's exit code means: 0 all passed, 4 a test that is not there, 5 no tests, 99 see _test."""
    if result["code"] in (4, 5, 99) or (result["code"] == 0 and "passed" not in result["tests"].values()):
        return "broken"
    return "killed" if result["code"] else "survived"


def failing(copies: Copies, tests: Iterable[str]) -> set[str]:
    """Return which of these tests fail without a fault too; of a file that could not be read, whether it can be."""
    by_file: dict[str, list[str]] = {}
    for test in sorted(tests):
        by_file.setdefault(test.split("::")[0], []).append(test)
    jobs: list[Job] = [
        (names, None, ["--collect-only", file] if names == [file] else [name for name in names if name != file])
        for file, names in by_file.items()
    ]
    found: set[str] = set()
    for names, result in copies.run(jobs):
        if result["code"]:
            found.update([name for name in names if result["tests"].get(name) != "passed"])
    return found


def main() -> int:
    """Try the faults that were asked for, print what became of them, and return 1 where one is not seen."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("part", nargs="*", help="only faults whose file, list or reason contains one of these texts")
    parser.add_argument("--random", type=int, metavar="N", help="N random faults instead of the lists")
    parser.add_argument("--seed", type=int, default=0, help="draws the random faults")
    parser.add_argument("--keep", action="store_true", help="write the results into tests/mutants and docs/tests.md")
    parser.add_argument("--lists", type=Path, default=LISTS, help="folder of the lists")
    parser.add_argument("--light", action="store_true", help="import no libraries first: for a few tests without torch")
    parser.add_argument("--processes", type=int, default=2, help="faults tried side by side")
    asked = parser.parse_args()
    faults = listed(asked.lists) if asked.random is None else chosen_by_chance(asked.random, asked.seed)
    if asked.part:
        faults = [f for f in faults if any(part in text for part in asked.part for text in (f.file, f.where, f.why))]
    os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))
    begun = time.monotonic()
    for name in ("psutil", "pytest") if asked.light else LIBRARIES:
        importlib.import_module(name)
    sys.stdout.flush()
    results: dict[Fault, str] = {}
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    copies = Copies(asked.processes)
    try:
        for fault, word, seconds in tried(copies, faults, again=asked.random is not None):
            results[fault] = word
            shown = word if word in GOOD else word.upper()
            print(f"{len(results):4}/{len(faults)} {shown:10} {seconds:5.1f} s  {fault}", flush=True)
            if asked.random is not None and word == "survived":
                print(f"{'':17}tried first with {' '.join(fault.tests)}", flush=True)
    except (KeyboardInterrupt, SystemExit):
        print(f"interrupted: {len(results)} of {len(faults)} were tried", flush=True)
    finally:
        copies.close()
    words = Counter(results.values())
    bad = sum(words[word] for word in words if word not in GOOD)
    print(
        f"{len(results)} faults in {time.monotonic() - begun:.0f} s: " + ", ".join(f"{n} {w}" for w, n in words.items())
    )
    if asked.keep and not asked.part:
        keep("list" if asked.random is None else f"random, seed {asked.seed}", results)
    return 1 if bad or len(results) < len(faults) else 0


# ---------------------------------------------------------------------- the page


def keep(name: str, results: Mapping[Fault, str]) -> None:
    """Write results beside the lists, and the page that is made of them."""
    kept = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.is_file() else {}
    counts: dict[str, Counter[str]] = {}
    for fault, word in results.items():
        counts.setdefault(_package(fault.file), Counter())[word] += 1
    kept[name] = {
        "date": datetime.date.today().isoformat(),
        "packages": {package: dict(counts[package]) for package in sorted(counts)},
        "not killed": sorted(
            f"{word}: {fault}" + (f" – {fault.equivalent}" * bool(fault.equivalent))
            for fault, word in results.items()
            if word != "killed"
        ),
    }
    RESULTS.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    PAGE.write_text(page(kept), encoding="utf-8")


def _package(file: str) -> str:
    parts = Path(file).relative_to("src/nbtrain").parts
    return parts[0] if len(parts) > 1 else "nbtrain"


def page(kept: dict[str, Any]) -> str:
    """Return docs/tests.md: how to use the tool, then each kept result."""
    text = INTRODUCTION
    for name, result in kept.items():
        words = ("killed", "survived", "equivalent", "stale", "broken")
        rows = [(package, [of.get(word, 0) for word in words]) for package, of in result["packages"].items()]
        total = [sum(column) for column in zip(*(numbers for _, numbers in rows), strict=True)]
        text += f"\n## {name[0].upper()}{name[1:]} ({result['date']})\n\n"
        text += f"| package | faults | {' | '.join(words)} |\n|---|{'---|' * (len(words) + 1)}\n"
        for package, numbers in [*rows, ("**all**", total)]:
            text += f"| {package} | {sum(numbers)} | {' | '.join(map(str, numbers))} |\n"
        text += "".join(f"\n- {line.replace('<', '&lt;')}" for line in result["not killed"])
        text += "\n" if result["not killed"] else ""
    return text


INTRODUCTION = """# Tests of the tests

`make mutants` plants faults in copies of the code, one at a time, and runs the tests that should see each. What no test
sees is printed as SURVIVED, and the command fails. This page is written by `make mutants MUTANTS=--keep`.

| command | what it tries |
|---|---|
| `make mutants` | every fault of `tests/mutants/*.toml` |
| `make mutants MUTANTS=training` | of these, the ones whose file, list or reason contains "training" |
| `make mutants MUTANTS="--random 50 --seed 3"` | fifty random changes of operators, constants, conditions and calls |

**A fault was found?** Write the test that sees it, mend the code, and add the fault to a list in `tests/mutants/`:

```toml
[[fault]]
file = "src/nbtrain/training/stepping.py"
old = "exact text that occurs once in that file"
new = "the faulty text"
tests = ["tests/training/test_stepping.py::test_x"]
why = "what goes wrong with it"
```

`make test` checks that each list still fits the code: the old text occurs exactly once, and the named tests exist.
A random change that no test can see, because it changes nothing, goes into `tests/mutants/equivalent.toml` with the
reason (`file`, the changed `line`, the `new` line, `why`). Random changes are tried with at most ten test files first:
the file's own, then the nearest by imports. What none of those sees is tried with all other quick tests, and with the
slow ones that import the file; never with the browser, which may well see what is named here as survived.
"""


if __name__ == "__main__":
    sys.exit(main())
