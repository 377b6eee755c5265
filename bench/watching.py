"""What watching costs the trainer: the same run with the studio open and visible against nobody looking.

Both run in the same JupyterLab, in turn, so that the machine's moods meet both. Compared is the trainer's own time from
its first to its last step, as its journal tells it.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from bench.notebook import notebook
from bench.table import Row
from browser.page import NotebookView
from nbtrain import demo
from nbtrain.messages import ENDED, Metric
from nbtrain.project.project import Project
from nbtrain.runs.folder import RunFolder
from nbtrain.runs.journal import JournalReader

TITLE = "Trainer's time with the panels watching against without"
ROUNDS, EPOCHS = 5, 12

_OPEN = (
    "from nbtrain import TrainingStudio, Project\nproject = Project({path!r}); studio = TrainingStudio(project); studio"
)


def measure() -> list[Row]:
    """Return the ratio of both times, and each of them."""
    with tempfile.TemporaryDirectory(prefix="nbtrain-bench-") as folder:
        seen, unseen = Path(folder) / "seen", Path(folder) / "unseen"
        demo.digits(seen).close()
        demo.digits(unseen).close()
        with notebook(Path(folder), [_OPEN.format(path=str(seen)), "pass"]) as (view, _):
            view.run(0)
            view.page.wait_for_timeout(15_000)  # the warm process gets ready
            pairs = [(_watched_s(view), _alone_s(unseen)) for _ in range(ROUNDS)]
    watched, alone = (tuple(side) for side in zip(*pairs, strict=True))
    ratio = tuple(w / a for w, a in pairs)
    return [
        Row("watched against alone", "ratio", ratio, 1.02),
        Row("watched", "s", watched),
        Row("alone", "s", alone),
    ]


def _watched_s(view: NotebookView) -> float:
    """Train in the project that the studio shows, selected and on screen; return the trainer's time."""
    view.kernel.execute(f"e = project.new(); e.set('training.epochs', {EPOCHS}); e.save()")
    view.kernel.execute("studio.experiments.selected = e.id")
    view.page.wait_for_timeout(2000)
    view.kernel.execute("e.train(beside=True)")
    return _trainer_s(Path(view.evaluate("e.run_path")))


def _alone_s(path: Path) -> float:
    """Train in a project that nobody has open; the same studio stays on screen, with nothing to show."""
    project = Project(path)
    experiment = project.new()
    experiment.set("training.epochs", EPOCHS)
    run = Path(experiment.train(beside=True).run_path)
    project.close()
    return _trainer_s(run)


def _trainer_s(run: Path) -> float:
    """Wait for the run's end at its folder, not in the kernel: what asks there keeps the page busy, too."""
    while RunFolder(run).shown_status().status not in ENDED:
        time.sleep(0.5)
    if RunFolder(run).status().status != "completed":
        raise RuntimeError(str(RunFolder(run).failure()))
    times_s = [m.t_s for m in JournalReader(run / "events.jsonl").read() if isinstance(m, Metric)]
    return times_s[-1] - times_s[0]
