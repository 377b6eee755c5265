"""Model: what all networks share, and how one of them is built with a head for the classes at hand.

Its kinds stand in backbones.py (published networks) and cnn.py (one's own). What the weights hold and how they fit is
weights.py's, the head's parts heads.py's, what stays frozen freezing.py's matter; training is not known here.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self, TypeAlias

from nbtrain.errors import ConfigError, Problem
from nbtrain.models import catalog
from nbtrain.schema import Family, field

if TYPE_CHECKING:
    from torch import nn

    from nbtrain.models.freezing import Unfreezing

Say: TypeAlias = Callable[[str], None]
"""Takes one sentence that a person should read."""
Initialise: TypeAlias = Callable[["nn.Module", bool], None]
"""Gives a model fresh weights: the whole of it, or its head only."""


class Model(Family):
    """The network that learns."""

    pretrained: bool = field(False, when=lambda m: m.publishes)
    """Start from published weights. They are downloaded when the run starts, if they are not there yet."""
    weights_file: str = field("", label="Weights file")
    """Start from the weights in this file (.safetensors or a torch checkpoint) instead. Empty: none."""
    transfer_from: str = field("", advanced=True, label="Weights of an experiment")
    """Start from the best checkpoint of this experiment of the project, by its name or id. Empty: none."""
    freeze: Literal["none", "backbone", "stages"] = field(
        "none",
        labels={"none": "train everything", "backbone": "train the head only", "stages": "freeze the first stages"},
    )
    """What stays as it is. Training the head only is fast and needs few images, but good starting weights."""
    freeze_stages: int = field(1, ge=1, le=100, unit="stages", when=lambda m: m.freeze == "stages")
    """Stages that stay as they are, counted from the input; the head is always trained."""
    unfreeze_epoch: int = field(
        0, ge=0, le=100_000, unit="epochs", label="Unfreeze after", when=lambda m: m.freeze != "none"
    )
    """Epochs after which the frozen part is trained too. 0: it stays frozen."""
    dropout: float = field(0.0, ge=0, lt=1, unit="ratio", soft=(0, 0.6))
    """Share of the features dropped before the head, against overfitting. 0: as the architecture has it."""

    @property
    def publishes(self) -> bool:
        """Whether networks of this kind may have published weights."""
        return True

    @property
    def starts_fresh(self) -> bool:
        """Whether the backbone starts from random numbers."""
        return not (self.pretrained or self.weights_file or self.transfer_from)

    @property
    def entry(self) -> catalog.Entry:
        """What is known of this network: name, size, cost, licence, default input."""
        raise NotImplementedError

    def normalises_one_value(self, image_size: int) -> bool:
        """Whether batch normalisation is known to see one pixel per image; the trainer looks at the network itself."""
        return False

    def switched(self, kind: str) -> Self:
        """Return the ``kind`` with its defaults, with what means the same there."""
        publishes = Model.of(kind)().publishes
        return super(Model, self if publishes else self.replace(pretrained=False)).switched(kind)

    def build(
        self, classes: int, image_size: int, say: Say = lambda _: None, initialise: Initialise | None = None
    ) -> nn.Module:
        """Return the network with a fresh head for ``classes``, weights loaded and frozen for good as set.

        ``initialise`` gives fresh weights to what no published weights fill; ``say`` is told what was and what was not
        loaded. ``transfer_from`` must have been resolved to a file: only who knows the project can (transfer.py).
        """
        from nbtrain.models.freezing import frozen_parameters
        from nbtrain.models.weights import load_file

        pretrained = self.pretrained and not self.weights_file
        if pretrained and (problem := unpublished(self.entry)):
            raise ConfigError([problem])
        model = self._made(classes, image_size, pretrained, say)
        if initialise is not None:
            initialise(model, not pretrained)
        if self.weights_file:
            path = Path(self.weights_file).expanduser()
            for sentence in load_file(model, path).sentences(str(path)):
                say(sentence)
        _try(model, self.entry, classes, image_size)
        if not self.unfreeze_epoch:
            for parameter in frozen_parameters(model, self.freeze, self.freeze_stages):
                parameter.requires_grad_(False)
        return model

    def unfreezing(self, model: nn.Module) -> Unfreezing | None:
        """Return what of ``model`` is frozen at first and trained later, None where nothing is."""
        from nbtrain.models.freezing import Unfreezing, frozen_parameters

        if self.freeze == "none" or not self.unfreeze_epoch:
            return None
        return Unfreezing(frozen_parameters(model, self.freeze, self.freeze_stages), self.unfreeze_epoch)

    def _made(self, classes: int, image_size: int, pretrained: bool, say: Say) -> nn.Module:
        raise NotImplementedError


def unpublished(entry: catalog.Entry) -> Problem | None:
    """Return the problem of pretrained weights that nobody has published."""
    if entry.pretrained:
        return None
    told = f"no weights are published for {entry.variant}."
    return Problem("model.pretrained", told, "Turn it off, or give a model.weights_file.")


def one_value(image_size: int, layer: str = "") -> Problem:
    """Return the problem of batches of one image that batch normalisation sees as one value per channel."""
    where = f" ({layer})" if layer else ""
    told = f"batch normalisation{where} would see one value per channel: 1 image of {image_size} px is 1 pixel there."
    return Problem("training.batch_size", told, "Choose batches of 2 or more, or a larger task.image_size.")


def unfit(entry: catalog.Entry, image_size: int, text: str) -> Problem:
    """Return the problem for images of a size that a network cannot take."""
    reason = (text.strip().splitlines() or ["no reason given"])[0][:200]
    told = f"{entry.variant} cannot work on images of {image_size} px ({reason})."
    return Problem("task.image_size", told, f"Its own size is {entry.input_size} px.")


def _try(model: nn.Module, entry: catalog.Entry, classes: int, image_size: int) -> None:
    """Send one image's shape through ``model``, so that a size it cannot take is told before the first batch."""
    import torch

    training, tensors = model.training, {**dict(model.named_parameters()), **dict(model.named_buffers())}
    model.eval()
    try:
        with torch.no_grad():
            try:
                shadows = {name: tensor.to("meta") for name, tensor in tensors.items()}
                image = torch.empty(1, 3, image_size, image_size, device="meta")
                out = torch.func.functional_call(model, shadows, image)
            except Exception:  # noqa: BLE001 (some networks compute with real numbers: they take a real image)
                out = model(torch.zeros(1, 3, image_size, image_size))
    except Exception as error:
        raise ConfigError([unfit(entry, image_size, str(error))]) from error
    finally:
        model.train(training)
    if not isinstance(out, torch.Tensor) or tuple(out.shape) != (1, classes):
        told = f"{entry.variant} does not give one score per class."
        raise ConfigError([Problem("model.variant", told, "Choose another variant.")])
