"""The doctor: looks at a machine and at a project, says what is wrong and what to do, and repairs what is safe.

One function per look at a project; the machine's are in runs/machine.py. A repair is offered only where nothing that a
person made could be lost: a status is written for a trainer that is gone, leftovers of killed writers are removed.
Damaged checkpoints are named and left alone. It reads files; it opens no Experiment, and never imports torch.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from nbtrain import files, locks
from nbtrain.data import splits
from nbtrain.errors import NbtrainError
from nbtrain.messages import ENDED, Status
from nbtrain.project import card, datasets
from nbtrain.project.project import FILE
from nbtrain.runs.folder import RunFolder, runs_of
from nbtrain.runs.journal import Journal
from nbtrain.runs.machine import Finding, machine_findings

_CHUNK_BYTES = 1 << 20


def examine(project: Path) -> Iterator[Finding]:
    """Yield what there is to say of this machine and, where there is one, of the project."""
    yield from machine_findings(project)
    if not (project / FILE).exists():
        yield Finding("project", "warning", f"there is none in {project}", "Name another folder with --project.")
        return
    looks = (project_file, experiment_files, stale_runs, damaged_checkpoints, data_sets, split_files, leftovers)
    found = [finding for look in looks for finding in look(project)]
    yield from found or [Finding("project", "ok", f"nothing is wrong in {project}")]


def project_file(project: Path) -> Iterator[Finding]:
    """Whether project.json can be read."""
    try:
        files.read_json(project / FILE)
    except (OSError, NbtrainError) as error:
        yield Finding("project file", "problem", str(error), "Repair it by hand, or put an older copy in its place.")


def experiment_files(project: Path) -> Iterator[Finding]:
    """Experiments whose file cannot be read: the list leaves them out."""
    for folder in card.folders(project):
        try:
            card.read(folder)
        except NbtrainError as error:
            advice = f"Repair it by hand, or move {folder.name} away; its runs are untouched."
            yield Finding("experiment file", "problem", str(error), advice)


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
    lock = locks.FileLock(run.lock)
    if not lock.acquire(timeout_s=1.0):
        return "left alone: a trainer has taken it meanwhile"
    try:
        if run.status().status in ENDED or run.owner() != owner or failure is None:
            return "left alone: it has gone on or ended meanwhile"
        journal = Journal(run.events)
        journal.say(failure)
        word = Status(status="failed", detail=failure.message, epoch=said.epoch, epochs=said.epochs, step=said.step)
        journal.say(replace(word, steps=said.steps))
        journal.close()
        # Its heartbeat stays: the run ended when its trainer was last heard of, not when somebody wrote that down.
        run.write_status(replace(said, heartbeat_s=run.status().heartbeat_s), durable=True)
    finally:
        lock.release()
    return f"{run.path.name} is failed ({failure.cause})"


def damaged_checkpoints(project: Path) -> Iterator[Finding]:
    """Checkpoints that do not match their marker, of runs that nobody is writing at this moment."""
    for run in _runs(project):
        if locks.locked(run.lock):
            continue
        for marker in sorted((run.path / "checkpoints").glob("step-*.json")):
            told = _damage(marker)
            if told:
                where = marker.relative_to(project).with_suffix(".pt")
                advice = "A resume goes back to the newest one that is whole. Restore it from a copy, or delete it."
                yield Finding("checkpoint", "problem", f"{where} {told}", advice)


def _damage(marker: Path) -> str:
    """Return what is wrong with a checkpoint, nothing where it is whole; its content is read, never loaded."""
    try:
        plain = files.read_json(marker)
        payload = marker.with_name(Path(str(plain["file"])).name)
        size, digest = payload.stat().st_size, _sha256(payload)
    except FileNotFoundError:
        return "is missing"
    except (OSError, NbtrainError, KeyError, TypeError) as error:
        return f"has no readable marker ({type(error).__name__})"
    if size != plain.get("bytes"):
        return f"has {size} bytes instead of {plain.get('bytes')}"
    return "" if digest == plain.get("sha256") else "does not match its checksum"


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while data := file.read(_CHUNK_BYTES):
            digest.update(data)
    return digest.hexdigest()


def data_sets(project: Path) -> Iterator[Finding]:
    """Data sets whose file is broken, or whose images are no longer where they were, or no longer the same."""
    for path in sorted((project / "datasets").glob("*.json")):
        where = path.relative_to(project)
        try:
            found = datasets.read(path)
        except (OSError, NbtrainError) as error:
            yield Finding("data set", "problem", str(error), "Add the images to the project again under the same name.")
            continue
        try:
            changed = found.source.listing().content_hash != found.hash
        except (OSError, NbtrainError) as error:
            advice = "Bring the images back, or add them again under the same name from where they are now."
            yield Finding("data set", "problem", f"{where}: the images cannot be read: {error}", advice)
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
            yield Finding("split", "problem", str(error), advice)


def leftovers(project: Path) -> Iterator[Finding]:
    """Temporary files of writers that were killed."""
    folders = [Path(folder) for folder, _, names in os.walk(project) if any(map(files.is_temporary, names))]
    stale = {folder: names for folder in folders if (names := files.stale(folder))}
    count = sum(map(len, stale.values()))
    if count:
        text = f"{count} temporary files of processes that were killed"
        question = f"Remove {count} temporary files?"
        yield Finding("leftovers", "warning", text, "They only take room.", partial(_swept, list(stale)), question)


def _swept(folders: list[Path]) -> str:
    return f"{sum(files.sweep(folder) for folder in folders)} removed"


def _runs(project: Path) -> Iterator[RunFolder]:
    for folder in card.folders(project):
        yield from runs_of(folder)
