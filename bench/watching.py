"""What watching costs the trainer: the same run with the studio open and visible against nobody looking.

Both run in the same JupyterLab, in turn, so that the machine's moods meet both. Compared is the trainer's own time from
its first to its last step, as its journal tells it.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from bench.notebook import notebook
from bench.table import Row
from browser.page import NotebookView
from nbtrain import demo
from nbtrain.messages import Metric
from nbtrain.runs.journal import JournalReader

TITLE = "Trainer's time with the panels watching against without"
ROUNDS, EPOCHS = 5, 12

_OPEN = (
    "from nbtrain import TrainingStudio, Project\nproject = Project({path!r}); studio = TrainingStudio(project); studio"
)


def measure() -> list[Row]:
    """Return the ratio of both times, and each of them."""
    with tempfile.TemporaryDirectory(prefix="nbtrain-bench-") as folder:
        path = Path(folder) / "digits"
        demo.digits(path).close()
        with notebook(Path(folder), [_OPEN.format(path=str(path)), "pass"]) as (view, _):
            view.run(0)
            view.page.wait_for_timeout(15_000)  # the warm process gets ready
            pairs = [(_seconds(view, watched=True), _seconds(view, watched=False)) for _ in range(ROUNDS)]
    watched, alone = (tuple(side) for side in zip(*pairs, strict=True))
    ratio = tuple(w / a for w, a in pairs)
    return [
        Row("watched against alone", "ratio", ratio, 1.02),
        Row("watched", "s", watched),
        Row("alone", "s", alone),
    ]


def _seconds(view: NotebookView, *, watched: bool) -> float:
    """Train once and return the trainer's time; unwatched, another experiment's empty panels are on screen."""
    view.kernel.execute(f"e = project.new(); e.set('training.epochs', {EPOCHS}); e.save(); other = project.new()")
    shown = "e" if watched else "other"
    view.kernel.execute(f"studio.experiments.selected = {shown}.id")
    view.page.wait_for_timeout(2000)
    view.kernel.execute("e.train(beside=True)")
    view.wait_for("not e.running", limit_s=300)
    if view.evaluate("e.status") != "completed":
        raise RuntimeError(str(view.evaluate("e.error")))
    times = [
        m.t_s for m in JournalReader(Path(view.evaluate("e.run_path")) / "events.jsonl").read() if isinstance(m, Metric)
    ]
    view.kernel.execute("other.delete()")
    return float(times[-1] - times[0])
