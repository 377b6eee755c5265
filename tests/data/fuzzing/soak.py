"""The long fuzz: ``python -m data.fuzzing.soak [FILES [SEED]]``, with tests/ on the path; ``make fuzz`` does it.

FILES mutated data sets (20 800, of all formats equally many) are drawn from SEED (1) and read. The table and
``bench/results/fuzz.json`` say per format how many were read and how many were refused. What ended in neither is
printed, and its files are kept in a folder of its own; the exit code is 1 then. ``FORMAT:NUMBER`` in place of FILES
does a single case again, and keeps its files.
"""

from __future__ import annotations

import json
import resource
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from data.fuzzing.cases import FORMATS, Verdict, case_of, verdict_of

RESULTS = Path(__file__).parents[3] / "bench" / "results" / "fuzz.json"
_PER_FORMAT = 800
_MEMORY_BYTES = 8 * 2**30
"""What may be asked for at most: a bomb ends in an error, and not with the machine."""


def main(files: str = str(_PER_FORMAT * len(FORMATS)), seed: str = "1") -> int:
    """Read the cases, print the table, keep it."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, resource.getrlimit(resource.RLIMIT_AS)[1]))
    kept = Path(tempfile.mkdtemp(prefix="nbtrain-fuzz-"))
    room = kept / "room"
    form, colon, number = files.rpartition(":")
    if colon:
        verdict = verdict_of(case_of(int(seed), int(number), form), room)
        print(_told(verdict, int(seed), int(number)), verdict.outcome, room, sep="\n")
        return int(bool(verdict.fault))
    print(f"seed {seed}", flush=True)
    began_s = time.monotonic()
    rows: dict[str, Counter[str]] = {form: Counter() for form in FORMATS}
    slowest_s = 0.0
    for number in range(int(files) // len(FORMATS)):
        for form in FORMATS:
            verdict = verdict_of(case_of(int(seed), number, form), room)
            rows[form][verdict.end] += 1
            slowest_s = max(slowest_s, verdict.outcome.seconds)
            if verdict.fault:
                print(_told(verdict, int(seed), number), _keep(room, kept, form, number), sep="\n", flush=True)
    table = {form: {end: row[end] for end in ("read", "refused", "wrong")} for form, row in rows.items()}
    _print(table)
    result = {
        "seconds": round(time.monotonic() - began_s),
        "slowest_s": round(slowest_s, 1),
        "seed": int(seed),
        "files": sum(map(Counter.total, rows.values())),
        "formats": table,
    }
    RESULTS.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    wrong = any(row["wrong"] for row in table.values())
    shutil.rmtree(room if wrong else kept, ignore_errors=True)
    return int(wrong)


def _told(verdict: Verdict, seed: int, number: int) -> str:
    case = verdict.case
    did = ", ".join(case.names) + (f" in {case.touched}" if case.touched else "")
    return (
        f"{case.form}, {did}: {verdict.fault or verdict.end}\n  again: make fuzz FUZZ=\"'{case.form}:{number}' {seed}\""
    )


def _keep(room: Path, kept: Path, form: str, number: int) -> str:
    """Move the files of a case away from the next, and say where they are."""
    place = kept / f"{form.replace(' ', '-')}-{number}"
    shutil.move(room, place)
    return f"  kept: {place}"


def _print(table: dict[str, dict[str, int]]) -> None:
    total = Counter[str]()
    for row in table.values():
        total.update(row)
    print("\n" + "".join(f"{name:>24}" for name in ("", *total)))
    for name, row in {**table, "in all": total}.items():
        print(f"{name:>24}" + "".join(f"{n:>24}" for n in row.values()))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
