"""The doctor: looks at a machine and at a project, says what is wrong and what to do, and repairs what is safe.

One function per look at a project; the machine's are in runs/machine.py. A repair is offered only where nothing that a
person made could be lost: a status is written for a trainer that is gone, leftovers of killed writers are removed.
Damaged checkpoints are named and left alone. It reads files; it opens no Experiment, and never imports torch.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from nbtrain import files, folders, locks
from nbtrain.data import assembly, splits
from nbtrain.errors import NbtrainError
from nbtrain.messages import ENDED, Status
from nbtrain.project import card, dataset_file, drafts
from nbtrain.project.project import FILE
from nbtrain.runs import entries, jobfolder, lastword, launch, ledger, queue
from nbtrain.runs.folder import RunFolder, runs_of
from nbtrain.runs.machine import Finding, machine_findings
from nbtrain.training import kept


def examine(project: Path) -> Iterator[Finding]:
    """Yield what there is to say of this machine and, where there is one, of the project."""
    yield from machine_findings(project)
    if not (project / FILE).exists():
        yield Finding("project", "warning", f"there is none in {project}", "Name another folder with --project.")
        return
    looks = (project_file, experiment_files, stale_runs, waiting_runs, damaged_checkpoints, data_sets, split_files,
             left_jobs, leftovers)  # fmt: skip
    found = [finding for look in looks for finding in look(project)]
    yield from found or [Finding("project", "ok", f"nothing is wrong in {project}")]


def project_file(project: Path) -> Iterator[Finding]:
    """Whether project.json can be read."""
    try:
        files.read_json(project / FILE)
    except (OSError, NbtrainError) as error:
        yield Finding(
            "project file", "problem", _statement(error), "Repair it by hand, or put an older copy in its place."
        )


def experiment_files(project: Path) -> Iterator[Finding]:
    """Experiments whose file or draft cannot be read: the list leaves them out, or shows what was saved."""
    for folder in card.folders(project):
        for check, path, read in (
            ("experiment file", folder / card.FILE, card.read),
            ("draft", folder / drafts.FILE, drafts.read),
        ):
            try:
                if path.exists():
                    read(folder)
            except NbtrainError as error:
                advice = f"Repair it by hand, or move {folder.name} away; its runs are untouched."
                yield Finding(check, "problem", _statement(error), advice)


def stale_runs(project: Path) -> Iterator[Finding]:
    """Runs that say that they train, and have no trainer."""
    for run in _runs(project):
        if run.status().status in ENDED or run.shown_status().status != "failed":
            continue
        where = run.path.relative_to(project)
        text = f"{where} says {run.status().status!r}, and its trainer is gone"
        advice = "It is shown as failed already; writing that down spares every reader the search."
        question = f"Write down that {where} failed?"
        yield Finding("stale run", "warning", text, advice, partial(_write_interrupted, run), question)


def _write_interrupted(run: RunFolder) -> str:
    """Write the last word in place of a trainer that is gone, as whoever takes its lock may."""
    owner, said, failure = run.owner(), run.shown_status(), run.failure()  # before the lock, which looks like a trainer
    if failure is None:
        return "left alone: it has gone on or ended meanwhile"
    place = {name: getattr(said, name) for name in ("epoch", "epochs", "step", "steps")}
    word = Status(status="failed", detail=failure.message, **place)
    # Its heartbeat stays: the run ended when its trainer was last heard of, not when somebody wrote that down.
    status = replace(said, heartbeat_s=run.status().heartbeat_s)
    still = lambda: run.status().status not in ENDED and run.owner() == owner  # noqa: E731
    if not lastword.say(run, status, failure, word, still=still):
        return "left alone: it has gone on or ended meanwhile"
    return f"{run.path.name} is failed ({failure.cause})"


def waiting_runs(project: Path) -> Iterator[Finding]:
    """Entries of the queue that have lost their run, and runs that wait although their device is free."""
    for entry in [*entries.lost(project), *entries.entries(project)]:
        if queue.is_stale(entry):
            where = entry.path.relative_to(project)
            text = f"{where} is left over: its run is gone, or has been started or ended since"
            remove = partial(_remove_entry, entry)
            yield Finding("queue", "warning", text, "Nothing waits for it.", remove, f"Remove {where}?")
    for entry in entries.entries(project):
        if not queue.is_stale(entry) and (why := ledger.why_held(entry)):
            text = f"{entry.run.relative_to(project)} waits and does not start by itself: {why}"
            yield Finding("queue", "warning", text, "Start it with `nbtrain queue start NAME`, or cancel it.")
    if queue.Queue(project).startable():
        text, advice = "a run waits in the queue although its device is free", "Opening the project starts it too."
        yield Finding("queue", "warning", text, advice, partial(_start_next, project), "Start what waits?")


def _remove_entry(entry: entries.Entry) -> str:
    if not queue.is_stale(entry):
        return "left alone: its run waits again"
    queue.take_out(entry)
    return "removed"


def _start_next(project: Path) -> str:
    launch.start_next(project)
    return "the next run is being started"


def damaged_checkpoints(project: Path) -> Iterator[Finding]:
    """Checkpoints that do not match their marker, of runs that nobody is writing at this moment."""
    for run in _runs(project):
        held = locks.locked(run.lock)
        if held is None:
            where = run.path.relative_to(project)
            text = f"{where}: whether it is being trained cannot be known, since its lock cannot be asked"
            advice = "It may be another user's, or no ordinary file. Its checkpoints were not looked at."
            yield Finding("lock", "warning", text, advice)
        if held is not False:
            continue
        for marker in sorted((run.path / "checkpoints").glob("step-*.json")):
            told = kept.damage(marker)
            if told:
                where = marker.relative_to(project).with_suffix(".pt")
                advice = "A resume goes back to the newest one that is whole. Restore it from a copy, or delete it."
                yield Finding("checkpoint", "problem", f"{where} {told}", advice)


def data_sets(project: Path) -> Iterator[Finding]:
    """Data sets whose file is broken, or whose images are no longer where they were, or no longer the same."""
    for path in sorted((project / "datasets").glob("*.json")):
        where = path.relative_to(project)
        try:
            found = dataset_file.read(path)
        except (OSError, NbtrainError) as error:
            yield Finding(
                "data set", "problem", _statement(error), "Add the images to the project again under the same name."
            )
            continue
        try:
            changed = assembly.look(found.parts).listing.content_hash != found.base
        except (OSError, NbtrainError) as error:
            advice = "Bring the images back, or add them again under the same name from where they are now."
            yield Finding("data set", "problem", f"{where}: the images cannot be read: {_statement(error)}", advice)
            continue
        if changed:
            text = f"{where}: images were added, removed or replaced since it was added"
            yield Finding("data set", "warning", text, "Add them again under the same name, so that new runs see them.")


def split_files(project: Path) -> Iterator[Finding]:
    """Splits that were changed after they were stored."""
    for path in sorted((project / "splits").glob("*.json")):
        try:
            splits.load(path)
        except (OSError, NbtrainError) as error:
            advice = "Restore it from a copy; where no run used it, delete it, and the next run makes it anew."
            yield Finding("split", "problem", _statement(error), advice)


def left_jobs(project: Path) -> Iterator[Finding]:
    """Short jobs whose asker is gone: nobody will read their results."""
    found = jobfolder.stale(project)
    if found:
        text = f"{len(found)} folders of short jobs are left over, whose kernel is gone"
        remove = partial(_remove_jobs, project)
        yield Finding("short jobs", "warning", text, "They only take room.", remove, f"Remove {len(found)} folders?")


def _remove_jobs(project: Path) -> str:
    found = jobfolder.stale(project)
    for job in found:
        job.remove()
    return f"{len(found)} removed"


def leftovers(project: Path) -> Iterator[Finding]:
    """Temporary files and folders of writers that were killed."""
    walked = ((Path(folder), [*below, *names]) for folder, below, names in os.walk(project))
    places = [folder for folder, names in walked if any(map(files.is_temporary, names))]
    stale = {folder: left for folder in places if (left := [*files.stale(folder), *folders.stale(folder)])}
    count = sum(map(len, stale.values()))
    if count:
        text = f"{count} temporary files or folders of processes that were killed"
        question = f"Remove {count} temporary files or folders?"
        yield Finding("leftovers", "warning", text, "They only take room.", partial(_swept, list(stale)), question)


def _swept(places: list[Path]) -> str:
    return f"{sum(files.sweep(place) + folders.sweep(place) for place in places)} removed"


def _runs(project: Path) -> Iterator[RunFolder]:
    for folder in card.folders(project):
        yield from runs_of(folder)


def _statement(error: Exception) -> str:
    """Return what is wrong, without the error's own advice: each finding has one."""
    return error.statement if isinstance(error, NbtrainError) else str(error)
