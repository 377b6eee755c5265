"""The loop's checkpoints: when the clock asks for one, that none is written twice, and what is said of each.

It knows the writer behind the loop and the words for how a write ended. It does not know what is in a state, nor when
an epoch or a run ends.
"""

from __future__ import annotations

import time
from collections.abc import Iterable

from torch import Tensor

from nbtrain import files
from nbtrain.errors import TrainingError
from nbtrain.messages import Notice, Saved
from nbtrain.training.behind import Behind
from nbtrain.training.checkpoint import Checkpoints, State
from nbtrain.training.commands import Say


class Keeper:
    """Keeps the states that the loop hands over; all methods are the loop's."""

    def __init__(self, checkpoints: Checkpoints, steps_per_epoch: int, say: Say) -> None:
        self._behind, self._steps_per_epoch, self._say = Behind(checkpoints), steps_per_epoch, say
        self._begun_s = time.monotonic()
        self.saved = (0, 0)
        """Step and epochs of the newest checkpoint."""
        self.took_s = 0.0
        """How long the newest checkpoint took to write, behind the loop."""
        self.before_step = self._behind.before_step

    def due(self, every_s: float) -> bool:
        """Return whether the last checkpoint was begun ``every_s`` seconds ago; 0 is never due."""
        return 0 < every_s <= time.monotonic() - self._begun_s

    def has(self, step: int, epoch: int) -> bool:
        """Return whether this place is kept; waits for the checkpoint under way, so that the next one may begin."""
        self.take_in(wait=True)
        self._begun_s = time.monotonic()
        return self.saved == (step, epoch)

    def keep(self, state: State, changing: Iterable[Tensor], *, best: bool) -> None:
        """Begin to keep ``state`` behind the loop; ``changing`` is what changes before ``before_step`` is called."""
        self._behind.begin(state, changing, best=best)

    @property
    def under_way(self) -> bool:
        """Whether a checkpoint was begun whose end has not been taken in."""
        return self._behind.under_way

    def take_in(self, *, wait: bool = False, must: bool = False) -> bool:
        """Say how the checkpoint under way ended, if it has; return whether there is a new one now.

        A disk that refused it is told of, and raises TrainingError where the checkpoint ``must`` be kept: it holds the
        end of the run.
        """
        done = self._behind.ended(wait=wait)
        if done is None:
            return False
        if isinstance(done.error, OSError | MemoryError):
            self._not_kept(done.error, done.step, must)
        elif done.error:
            raise done.error
        if done.marker:
            self.saved, epoch = (done.step, done.epoch), done.step / self._steps_per_epoch
            self.took_s = done.took_s
            size_bytes = done.marker.bytes
            self._say(Saved(file=done.marker.file, step=done.step, epoch=epoch, size_bytes=size_bytes, best=done.best))
        return done.marker is not None

    def close(self) -> None:
        """Wait for the write under way, however it ends: something else has ended the run."""
        self._behind.ended(wait=True)

    def _not_kept(self, error: OSError | MemoryError, step: int, must: bool) -> None:
        why = _why(error)
        told = f"The checkpoint at step {step} was not kept: {why}. The ones before it are untouched."
        if must:
            memory = isinstance(error, MemoryError)
            advice = "Close other programs that hold memory." if memory else "Make room on the disk."
            raise TrainingError(told.rstrip("."), cause="out of memory" if memory else "disk", advice=advice) from error
        self._say(Notice(level="warning", text=f"{told} Training goes on."))


def _why(error: OSError | MemoryError) -> str:
    if isinstance(error, MemoryError):
        return "there was no memory for it"
    return "the disk is full" if error.errno in files.FULL else f"the disk refused it ({error.strerror or error})"
