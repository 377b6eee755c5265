"""From what went wrong to a typed failure: a cause, what happened, what to change.

Known here: the shapes that running out of memory, disk or data take in exceptions and exit states. Not known here: who
caught them. Torch is recognised by the names of its classes, so that nothing here needs it.
"""

from __future__ import annotations

import re
import signal
import traceback

from nbtrain.errors import ConfigError, DataError, ForeignFileError, NbtrainError, TrainingError, lacks_memory
from nbtrain.files import FULL
from nbtrain.messages import CAUSES, Cause, Failure

ADVICE: dict[str, tuple[str, ...]] = {
    "out of memory": ("Use a smaller batch size or image size.", "Close other programs that hold memory."),
    "shared memory": (
        "Set data.workers to 0 or make the batch smaller.",
        "Give the machine or container a larger /dev/shm.",
    ),
    "data": ("Check the data set named in the message.",),
    "numerics": ("Lower the learning rate.", "Use precision 32, or clip the gradients."),
    "disk": ("Make room on the disk, or keep fewer checkpoints.", "Check that the project folder can be written."),
    "worker": ("Set data.workers to 0, which reads in the trainer itself, or to fewer.",),
    "killed": (
        "A person, a time limit, or the system for lack of memory ended the process.",
        "Resume it: that goes on from the newest checkpoint.",
    ),
    "interrupted": ("Resume it: that goes on from the newest checkpoint.",),
    "configuration": ("Correct the field that the message names.",),
    "code": ("Read the traceback; report it if it points into nbtrain.",),
}
"""What to do about each cause, where nothing more exact is known."""

_DISK_FULL = ("no space left", "disk quota exceeded", "pytorchstreamwriter failed", "inline_container")
_WORKER_GONE = ("is killed by signal", "exited unexpectedly")
_SHARED_MEMORY = ("out of shared memory", "shared memory(shm)", "unable to open shared memory", "</torch_")
_WORKER = re.compile(r"DataLoader worker \(pid(?:\(s\))? ([\d, ]+)\) (?:is killed by signal: ([\w ]+)|exited)")
_NAMES = {signal.strsignal(number): number.name for number in signal.Signals}
"""How the C library words each signal, which is all that torch says of it."""


def failure_of(error: BaseException) -> Failure:
    """Return the failure that ``error`` means, with its traceback."""
    told = "".join(traceback.format_exception(error))
    lost = _lost_worker(str(error), told) if isinstance(error, RuntimeError) else None
    if lost is not None:
        return lost
    cause = _cause(error)
    return Failure(
        cause=cause,
        message=error.statement if isinstance(error, NbtrainError) else f"{type(error).__name__}: {error}",
        advice=_own_advice(error) or ADVICE[cause],
        traceback=told,
    )


def _own_advice(error: BaseException) -> tuple[str, ...]:
    if isinstance(error, ConfigError):
        return tuple(dict.fromkeys(problem.advice for problem in error.problems if problem.advice))
    return (error.advice,) if isinstance(error, NbtrainError) and error.advice else ()


def _lost_worker(words: str, told: str) -> Failure | None:
    """Return the failure that torch's sentence about a loader worker means; it raises it wherever the loop stands."""
    if any(part in words.lower() for part in _SHARED_MEMORY):
        text = f"The loader workers ran out of shared memory (/dev/shm): {words.splitlines()[0]}"
        return Failure(cause="shared memory", message=text, advice=ADVICE["shared memory"], traceback=told)
    found = _WORKER.search(words)
    if found is None:
        return None
    name = _NAMES.get((found[2] or "").strip(), found[2] or "")
    how = f"was killed by {name}, which nbtrain did not send" if name else "ended without a word"
    do = (*ADVICE["worker"], *ADVICE["killed"])
    return Failure(cause="worker", message=f"A loader worker (pid {found[1]}) {how}.", advice=do, traceback=told)


def _cause(error: BaseException) -> Cause:
    if isinstance(error, TrainingError) and error.cause in CAUSES:
        return error.cause  # type: ignore[return-value]
    if isinstance(error, DataError):
        return "data"
    if isinstance(error, ConfigError):
        return "configuration"
    if isinstance(error, FloatingPointError):
        return "numerics"
    if isinstance(error, ForeignFileError):
        return "disk"
    if any(isinstance(one, OSError) and one.errno in FULL for one in (error, error.__cause__)):
        return "disk"
    return _cause_by_words(error)


def _cause_by_words(error: BaseException) -> Cause:
    """Libraries raise RuntimeError for everything; their words tell more than the class."""
    words = str(error).lower()
    if lacks_memory(error):
        return "out of memory"
    if not isinstance(error, (RuntimeError, OSError)):
        return "code"
    if any(part in words for part in _DISK_FULL):
        return "disk"
    return "worker" if any(part in words for part in _WORKER_GONE) else "code"


def failure_of_exit(code: int, by_signal: int, out_of_memory: bool, who: str = "trainer") -> Failure | None:
    """Return the failure behind the exit state of a process that gave no reason itself, None where it ended well."""
    if by_signal:
        name = signal.Signals(by_signal).name if by_signal in set(signal.Signals) else str(by_signal)
        return _failure_of_signal(name, out_of_memory, who)
    if code:
        text = f"The {who} ended with exit code {code} and gave no reason; its last lines are in log.txt."
        return Failure(cause="code", message=text, advice=ADVICE["code"])
    return None


def _failure_of_signal(name: str, out_of_memory: bool, who: str) -> Failure:
    if name == "SIGKILL" and out_of_memory:
        text = f"The system ended the {who} because the machine ran out of memory (SIGKILL)."
        return Failure(cause="out of memory", message=text, advice=ADVICE["out of memory"])
    if name in {"SIGKILL", "SIGTERM", "SIGHUP", "SIGINT", "SIGXCPU"}:
        text = f"Interrupted: the {who} was killed by {name}, which nbtrain did not send."
        return Failure(cause="killed", message=text, advice=ADVICE["killed"])
    text = f"The {who} crashed with {name}, inside compiled code; the last lines of log.txt say where."
    return Failure(cause="code", message=text, advice=ADVICE["code"])
