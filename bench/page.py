"""docs/speed.md out of ``bench/results/train``: ``python -m bench.page > docs/speed.md``; a test compares the two.

It reads what bench/train.py keeps, and measures nothing.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterator
from typing import Any, NamedTuple

from bench.sides import LABELS
from bench.table import Row
from bench.train import CASES, FOLDER, rows_of

HEAD = """# Speed

Whole trainings from JPEG files, nbtrain beside the tools that one would take otherwise. This page is written by
`python -m bench.page > docs/speed.md` from the newest results in bench/results/train; a test keeps it from going
stale.

**The same for all:** parts of six photographs, 500 × 376, JPEG of quality 90; torchvision's network with random
weights; random resized crop, flip, normalisation; AdamW under a cosine; batch size, epochs, validation after each.
Each side is a process of its own and does the rest as its documentation shows it (bench/peers, one file each); its
checkpoints are its own too. Ultralytics has its own head on the same backbone, and takes neither loader workers nor
the last core on a CPU, whatever it is told.

**What is counted:** images/s of training, the first epoch from its first step on, later ones from the end of the
validation before. CPU time is that of the whole tree of processes per image; a busy machine stretches it less than
seconds. Memory is the peak of the tree's proportional set size; nbtrain's warm process stands beside it. `whole` is
two epochs with everything, from the start of the script, and for nbtrain from the click on Train in a notebook that
is open, its warm process there; the second row of nbtrain is without one. Medians of the rounds with the smallest and
the largest; sides take turns within a round, and ratios are taken within it.
"""
TAIL = """
## To measure again

```bash
make bench-peers
.venv/bin/python -m bench train
.venv/bin/python -m bench --long train
.venv/bin/python -m bench.page > docs/speed.md
```

The first installs the other tools into folders of their own beside the environment, where torch and the rest are
taken from. The second takes less than ten minutes on two quiet cores; the third, with the search for each side's best
threads, all sides everywhere and three seeds, more than an hour. Ultralytics is under the AGPL: it is run by this
benchmark, in its own process, and is no part of nbtrain.
"""


class Column(NamedTuple):
    """A figure of bench/sides.py as a column: its head, and how many digits behind the point."""

    figure: str
    head: str
    digits: int = 0
    spread: bool = False


COLUMNS = (
    Column("first_rate", "images/s, first epoch", 0, spread=True),
    Column("later_rate", "images/s, from the second", 0, spread=True),
    Column("first_cpu_ms", "CPU ms per image, first epoch", 2),
    Column("later_cpu_ms", "CPU ms, from the second", 2),
    Column("first_step_s", "first step, s", 1),
    Column("imports_s", "of it imports, s", 1),
    Column("whole_s", "whole, s", 1, spread=True),
    Column("peak_mib", "memory, MiB"),
)
ACCURACY = (
    Column("accuracy", "accuracy at the end", 3, spread=True),
    Column("mean_accuracy", "mean of all epochs", 3, spread=True),
)


def page() -> str:
    """Return the page."""
    parts = [HEAD]
    for path in (FOLDER / f"{name}-{setting}.json" for name in CASES for setting in ("equal", "best")):
        if path.exists():
            name, setting = path.stem.rsplit("-", 1)
            parts.append("\n".join(_case(name, setting, json.loads(path.read_text(encoding="utf-8")))))
    return "\n".join(parts) + "\n" + TAIL


def _case(name: str, setting: str, kept: dict[str, Any]) -> Iterator[str]:
    task, machine, n_rounds = kept["task"], kept["machine"], len(kept["rounds"])
    yield f"## {task['model']} at {task['size']} px, {_SETTINGS[setting]}{', three seeds' if name == 'seeds' else ''}\n"
    sets = f"{task['n_train']} images and {task['n_val']} for validation"
    yield f"{sets}, batches of {task['batch']}, {task['epochs']} epochs,"
    yield f"{n_rounds} {'round' if n_rounds == 1 else 'rounds'} on {machine['cores']} shared cores"
    yield f"({machine['processor']}); {', '.join(f'{package} {v}' for package, v in kept['versions'].items())}."
    if _busy(kept):
        busy = f"{max(kept['load']):.0f} processes wanted its {machine['cores']} cores"
        yield f"**The machine was busy: {busy}.** Seconds and images/s are disturbed then, and limits are not judged."
        yield "CPU time says more."
    yield ""
    yield from _limits(name, setting, kept)
    yield ""
    yield from _sides(name, kept)
    if kept["search"]:
        yield "\nFound by the search, images/s of one short epoch with compute threads + loader workers:\n"
        for side, found in kept["search"].items():
            yield f"- {LABELS[side]}: {', '.join(f'{how} {rate:.0f}' for how, rate in found.items())}"
    yield ""


def _limits(name: str, setting: str, kept: dict[str, Any]) -> Iterator[str]:
    yield "| | median | min – max | limit | |"
    yield "|---|---|---|---|---|"
    for row in rows_of(name, setting, kept):
        if row.values:
            what = row.name.split(": ", 1)[1]
            limit = _limit(row, judged=not _busy(kept))
            yield f"| {what} | {row.median:.2f} | {min(row.values):.2f} – {max(row.values):.2f} | {limit} |"


def _busy(kept: dict[str, Any]) -> bool:
    """Tell whether half as many processes again as there are cores wanted them."""
    return max(kept.get("load", [0.0])) > 1.5 * kept["machine"]["cores"]


def _limit(row: Row, *, judged: bool) -> str:
    if row.limit is None:
        return "| "
    verdict = "held" if row.verdict == "ok" else "missed"
    return f"{'≥' if row.more_is_better else '≤'} {row.limit:g} | {verdict if judged else 'not judged'}"


def _sides(name: str, kept: dict[str, Any]) -> Iterator[str]:
    columns = COLUMNS if name != "seeds" else (*COLUMNS[:2], *COLUMNS[6:], *ACCURACY)
    yield f"| | threads + workers | {' | '.join(column.head for column in columns)} |"
    yield "|---" * (len(columns) + 2) + "|"
    for side in CASES[name].sides:
        told = [one[side] for one in kept["rounds"] if side in one]
        threads = kept["threads"].get("nbtrain" if side.startswith("nbtrain") else side, (1, 1))
        how = "–" if side == "ultralytics_classify" else "+".join(map(str, threads))
        if told:
            yield f"| {LABELS[side]} | {how} | {' | '.join(_cell(column, told) for column in columns)} |"
        elif side in kept["absent"]:
            yield f"| {LABELS[side]} | | {kept['absent'][side]} |{' |' * (len(columns) - 1)}"


def _cell(column: Column, told: list[dict[str, float]]) -> str:
    values = [one[column.figure] for one in told if column.figure in one]
    if not values:
        return ""
    digits = column.digits or int(max(values) < 50)  # 9 to 10 images/s would be all that is told of a slow training
    text = f"{statistics.median(values):.{digits}f}"
    if column.figure == "peak_mib" and "warm_mib" in told[0]:
        text += f" + {statistics.median(one['warm_mib'] for one in told):.0f} warm"
    if column.spread and len(values) > 1:
        text += f" ({min(values):.{digits}f} – {max(values):.{digits}f})"
    return text


_SETTINGS = {"equal": "one compute thread and one loader worker for all", "best": "each at its best threads"}

if __name__ == "__main__":
    print(page(), end="")
