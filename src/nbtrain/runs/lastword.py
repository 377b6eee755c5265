"""The last word in place of a trainer that is not there to say it: under the run's lock, into journal and status.

Known here: how it is written. Not known here: when that is right; whoever calls has seen that the trainer is gone.
"""

from __future__ import annotations

from collections.abc import Callable

from nbtrain import locks
from nbtrain.messages import Message
from nbtrain.runs.folder import RunFolder, RunStatus
from nbtrain.runs.journal import Journal


def say(run: RunFolder, status: RunStatus, *words: Message, still: Callable[[], bool] = lambda: True) -> bool:
    """Write ``words`` and then ``status``; return False where a trainer has the run, or it is not ``still`` so."""
    lock = locks.FileLock(run.lock)
    if not lock.acquire(timeout_s=1.0):
        return False
    try:
        if not still():
            return False
        journal = Journal(run.events)
        for word in words:
            journal.say(word)
        journal.close()
        run.write_status(status, durable=True)
    finally:
        lock.release()
    return True
