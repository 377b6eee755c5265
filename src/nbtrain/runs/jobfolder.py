"""The folder of a short job, ``PROJECT/jobs/<kind>-<id>``: what was asked, what was said, how it ended.

    request.json   kind, title, device, request and who asked; written whole by the asker
    lock           held by the job's small parent for as long as the job has not ended
    cancel         its being there asks for the end
    now            its being there asks not to wait for the device
    events.jsonl   progress, then one Result or Failure; written by the job alone
    exit.json      written last, by the small parent: status, code, signal, memory peak, failure
    log.txt        what the job and its libraries printed

Whoever asked removes the folder once it has the result; what a killed asker leaves, :func:`stale` finds. Known here:
files. Not known here: processes, or what a kind does.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal, TypeAlias

from nbtrain import files, folders, locks, processes
from nbtrain.errors import NbtrainError, ProjectError
from nbtrain.messages import Failure
from nbtrain.runs.told import ToldFolder

FOLDER, REQUEST = "jobs", "request.json"
START_S = 30.0
"""How long a job may take to begin before it counts as never begun."""

JobStatus: TypeAlias = Literal["pending", "working", "completed", "failed", "cancelled"]
"""``pending`` is being started or waits for its device."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What request.json says."""

    kind: str
    """Name of a module in nbtrain/probing."""
    title: str
    """What it is, for people: "a learning rate range test"."""
    request: Mapping[str, Any]
    device: str = ""
    """The device that it takes its turn for, as a configuration names it; empty where it needs none."""
    asker: Mapping[str, Any]
    """The process that wants the result, see :func:`nbtrain.processes.identity`; the job ends with it."""


@dataclass(frozen=True, slots=True)
class Exit:
    """What exit.json says."""

    status: JobStatus
    code: int | None = None
    signal: int | None = None
    memory_peak_mib: float = 0.0
    failure: Failure | None = None
    """What nobody but the small parent could say."""


class JobFolder(ToldFolder):
    """One job's folder; its small parent holds the lock."""

    @classmethod
    def create(cls, project: Path, request: Request) -> JobFolder:
        """Make a folder for a new job, whole or not at all; raises ProjectError where that is not possible."""
        target = project / FOLDER / f"{request.kind}-{files.new_id()}"
        try:
            files.make_folder(target.parent)
            with folders.unborn(target) as unborn:
                files.write_json(unborn / REQUEST, {"format": 1, **asdict(request)}, durable=False)
                folders.take_place(unborn, target)
            return cls(target)
        except OSError as error:
            what = f"a short job could not be written: {error.strerror or error}"
            advice = "Check that the project folder can be written and that the disk has room."
            raise ProjectError(what, value=str(project), advice=advice) from error

    @property
    def project(self) -> Path:
        """The project's folder."""
        return self.path.parents[1]

    @property
    def request(self) -> Request:
        """What was asked for; raises an NbtrainError or OSError where that cannot be read."""
        plain = files.read_json(self.path / REQUEST)
        return Request(**{part.name: plain[part.name] for part in fields(Request)})

    def cancel(self) -> None:
        """Ask for the job's end."""
        files.write_atomic(self.path / "cancel", b"", durable=False)

    @property
    def cancelled(self) -> bool:
        """Whether its end was asked for."""
        return (self.path / "cancel").exists()

    def begin_now(self) -> None:
        """Ask for the job's beginning, whoever uses the device."""
        files.write_atomic(self.path / "now", b"", durable=False)

    @property
    def begins_now(self) -> bool:
        """Whether it shall not wait for its device."""
        return (self.path / "now").exists()

    @property
    def held(self) -> bool:
        """Whether its small parent lives, as far as can be known: a lock that cannot be asked may be held."""
        return locks.locked(self.lock) is not False

    def write_exit(self, end: Exit) -> None:
        """Write down how it ended; the small parent's last word."""
        files.write_json(self.path / "exit.json", asdict(end), durable=False)

    @property
    def exit(self) -> Exit | None:
        """How it ended; None before that, and where its parent was killed."""
        try:
            plain = files.read_json(self.path / "exit.json")
            told = plain.pop("failure")
            return Exit(**plain, failure=Failure(**{**told, "advice": tuple(told["advice"])}) if told else None)
        except (OSError, TypeError, KeyError, NbtrainError):
            return None

    def remove(self) -> None:
        """Take the folder away; one that is no job's stays."""
        with suppress(OSError):
            files.remove_tree(self.path, REQUEST)


def stale(project: Path) -> list[JobFolder]:
    """Return the folders of jobs that have ended, or never began, and whose asker is gone."""
    found = (JobFolder(path) for path in sorted((project / FOLDER).glob("*")) if files.is_ordinary(path / REQUEST))
    return [job for job in found if not job.held and _is_left(job)]


def _is_left(job: JobFolder) -> bool:
    try:
        return processes.alive(job.request.asker) is False
    except (OSError, TypeError, KeyError, NbtrainError):  # edited: old enough is enough
        return _age_s(job.path) > START_S


def _age_s(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except OSError:
        return 0.0


def name_of_user(user: Path) -> str:
    """Return what to call a user of a device (a run's folder or a job's) in a sentence."""
    try:
        if user.parent.name == FOLDER:
            return JobFolder(user).request.title
        return f"“{files.read_json(user.parents[1] / 'experiment.json')['name']}”"
    except (OSError, TypeError, KeyError, IndexError, NbtrainError):
        return str(user)
