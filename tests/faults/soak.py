"""The long fault loops: ``python -m faults.soak [RUNS [OPERATIONS [FIRST]]]``, with tests/ on the path.

RUNS runs (100) are killed four times each at moments drawn from their number; one more run dies at the k-th file
operation of its checkpoints, for OPERATIONS numbers k (80). All are resumed and compared with runs that were never
interrupted. It may be done in slices: with FIRST, numbers go on after so many, and the counts are added to those of
before. The table and ``bench/results/soak.json`` hold what came of it; the exit code is 1 where anything differs.
"""

from __future__ import annotations

import json
import signal
import sys
import tempfile
import time
from pathlib import Path

from faults.lives import CONFIGS, PLACES, Lived, Moment, Mother, Nursery

RESULTS = Path(__file__).parents[2] / "bench" / "results" / "soak.json"


def main() -> int:
    """Live the runs, print the table, keep it."""
    runs, operations, first = (int(n) for n in (*sys.argv[1:], *("100", "80", "0")[len(sys.argv) - 1 :]))
    began_s = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="nbtrain-soak-") as folder:
        mother = Mother(Path(folder))
        nursery = Nursery(Path(folder), mother)
        try:
            waiting = [nursery.lived(number) for number in range(first, first + runs)]
            places = range(first + 1, first + operations + 1)
            waiting += [nursery.lived(0, [Moment("checkpoint files", k)]) for k in places]
            lived = [told(one.result()) for one in waiting]
        finally:
            nursery.close()
            mother.close()
    rows = {"random moments": counted(lived[:runs]), "every file operation": counted(lived[runs:])}
    before = json.loads(RESULTS.read_text(encoding="utf-8")) if first else {"seconds": 0}
    rows = {name: added(row, before.get(name, {})) for name, row in rows.items()}
    print("\n" + "".join(f"{name:>22}" for name in ("", *next(iter(rows.values())))))
    for name, row in rows.items():
        print(f"{name:>22}" + "".join(f"{value:>22}" for value in row.values()))
    result = {
        "seconds": before["seconds"] + round(time.monotonic() - began_s),
        "configurations": list(CONFIGS),
        "places": list(PLACES),
        **rows,
    }
    RESULTS.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return int(any(is_wrong(one) for one in lived))


def told(one: Lived) -> Lived:
    """Print a run that went wrong at once, any other as a dot."""
    print(f"\n{one}" if is_wrong(one) else ".", end="", flush=True)
    return one


def is_wrong(one: Lived) -> bool:
    """Tell whether the run ended badly, differs, or lost more than was promised."""
    return bool(one.codes[-1] or one.differs or not all(one.promised))


def counted(lived: list[Lived]) -> dict[str, int]:
    """Return a row of the table."""
    lost = [steps for one in lived for steps in one.lost] or [0]
    return {
        "runs": len(lived),
        "kills": sum(code == -signal.SIGKILL for one in lived for code in one.codes),
        "equal to the last bit": sum(not one.differs and not one.codes[-1] for one in lived),
        "steps lost in all": sum(lost),
        "steps lost, most": max(lost),
        "as promised": sum(all(one.promised) for one in lived),
    }


def added(row: dict[str, int], before: dict[str, int]) -> dict[str, int]:
    """Return a row with what earlier slices have counted."""
    most = "steps lost, most"
    return {name: max(n, before.get(name, 0)) if name == most else n + before.get(name, 0) for name, n in row.items()}


if __name__ == "__main__":
    sys.exit(main())
