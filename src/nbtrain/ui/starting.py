"""Starting, resuming or extending a run from a panel: off the handlers' thread, with a busy device's question.

Form and run bar share one :class:`Start` per experiment, so that the question and a refusal are shown once, wherever
Train or Resume was pressed. It knows the experiment's methods; it does not know any panel.
"""

from __future__ import annotations

import logging
from pathlib import Path
from threading import Thread
from typing import Any, Literal, TypeAlias
from weakref import WeakKeyDictionary, ref

from traitlets import Bool, HasTraits, Unicode

from nbtrain.errors import BusyError, NbtrainError
from nbtrain.project.experiment import Experiment
from nbtrain.runs.jobfolder import name_of_user

_log = logging.getLogger("nbtrain.ui")
What: TypeAlias = Literal["train", "resume", "extend", "fix"]


class Start(HasTraits):
    """What stands between a press of Train or Resume and the run of one experiment."""

    starting = Bool(help="Whether a start is under way.")
    question = Unicode(help="What the device is busy with; empty when nobody has to answer.")
    trouble = Unicode(help="Why the run could not be started.")

    def __init__(self, experiment: Experiment) -> None:
        super().__init__()
        self._experiment = ref(experiment)
        self._what: What = "train"
        self._given: dict[str, Any] = {}

    def go(self, what: What = "train", **given: Any) -> None:
        """Train, resume, extend, or resume with a fix, on a thread of its own; ``given`` is passed on."""
        if self.starting:
            return
        self.starting, self.question, self.trouble, self._what, self._given = True, "", "", what, given
        Thread(target=self._go, name="nbtrain-start", daemon=True).start()

    def answer(self, how: str) -> None:
        """Take the answer to the question: wait, beside, or anything else for no."""
        self.question = ""
        if how in ("wait", "beside"):
            self.go(self._what, **{**self._given, "queue": how == "wait", "beside": how == "beside"})

    def _go(self) -> None:
        experiment = self._experiment()
        if experiment is None:
            return
        try:
            getattr(experiment, self._what)(**self._given)
        except BusyError as error:
            self.question = question(experiment, error)
        except NbtrainError as error:
            self.trouble = str(error)
        except Exception as error:  # noqa: BLE001 - nobody reads a traceback of this thread
            _log.exception("a run could not be started")
            self.trouble = f"The run could not be started: {type(error).__name__}: {error}"
        finally:
            self.starting = False


def question(experiment: Experiment, error: BusyError) -> str:
    """Return what to ask: the device's users by their names."""
    users = [name_of_user(Path(user)) for user in str(error.value or "").split(", ") if user]
    return f"The device is in use by {' and '.join(users) or 'another run'}."


_STARTS: WeakKeyDictionary[Experiment, Start] = WeakKeyDictionary()


def start_of(experiment: Experiment) -> Start:
    """Return the one start of ``experiment``."""
    if experiment not in _STARTS:
        _STARTS[experiment] = Start(experiment)
    return _STARTS[experiment]
