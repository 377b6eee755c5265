"""The run folder: the truth about one run, on disk, under names that others rely on (docs and design §4).

Known here: which file says what, who may write it, and how to tell a run that trains from one whose trainer is gone.
The starter creates the folder; the trainer alone writes owner, status, events, resolved choices and checkpoints; its
small parent writes exit.json; anyone may add a command. Not known here: how a trainer is started, what it computes.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias

import orjson

from nbtrain import files, folders, locks, processes
from nbtrain.errors import BusyError, NbtrainError, ProjectError
from nbtrain.messages import CAUSES, DOWN, ENDED, PHASES, RUN_STATES, Failure, Message, decode, encode
from nbtrain.runs import entries
from nbtrain.runs.fixes import fixes_of
from nbtrain.runs.journal import last_failure
from nbtrain.runs.told import ToldFolder

Liveness: TypeAlias = Literal["living", "silent", "gone"]
"""``silent``: the process is there, but it has not said a word for a while (stopped, swapped out, or hanging)."""

SILENT_S = 15.0
"""A heartbeat older than this makes a living trainer silent."""
AWAY_S = 60.0
"""A heartbeat older than this makes a trainer on another machine gone; its process cannot be asked."""
START_S = 30.0
"""How long a run may be ``pending`` before a trainer has taken its lock."""
TOLD_S = 2.0
"""How long after its last heartbeat a trainer's small parent may take to say how it ended."""
_COMMAND_BYTES = 65536
_NUMBER = (int, float)
_STATUS = {
    "status": str, "phase": str, "detail": str, "cause": str, "best": dict,
    "heartbeat_s": _NUMBER, "earlier_s": _NUMBER, "epoch": int, "epochs": int, "step": int, "steps": int,
}  # fmt: skip
_BEST = {"metric": str, "value": _NUMBER, "epoch": _NUMBER, "step": int}
_OWNER = {"host": str, "boot_id": str, "pid": int, "started_s": _NUMBER, "start_ticks": int, "generation": int}
_EXIT = {"cause": str, "message": str, "advice": list, "generation": int}


@dataclass(frozen=True, slots=True)
class RunStatus:
    """What status.json says: small enough to list a thousand runs quickly."""

    status: str
    phase: str = ""
    epoch: int = 0
    epochs: int = 0
    step: int = 0
    steps: int = 0
    best: Mapping[str, Any] = field(default_factory=dict)
    """``metric``, ``value``, ``epoch``, ``step`` of the best validation so far; empty before the first."""
    heartbeat_s: float = 0.0
    """Wall clock of the trainer's newest sign of life, in seconds since 1970."""
    detail: str = ""
    cause: str = ""
    """Why a failed run failed: one of :data:`nbtrain.messages.CAUSES`."""
    earlier_s: float = 0.0
    """How long earlier lives of the run took, in seconds; what lay between them is not counted."""


