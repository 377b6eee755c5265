"""What a run does about numbers that are none and about memory that is not there: go back, change one thing, go on.

The loop hands its errors to :meth:`Rescue.trouble`, goes back to its newest checkpoint (to its first weights where
there is none yet) and asks for the change: half the learning rate, once; or each batch in twice as many parts. What
was changed is part of the checkpoint that the loop then keeps at the same step, so a later life repeats the very same
run. Known here: which errors can be helped, and the rule for a loss that runs away. Not known here: files.

Shapes: B images, C channels, H height, W width.
"""

from __future__ import annotations

import copy
import math
import mmap
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from nbtrain.errors import TrainingError, lacks_memory
from nbtrain.messages import Message, Notice, Resolved
from nbtrain.training.checkpoint import State
from nbtrain.training.memory import trim

DIVERGED = 4.0
"""A smoothed training loss this many times its lowest has run away: where fastai's range test gives up (LRFinder)."""
DIVERGENCE = "divergence"
RECOVERY = "recovery"
"""Name of the advice rule that speaks of it in the panels, with its fix (advice/running.py)."""
_MEMORY = 0.98
"""Share of the smoothed loss that a step leaves as it was, also fastai's."""
_RESERVE_BYTES = 64 * 2**20
"""oneDNN compiles a kernel for each new size of a batch and takes fresh pages for it, whatever the heap has free."""
_ASKED = re.compile(r"ried to allocate ([\d.]+) (bytes|[KMGT]iB)")
LR_FACTOR = 0.5
"""What one roll-back does to the learning rate."""


