"""All that crosses the border between a trainer and everybody else: a closed list of typed messages.

Upwards (journal lines, written by the trainer alone): Status, Metric, Best, PerClass, Usage, Saved, Resolved, Notice,
Exact, Acknowledged, Changed, Failure; a short job's own are Progress and Result. Downwards (command files, written by
anyone): Stop, Pause, Change. Between a kernel and its renderer: Preview, Previewed. A message is a flat JSON object
whose ``kind`` is the class name in lower case; ``t_s`` (seconds since 1970) is added when it is written. JSON has no
NaN: the strings "nan", "inf" and "-inf" stand for them inside ``values``. A reader that meets an unknown kind counts
it and goes on. This file knows the words, not the files that carry them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Literal, TypeAlias, get_args

import orjson

RunState: TypeAlias = Literal[
    "created", "pending", "preparing", "training", "paused", "completed", "failed", "cancelled"
]
"""Status words of an experiment and its newest run (spec §1)."""

Leaving: TypeAlias = Literal["cancelled", "paused"]
"""Status words of a run that a trainer has left because it was asked to."""

Phase: TypeAlias = Literal["", "importing", "scanning data", "planning", "building", "training", "validating", "saving"]
"""What a trainer is doing inside ``preparing`` and ``training``."""

Cause: TypeAlias = Literal[
    "out of memory",
    "shared memory",
    "data",
    "numerics",
    "disk",
    "worker",
    "killed",
    "interrupted",
    "configuration",
    "code",
]
"""Why a run failed."""

RUN_STATES: tuple[str, ...] = get_args(RunState)
PHASES: tuple[str, ...] = get_args(Phase)
CAUSES: tuple[str, ...] = get_args(Cause)
ENDED: frozenset[str] = frozenset({"completed", "failed", "cancelled", "paused"})
"""States in which no trainer is, or will be, at work."""
RESUMABLE: frozenset[str] = ENDED - {"completed"}
"""States from which a run can go on."""
PREPARING: frozenset[str] = frozenset({"pending", "preparing"})
"""States before a life's first step: they say nothing of the run's place, which an earlier life may have moved."""
FAILURE_FIELDS = ("cause", "message", "advice", "traceback", "fixes")
"""What is shown of a failure."""
LEFT: Mapping[Leaving, str] = {"cancelled": "Stopped", "paused": "Paused"}
"""The same for people, at the beginning of a sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """Base of all messages; ``t_s`` is the wall clock at which the message was written, 0 before that."""

    kind: ClassVar[str] = ""
    t_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Status(Message):
    """The run's status, phase and place; ``training`` at ``step=n`` supersedes what was said of larger steps."""

    kind: ClassVar[str] = "status"
    status: RunState
    phase: Phase = ""
    epoch: int = 0
    epochs: int = 0
    step: int = 0
    steps: int = 0
    detail: str = ""
    """What the phase is busy with, for the person ("400 of 1 797 files")."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric(Message):
    """Numbers of one split at one step; ``values`` maps names such as ``loss`` or ``accuracy`` to floats."""

    kind: ClassVar[str] = "metric"
    step: int
    epoch: float
    """Epochs done when the numbers were taken, with its fraction."""
    split: Literal["train", "val", "test"]
    values: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Best(Message):
    """The validation at ``step`` is the best so far by the watched ``metric``; the loop decides, readers repeat."""

    kind: ClassVar[str] = "best"
    metric: str
    value: float
    epoch: float
    step: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PerClass(Message):
    """One validation's numbers for each class: ``rows`` hold class, support, then one number per column."""

    kind: ClassVar[str] = "perclass"
    step: int
    epoch: float
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage(Message):
    """Speed and load of the trainer between two moments of its work."""

    kind: ClassVar[str] = "usage"
    step: int
    images_per_s: float
    waiting: float
    """Share of the time (0…1) in which the loop waited for data."""
    cpu_percent: float
    """CPU use of the trainer and its loader workers; 100 is one core."""
    memory_mib: float
    """Resident memory of the trainer."""
    gpu_memory_mib: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved(Message):
    """A checkpoint was committed; ``best`` and ``last`` tell which pointers name it."""

    kind: ClassVar[str] = "saved"
    file: str
    step: int
    epoch: float
    size_bytes: int
    best: bool = False
    last: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved(Message):
    """An ``auto`` value was decided, once, with its reason; it also stands in resolved.json."""

    kind: ClassVar[str] = "resolved"
    path: str
    value: Any
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice(Message):
    """Something the person should know that does not end the run ("3 images were skipped: …")."""

    kind: ClassVar[str] = "notice"
    text: str
    level: Literal["info", "warning"] = "info"
    about: str = ""
    """Name of the advice rule that speaks of the same in the panels, which then leave this to it."""
    step: int = 0
    """Step at which it was found, where a rule wants to know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exact(Message):
    """Steps that a resume had to repeat gave the same numbers to the last bit, or from ``step`` on they did not.

    ``compared`` counts the Metric messages; ``text`` tells what differs, and why as far as that is known.
    """

    kind: ClassVar[str] = "exact"
    compared: int
    equal: bool
    step: int = 0
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledged(Message):
    """The trainer has taken a command; ``command`` is the command file's name."""

    kind: ClassVar[str] = "acknowledged"
    command: str
    step: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed(Message):
    """A value was changed while the run trains: it holds from the step after ``step`` on; ``refused`` says why not."""

    kind: ClassVar[str] = "changed"
    path: str
    old: Any
    value: Any
    step: int
    refused: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure(Message):
    """The run cannot go on: typed cause, what happened, what to change, and the traceback where there is one.

    ``fixes`` are changes of the configuration, best first: a ``label`` and ``changes`` as ``{path: value}`` each.
    """

    kind: ClassVar[str] = "failure"
    cause: Cause
    message: str
    advice: tuple[str, ...] = ()
    traceback: str = ""
    fixes: tuple[Mapping[str, Any], ...] = ()

    @property
    def text(self) -> str:
        """What happened and what to change, in one text: the message is without the advice."""
        return " ".join((self.message, *self.advice))


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress(Message):
    """How far a short job is (runs/jobs.py)."""

    kind: ClassVar[str] = "progress"
    text: str
    """What it is doing, for the person."""
    fraction: float | None = None
    """How much of that is done, 0…1; None where nobody knows."""
    waits: bool = False
    """Whether it waits for its turn on a device."""
    beside: str = ""
    """Beside whom it works on a device, and with which priority; said once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result(Message):
    """What a short job was asked for; ``value`` holds what its kind says, without NaN or infinity."""

    kind: ClassVar[str] = "result"
    value: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop(Message):
    """Asks the trainer to finish the batch, keep its checkpoints and end as ``cancelled``."""

    kind: ClassVar[str] = "stop"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause(Message):
    """Asks the trainer to finish the batch, keep a checkpoint, leave memory and device, and end as ``paused``."""

    kind: ClassVar[str] = "pause"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change(Message):
    """Asks the trainer to go on with another value at the configuration path ``path``; a ``Changed`` answers it."""

    kind: ClassVar[str] = "change"
    path: str
    value: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview(Message):
    """Asks a renderer for what the model gets of some images; ``who`` asks, and only its newest wish counts."""

    kind: ClassVar[str] = "preview"
    number: int
    who: str
    config: Mapping[str, Any]
    dataset: Mapping[str, Any]
    """The data set as a run records it: name, source, classes and hash."""
    split: str
    """Path of the split's file, which need not be there yet."""
    part: Literal["train", "val", "test"] = "train"
    positions: tuple[int, ...] = ()
    """Places of the images in the part's list."""
    epochs: tuple[int, ...] = ()
    """The epoch of each, from 0."""
    arrays: bool = False
    """Whether numbers are wanted, not pictures for a page."""
    raw: bool = False
    """Whether pictures show the numbers themselves instead of taking the normalisation back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Previewed(Message):
    """Answers a Preview; the pictures, or the numbers, follow as bytes.

    Each of ``tiles`` says which image it is, or why there is no picture of it, and how many ``blobs`` it takes.
    ``rows`` are remarks about settings, by path; ``problem`` and ``advice`` say why there is nothing at all.
    """

    kind: ClassVar[str] = "previewed"
    number: int
    problem: str = ""
    advice: str = ""
    n_images: int = 0
    """Images of the part."""
    tiles: tuple[Mapping[str, Any], ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What is known of the numbers: lowest, highest, mean, deviation, size in pixels, mean and std of normalisation."""
    rows: Mapping[str, str] = field(default_factory=dict)
    took_ms: float = 0.0
    pid: int = 0
    """The process that made them."""