class RunFolder(ToldFolder):
    """One run's folder ``experiments/<experiment>/runs/NNNN``; its trainer holds the lock for life."""

    @classmethod
    def create(cls, experiment: str | Path, frozen: Mapping[str, Any]) -> RunFolder:
        """Make the experiment's next run folder, whole or not at all, with status ``pending``.

        Raises BusyError where the experiment's newest run has not ended, so that of two kernels one starts a run.
        """
        runs = Path(experiment) / "runs"
        try:
            files.make_folder(runs)
            with locks.FileLock(runs / "lock"):
                newest = newest_run(experiment)
                if newest and newest.shown_status().status not in ENDED:
                    raise BusyError("this experiment is already being trained", value=str(newest.path))
                return cls(_make(runs, frozen))
        except OSError as error:
            what = f"the run folder could not be made: {error.strerror or error}"
            advice = "Check that the project folder can be written and that the disk has room."
            raise ProjectError(what, value=str(runs), advice=advice) from error

    @property
    def number(self) -> int:
        """The run's number within its experiment; numbers are not used again."""
        return int(self.path.name)

    @property
    def experiment(self) -> Path:
        """The experiment's folder."""
        return self.path.parents[1]

    @property
    def project(self) -> Path:
        """The project's folder."""
        return self.path.parents[3]

    @property
    def config(self) -> dict[str, Any]:
        """The frozen configuration with versions, data hash and seed; it must be there and whole."""
        value = files.read_json(self.path / "config.json")
        if not isinstance(value, dict):
            raise ProjectError("config.json of this run holds no object", value=str(self.path))
        return value

    def status(self) -> RunStatus:
        """Return what status.json says, which is what the trainer said last; see :meth:`shown_status`."""
        plain = self._read("status.json")
        known = {name: value for name, value in _typed(plain, _STATUS).items() if name in _STATUS}
        found = RunStatus(**{"status": "pending", **known})
        if len(_typed(found.best, _BEST)) != len(found.best) or (found.best and not found.best.keys() >= _BEST.keys()):
            found = replace(found, best={})
        whole = len(known) == len(_STATUS.keys() & plain.keys())
        if whole and found.status in RUN_STATES and found.phase in PHASES:
            return found
        return replace(found, status="failed", phase="", cause="code", detail="status.json is damaged")

    @property
    def begun(self) -> bool:
        """Whether a trainer has ever had it, or anything of one lies there."""
        named = os.path.lexists(self.path / "owner.json")
        return named or any(True for _ in (self.path / "checkpoints").glob("*"))

    @property
    def queued(self) -> bool:
        """Whether the run has a place in its project's queue."""
        return entries.find(self.path) is not None

    def shown_status(self) -> RunStatus:
        """Return the status as a person should see it.

        That is ``pending`` for a run in the queue, whatever its last life has said, and ``failed`` where a trainer is
        gone without having said so.
        """
        queued, said = self.queued, self.status()  # in this order: the entry goes once the new life has spoken
        if queued and (said.status in ENDED or self.living() == "gone"):
            return replace(said, status="pending", phase="", detail="", cause="")
        if said.status in ENDED or self.living() != "gone":
            return said
        said = self.status()  # it may have ended between the two looks
        if said.status in ENDED or self._may_yet_be_told(said):
            return said
        failure = self.unsaid()
        return replace(said, status="failed", phase="", detail=failure.message, cause=failure.cause)

    def write_status(self, status: RunStatus, *, durable: bool = False) -> None:
        """Write status.json; for the starter at creation and for whoever holds the lock."""
        files.write_json(self.path / "status.json", asdict(status), durable=durable)

    def owner(self) -> dict[str, Any]:
        """Return who is, or was, the trainer: host, boot_id, pid, started_s, generation; empty before the first."""
        return _typed(self._read("owner.json"), _OWNER)

    def exit(self) -> dict[str, Any]:
        """Return how the newest trainer ended: code, signal, memory_peak_mib, last_lines, cause; empty before that."""
        found = _typed(self._read("exit.json"), _EXIT)
        return found if found.get("generation", 0) == self.owner().get("generation", 0) else {}

    def resolved(self) -> dict[str, Any]:
        """Return every ``auto`` that was decided, as ``{path: {"value": …, "reason": …}}``."""
        return dict(self._read("resolved.json").get("choices", {}))

    def choices(self) -> dict[str, Any]:
        """Return every ``auto`` that was decided, as ``{path: value}``."""
        told = self.resolved().items()
        return {path: choice["value"] for path, choice in told if isinstance(choice, dict) and "value" in choice}

    def living(self) -> Liveness:
        """Tell whether the trainer lives: by its lock, by its process, and from afar by its heartbeat."""
        owner = self.owner()
        age_s = self._age_s(self.status())
        if owner and owner.get("host") != processes.host():
            return _by_heartbeat(age_s)
        held = self._held(owner)
        if held is None:  # neither lock nor process can be asked: only the heartbeat tells
            return _by_heartbeat(age_s)
        if not held:
            return "gone"
        return "living" if age_s < SILENT_S else "silent"

    def failure(self) -> Failure | None:
        """Return why a failed run failed, in the trainer's words or as far as anybody can know; None for others."""
        shown = self.shown_status()
        if shown.status != "failed":
            return None
        said = self.status().status == "failed"
        unsaid = Failure(cause="code", message=shown.detail or "The trainer gave no reason.") if said else self.unsaid()
        return self.with_fixes((last_failure(self.events) if said else None) or unsaid)

    def with_fixes(self, failure: Failure) -> Failure:
        """Return the failure with what may be changed about it, where it names nothing itself."""
        if failure.fixes:
            return failure
        try:
            return replace(failure, fixes=fixes_of(failure, self.config.get("config"), self.choices()))
        except (OSError, NbtrainError):
            return failure

    def unsaid(self) -> Failure:
        """Why a trainer is gone that status.json knows nothing of: what it said, what its parent saw, or only that."""
        told, end = last_failure(self.events), self.exit()
        if told is not None:  # the journal is open and takes words when nothing else does
            return told
        if end.get("cause") in CAUSES:
            message = end.get("message") or "Interrupted: the trainer ended without a word."
            return Failure(cause=end["cause"], message=message, advice=tuple(end.get("advice", ())))
        if not self._has_room():
            message = "Interrupted: the disk of the run folder is full, so the trainer could not say its last word."
            return Failure(cause="disk", message=message, advice=("Make room on the disk.", "Resume it."))
        message = (
            "Interrupted: the trainer is gone and left no word (machine restarted, or process ended from outside)."
        )
        return Failure(cause="interrupted", message=message, advice=("Resume it.",))

    def _has_room(self) -> bool:
        try:
            return files.room_left(self.path)
        except OSError:
            return True

    def ask(self, command: Message) -> str:
        """Put a command for the trainer into the folder; return its name, which the acknowledgement will carry."""
        name = f"{command.kind}-{files.new_id()}.json"
        files.write_atomic(self.path / "commands" / name, encode(replace(command, t_s=time.time())))
        return name

    def commands(self, known: Collection[str] = ()) -> dict[str, Message]:
        """Return the commands ever asked, by name, but those ``known``; half-written and unknown kinds are left out."""
        read = ((entry.name, _command(entry)) for entry in self._command_files() if entry.name not in known)
        return {name: command for name, command in read if command is not None}

    def stale_commands(self) -> frozenset[str]:
        """Return the names of commands that were meant for earlier lives: all that are there once it has had one.

        To be asked before a new life writes owner.json. Whether they were carried out or came too late: it is not for
        the new life to do so. Half-written ones count too.
        """
        return frozenset(entry.name for entry in self._command_files()) if self.owner() else frozenset()

    def _command_files(self) -> Iterator[os.DirEntry[str]]:
        try:
            entries = sorted(os.scandir(self.path / "commands"), key=lambda entry: entry.name)
        except (FileNotFoundError, NotADirectoryError):
            return iter(())
        return (e for e in entries if e.name.endswith(".json") and not e.name.startswith("."))

    def _held(self, owner: Mapping[str, Any]) -> bool | None:
        """Tell whether a trainer has the run; None where nobody can know."""
        held = locks.locked(self.lock)
        if held is None and owner:  # another user's lock, or a file system without locks: the process itself must do
            return processes.alive(owner)
        return held

    def _may_yet_be_told(self, said: RunStatus) -> bool:
        """Without a lock, and yet not gone: a trainer that is being started, or a parent about to write exit.json."""
        limit_s = START_S if said.status == "pending" and not self.owner() else TOLD_S
        return not self.exit() and 0 <= self._age_s(said) < limit_s

    def _age_s(self, status: RunStatus) -> float:
        return time.time() - status.heartbeat_s

    def _read(self, name: str) -> dict[str, Any]:
        try:
            value = files.read_json(f"{self.path}/{name}")
        except (OSError, NbtrainError):
            return {}
        return value if isinstance(value, dict) else {}