@dataclass(slots=True)
class Changes:
    """What a run has been changed by, and what of its losses is remembered; a checkpoint keeps it."""

    lr_factor: float = 1.0
    splits: int = 1
    """Parts that each batch is computed in."""
    first: float = math.nan
    """The first training loss that was said."""
    lowest: float = math.inf
    """Lowest smoothed training loss."""
    smoothed: float = 0.0
    seen: int = 0
    """Steps behind the smoothed loss."""
    diverged: bool = False
    """Whether it has been told that the loss runs away."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """An error that can be helped, without the memory that its traceback holds."""

    kind: Literal["numerics", "out of memory"]
    what: str


class Rescue:
    """The rescues of one run."""

    def __init__(self, model: nn.Module, device: torch.device, say: Callable[[Message], None]) -> None:
        self.changes, self.device, self._say = Changes(), device, say
        self.start: State | None = None
        """The run's first state, for as long as there is no checkpoint to go back to."""
        self._batch = 0
        self._reserve = _reserved(device)
        norms = (nn.modules.batchnorm._BatchNorm,)
        self._smallest = 2 if any(isinstance(layer, norms) for layer in model.modules()) else 1

    def keep_start(self, state: State) -> None:
        """Remember the state before the first step, in the machine's memory; the first checkpoint replaces it."""
        self.start = _host_copy(state)

    def pieces(self, images_BCHW: Tensor, target: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield a batch in its parts; nearly always that is the batch itself."""
        self._batch = size = len(images_BCHW)
        if self.changes.splits == 1:
            yield images_BCHW, target
            return
        parts = min(self.changes.splits, max(1, size // self._smallest))
        yield from zip(images_BCHW.tensor_split(parts), target.tensor_split(parts), strict=True)

    def trouble(self, error: Exception) -> Trouble | None:
        """Return what can be helped of ``error``, None for another one; raises TrainingError where nothing helps."""
        if isinstance(error, TrainingError) and error.cause == "numerics":
            return self._numerics(error)
        return self._memory(error) if lacks_memory(error) and self._batch else None

    def change(self, trouble: Trouble, step: int) -> None:
        """Change what shall keep the trouble from coming back, and say so; the loop stands at ``step`` again."""
        if trouble.kind == "numerics":
            self.changes.lr_factor *= LR_FACTOR
            text = f"Training went back to step {step} with half the learning rate; this is tried once."
            self._say(Notice(level="warning", text=f"{_sentence(trouble.what)} {text}", about=RECOVERY, step=step))
            return
        self.changes.splits *= 2
        parts, size = self.changes.splits, -(-self._batch // self.changes.splits)
        told = (
            f"{_sentence(trouble.what)} From step {step} on, each batch of {self._batch} is computed in {parts} parts"
        )
        same = "A step still learns from the same images"
        norm = f"; batch normalisation, though, sees {size} of them at once" if self._smallest > 1 else ""
        text = f"{told} of at most {size} images. {same}{norm}."
        self._say(Notice(level="warning", text=text, about=RECOVERY, step=step))
        self._say(Resolved(path="training.batch_parts", value=parts, reason=f"out of memory at step {step}"))

    def free_memory(self) -> None:
        """Give back what a failed step has left behind, so that the next one finds it."""
        if self._reserve is not None:
            self._reserve.close()
            self._reserve = None
        trim(self.device)

    def watch(self, loss: float, steps: int, step: int) -> None:
        """Take the mean loss of the last ``steps`` in; warn once where it runs away."""
        kept, share = self.changes, _MEMORY**steps
        kept.smoothed, kept.seen = share * kept.smoothed + (1 - share) * loss, kept.seen + steps
        now = kept.smoothed / (1 - _MEMORY**kept.seen)
        kept.first = loss if math.isnan(kept.first) else kept.first
        kept.lowest = min(kept.lowest, now)
        if kept.diverged or now <= max(DIVERGED * kept.lowest, kept.first):
            return
        kept.diverged = True
        told = (
            f"The training loss runs away: at step {step} it is about {now:.3g}, and its lowest was {kept.lowest:.3g}."
        )
        advice = (
            "If it does not come back, stop the run and lower the learning rate, add a warm-up, or clip the gradients."
        )
        self._say(Notice(level="warning", text=f"{told} {advice}", about=DIVERGENCE, step=step))

    def state_dict(self) -> dict[str, Any]:
        """Return what a checkpoint needs of this."""
        return asdict(self.changes)

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on as ``state`` tells; empty for a checkpoint from before there were rescues."""
        self.changes = Changes(**state)

    def _numerics(self, error: TrainingError) -> Trouble:
        if self.changes.lr_factor < 1:
            told = f"{error.what}, again: it had gone back before and halved the learning rate"
            raise TrainingError(told, cause="numerics", advice=error.advice) from error
        return Trouble("numerics", error.what)

    def _memory(self, error: Exception) -> Trouble:
        where = "the computer" if self.device.type == "cpu" else f"the GPU ({self.device})"
        if self._batch // (2 * self.changes.splits) < self._smallest:
            size = max(1, self._batch // self.changes.splits)
            raise TrainingError(
                f"{where} is out of memory, with {size} of {self._batch} images at once: {_wanted(error)}",
                cause="out of memory",
                advice="Use a smaller image size or a smaller model, or close other programs that hold memory.",
            ) from error
        return Trouble("out of memory", f"{where} ran out of memory ({_wanted(error)})")


def check_losses(losses: Tensor, step: int, lrs: Sequence[float]) -> None:
    """Raise TrainingError for the first of ``losses`` that is no finite number; ``step`` is that of the last one."""
    bad = (~losses.isfinite()).nonzero()
    if len(bad):
        first = int(bad[0])
        raise _broken("the loss", step - len(losses) + first + 1, lrs[first])


def check_weights(model: nn.Module, step: int, lr: float) -> None:
    """Raise TrainingError where a weight of ``model`` is no finite number, before a checkpoint could keep it."""
    state = [t for t in model.state_dict().values() if t.is_floating_point()]
    if not nn.utils.get_total_norm(state).isfinite():  # of the norms the one that takes a tenth of the others' time
        raise _broken("a weight", step, lr)


def _broken(what: str, step: int, lr: float) -> TrainingError:
    return TrainingError(
        f"{what} became NaN or infinite at step {step} (learning rate {lr:.3g})",
        cause="numerics",
        advice="Lower the learning rate, clip the gradients, or use precision 32. "
        "The checkpoints from before that step are kept.",
    )


def _reserved(device: torch.device) -> mmap.mmap | None:
    """Set addresses aside, none of them in memory until they are used, for what a rescue itself needs."""
    try:
        return mmap.mmap(-1, _RESERVE_BYTES) if device.type == "cpu" else None
    except (OSError, ValueError):  # there is nothing to set aside
        return None


def _wanted(error: Exception) -> str:
    """Return what of an allocator's long words a person wants to know."""
    words = str(error).strip()
    asked = _ASKED.search(words)
    if asked is None:
        return (words.splitlines() or [type(error).__name__])[0].rstrip(".")[:120]
    size = f"{int(asked[1]) / 2**20:,.0f} MiB" if asked[2] == "bytes" else f"{asked[1]} {asked[2]}"
    return f"{size} more were asked for"


def _host_copy(value: Any) -> Any:
    """Return a copy of a state whose tensors lie in the machine's memory."""
    if isinstance(value, Tensor):
        return value.detach().to("cpu", copy=True)
    if isinstance(value, dict):
        return {key: _host_copy(item) for key, item in value.items()}
    return [_host_copy(item) for item in value] if isinstance(value, list) else copy.deepcopy(value)


def _sentence(what: str) -> str:
    return f"{what[:1].upper()}{what[1:]}."