_KINDS = (
    Status, Metric, Best, PerClass, Usage, Saved, Resolved, Notice, Exact, Acknowledged, Changed, Failure,
    Progress, Result,
)  # fmt: skip
UP: dict[str, type[Message]] = {c.kind: c for c in _KINDS}
DOWN: dict[str, type[Message]] = {c.kind: c for c in (Stop, Pause, Change)}
RENDERING: dict[str, type[Message]] = {c.kind: c for c in (Preview, Previewed)}
"""Between a kernel and its renderer; no run folder holds them."""

_ALL = (*UP.values(), *DOWN.values(), *RENDERING.values())
_ORDER = {made: tuple(f.name for f in fields(made)) for made in _ALL}
"""Field names by message: asking dataclasses for each line is a third of writing and reading a long journal."""
_NAMES = {made: frozenset(names) for made, names in _ORDER.items()}
_LISTS = {Failure: ("advice", "fixes"), Preview: ("positions", "epochs"), Previewed: ("tiles",)}
"""What comes back as a list and was a tuple."""
_WORDS = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


def encode(message: Message, t_s: float = 0.0) -> bytes:
    """Return ``message`` as one line of JSON without its newline; ``t_s`` is the time of one that has none yet."""
    plain: dict[str, Any] = {"kind": message.kind}
    for name in _ORDER[type(message)]:
        plain[name] = getattr(message, name)
    plain["t_s"] = message.t_s or t_s
    if isinstance(message, Metric):
        plain["values"] = {k: v if math.isfinite(v) else str(float(v)) for k, v in message.values.items()}
    elif isinstance(message, PerClass):
        # The first cell is a class name, which may well read "nan"; only the numbers behind it are spelt.
        plain["rows"] = [[row[0], *map(_spelt, row[1:])] for row in message.rows]
    return orjson.dumps(plain)


