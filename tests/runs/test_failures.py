"""From exceptions and exit states to causes."""

from __future__ import annotations

import errno

import pytest

from nbtrain.errors import ConfigError, DataError, NbtrainError, Problem, TrainingError
from nbtrain.messages import CAUSES
from nbtrain.runs.failures import ADVICE, failure_of, failure_of_exit


class OutOfMemoryError(RuntimeError):
    """Named as torch names its own."""


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (MemoryError(), "out of memory"),
        (OutOfMemoryError("CUDA"), "out of memory"),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"), "out of memory"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "out of memory"),
        (OSError(errno.ENOSPC, "No space left on device"), "disk"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "disk"),
        (RuntimeError("PytorchStreamWriter failed writing file data/0: file write failed"), "disk"),
        (DataError("no image"), "data"),
        (FloatingPointError("nan"), "numerics"),
        (TrainingError("the loss is not a number", cause="numerics"), "numerics"),
        (RuntimeError("DataLoader worker (pid 7) is killed by signal: Killed."), "worker"),
        (NbtrainError("what"), "code"),
        (ValueError("out of memory"), "code"),
        (KeyError("x"), "code"),
        (SystemExit(0), "code"),
    ],
    ids=str,
)
def test_every_exception_has_a_cause(error, cause):
    failure = failure_of(error)
    assert failure.cause == cause
    assert failure.advice
    assert failure.traceback


def test_every_cause_has_advice():
    assert set(ADVICE) == set(CAUSES)


@pytest.mark.parametrize(
    ("code", "by", "lack", "cause"),
    [
        (0, 9, False, "killed"),
        (0, 9, True, "out of memory"),
        (0, 11, False, "code"),
        (0, 64, False, "code"),
        (7, 0, False, "code"),
    ],
)
def test_every_exit_has_a_cause(code, by, lack, cause):
    assert failure_of_exit(code, by, lack).cause == cause


def test_a_good_exit_is_no_failure():
    assert failure_of_exit(0, 0, False) is None


@pytest.mark.parametrize(
    "error",
    [
        DataError("the file is gone", value="a.png", advice="Bring it back."),
        ConfigError([Problem("a", "is wrong.", "Make it right."), Problem("b", "is missing.", "Give one.")]),
        NbtrainError("it cannot be"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_advice_is_said_once(error):
    failure = failure_of(error)
    assert all(failure.text.count(advice) == 1 for advice in failure.advice)
    assert not any(advice in failure.message for advice in failure.advice)
    assert error.what in failure.message or isinstance(error, ConfigError)
    assert failure.message.startswith(("a: is wrong.", "the file is gone (got 'a.png').", "it cannot be."))
