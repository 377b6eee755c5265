"""What takes a while is worked out aside, on a thread of its own: a panel asks while it is drawn, and is told when the
answer is there. One question at a time; an older one's answer is shown by nobody. It knows threads, and no panel.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable
from threading import Lock, Thread
from typing import Generic, TypeVar

from nbtrain.errors import NbtrainError

_log = logging.getLogger("nbtrain.ui")
Answer = TypeVar("Answer")


class Aside(Generic[Answer]):
    """The newest answer to one kind of question."""

    def __init__(self, told: Callable[[], None]) -> None:
        """Call ``told`` whenever an answer has come, on the thread that has worked it out."""
        self._told, self._guard = told, Lock()
        self._key: Hashable = None
        self._answer: Answer | None = None
        self.busy = False
        """Whether an answer is on its way."""
        self.trouble = ""
        """Why the newest question has no answer; empty where it has one."""

    def of(self, key: Hashable, job: Callable[[], Answer]) -> Answer | None:
        """Return what ``job`` makes, where that is known for ``key``; otherwise None, and it is worked out."""
        with self._guard:
            if key == self._key:
                return self._answer
            start, self.busy = not self.busy, True
        if start:
            Thread(target=self._work, args=(key, job), name="nbtrain-aside", daemon=True).start()
        return None

    def forget(self) -> None:
        """Work the next question out anew, whatever is known."""
        with self._guard:
            self._key, self._answer, self.trouble = None, None, ""

    def _work(self, key: Hashable, job: Callable[[], Answer]) -> None:
        answer, trouble = None, ""
        try:
            answer = job()
        except NbtrainError as error:
            trouble = str(error)
        except Exception as error:  # noqa: BLE001 - a thread's traceback has no reader
            _log.exception("what a panel asked for could not be worked out")
            trouble = f"That did not work: {type(error).__name__}: {error}"
        with self._guard:
            self._key, self._answer, self.trouble, self.busy = key, answer, trouble, False
        self._told()  # whoever draws asks again: with another key by then, perhaps