def decode(line: bytes | str, kinds: Mapping[str, type[Message]] = UP) -> Message | None:
    """Return the message in ``line``, or None where it is broken or of a kind that is not in ``kinds``.

    A field that this version does not know is dropped, so that an older reader can follow a newer trainer.
    """
    try:
        plain = orjson.loads(line)
        made = kinds[plain.pop("kind")]
        if not plain.keys() <= _NAMES[made]:
            plain = {name: value for name, value in plain.items() if name in _NAMES[made]}
        if made is Metric:
            plain["values"] = numbers(plain["values"])
        elif made is PerClass:
            plain["columns"] = tuple(plain["columns"])
            plain["rows"] = tuple((row[0], *(_WORDS.get(c, c) for c in row[1:])) for row in plain["rows"])
        elif made in _LISTS:
            plain |= {name: tuple(plain.get(name, ())) for name in _LISTS[made]}
        if made is Failure:  # a journal may come from anybody
            plain |= {"fixes": tuple(filter(_is_fix, plain["fixes"])), "advice": tuple(map(str, plain["advice"]))}
        return made(**plain)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _is_fix(fix: Any) -> bool:
    return isinstance(fix, dict) and isinstance(fix.get("label"), str) and isinstance(fix.get("changes"), dict)


def numbers(values: dict[str, Any]) -> dict[str, float]:
    """Return a metric's ``values`` as floats, the words for NaN and infinity too; raises where one is neither."""
    for name, value in values.items():
        if type(value) is not float:
            values[name] = _WORDS[value] if isinstance(value, str) else float(value)
    return values


def leaving(commands: Iterable[Message]) -> Leaving | None:
    """Return how the trainer shall leave the run: a Stop goes before a Pause; None where neither was asked."""
    kinds = {type(command) for command in commands}
    return "cancelled" if Stop in kinds else "paused" if Pause in kinds else None


def _spelt(cell: Any) -> Any:
    return str(cell) if isinstance(cell, float) and not math.isfinite(cell) else cell