def _by_heartbeat(age_s: float) -> Liveness:
    return "living" if age_s < SILENT_S else "silent" if age_s < AWAY_S else "gone"


def _typed(plain: Mapping[str, Any], types: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``plain`` without the values that are not of their type: somebody has edited the file."""
    return {name: value for name, value in plain.items() if isinstance(value, types.get(name, object))}


def runs_of(experiment: str | Path) -> list[RunFolder]:
    """Return the experiment's run folders, oldest first."""
    try:
        names = [e.name for e in os.scandir(Path(experiment) / "runs") if e.name.isdecimal() and e.is_dir()]
    except (FileNotFoundError, NotADirectoryError):
        return []
    return [RunFolder(Path(experiment) / "runs" / name) for name in sorted(names, key=int)]


def newest_run(experiment: str | Path) -> RunFolder | None:
    """Return the experiment's newest run, None before the first."""
    try:
        names = [entry.name for entry in os.scandir(f"{experiment}/runs") if entry.name.isdecimal() and entry.is_dir()]
    except (FileNotFoundError, NotADirectoryError):
        return None
    return RunFolder(f"{experiment}/runs/{max(names, key=int)}") if names else None


def _make(runs: Path, frozen: Mapping[str, Any]) -> Path:
    """Make the folder under a name nobody looks at, then give it its number in one step."""
    number = _next_number(runs)
    target = runs / f"{number:04d}"
    with folders.unborn(target) as unborn:
        files.make_folder(unborn / "commands")
        files.make_folder(unborn / "checkpoints")
        files.write_json(unborn / "config.json", frozen)
        RunFolder(unborn).write_status(RunStatus("pending", heartbeat_s=time.time()))
        files.write_atomic(runs / "next", str(number + 1).encode())
        folders.take_place(unborn, target)
    files.fsync_folder(runs)
    return target


def _next_number(runs: Path) -> int:
    """Runs move to the trash, so the folders that are left do not tell which numbers were used: ``next`` does."""
    try:
        said = int(files.content(runs / "next"))
    except (OSError, ValueError):
        said = 1
    return max(said, *(run.number + 1 for run in runs_of(runs.parent)), 1)


def _command(entry: os.DirEntry[str]) -> Message | None:
    """Read one command; its kind may be left to its name, so that ``{}`` in ``stop-x.json`` is a Stop."""
    try:
        found = entry.stat()
        if not stat.S_ISREG(found.st_mode) or found.st_size > _COMMAND_BYTES:  # a pipe would be waited for, for ever
            return None
        plain = orjson.loads(files.content(entry.path))
        return decode(orjson.dumps({"kind": entry.name.partition("-")[0], **plain}), DOWN)
    except (OSError, ValueError, TypeError):
        return None
