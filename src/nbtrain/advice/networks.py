"""Rules about the model: its weights, and the images that it gets."""

from __future__ import annotations

import math
from collections.abc import Iterator

from nbtrain.advice.case import BATCH_NORMED, Case
from nbtrain.advice.findings import Finding
from nbtrain.advice.static import Static
from nbtrain.data.normalisation import MeanStd

_SIZES = "Objects must look as large as in training (Touvron et al. 2019, arXiv:1906.06423)"


class FrozenScratch(Static, name="frozen without weights", source="A frozen random backbone gives the head noise"):
    """A frozen backbone whose weights are random."""

    def findings(self, case: Case) -> Iterator[Finding]:
        """Look at what is frozen and where the weights start."""
        if getattr(case.config.model, "freeze", "none") != "none" and not case.has_weights:
            published = case.entry is not None and case.entry.pretrained
            fix = {"model.pretrained": True} if published else {"model.freeze": "none"}
            size = f"{case.entry.parameters / 1e6:.3g} M" if case.entry and case.entry.parameters else "all"
            text = f"{_FROZEN[case.config.model.freeze]} frozen at random weights ({size} in all)."
            yield self.found("problem", "model.freeze", text, fix)


_FROZEN = {"backbone": "the backbone is", "stages": "the first stages are"}


class NothingPublished(Static, name="no published weights", source="The catalogue of timm and torchvision"):
    """Published weights asked of a model that has none."""

    def findings(self, case: Case) -> Iterator[Finding]:
        """Look the model up."""
        model = case.config.model
        if case.entry and not case.entry.pretrained and getattr(model, "pretrained", False) and not model.weights_file:
            text = f"0 sets of weights are published for {case.entry.variant}."
            yield self.found("problem", "model.pretrained", text, {"model.pretrained": False})


class SizeAgainstWeights(Static, name="image size against weights", source=_SIZES):
    """Images more than twice as large, or less than half as large, as those the weights were trained on."""

    def findings(self, case: Case) -> Iterator[Finding]:
        """Compare the sizes."""
        size = case.config.task.image_size
        if case.entry is None or not getattr(case.config.model, "pretrained", False):
            return
        own = case.entry.input_size
        if size > 2 * own or 2 * size < own:
            text = f"images of {size} px, and the weights of {case.entry.variant} were trained on {own} px."
            yield self.found("warning", "task.image_size", text, {"task.image_size": own})


class TinyImages(Static, name="tiny images", source="Networks for ImageNet halve the image 5 times: 32 px become 1"):
    """Images under 32 px for a network that halves them five times."""

    def findings(self, case: Case) -> Iterator[Finding]:
        """Look at the image size."""
        size = case.config.task.image_size
        if case.entry is not None and size < 32:
            text = f"{size} px: nothing is left of an image after {case.entry.variant} has halved it 5 times."
            yield self.found("warning", "task.image_size", text, {"task.image_size": 32})


class EnlargedImages(Static, name="enlarged images", source="Arithmetic: work grows with the square, detail does not"):
    """Images enlarged more than 3 times for a model that starts from random weights."""

    def findings(self, case: Case) -> Iterator[Finding]:
        """Compare the images with what the model gets."""
        size, own = case.config.task.image_size, case.evidence.image_px
        if case.start != "scratch" or not own or size <= 3 * own:
            return
        fitting = max(32, 32 * math.ceil(own / 32))
        looked = f" in {counted_images(case.evidence.n_measured)}" if case.evidence.n_measured else ""
        times = (size / own) ** 2
        text = f"images of {own} px{looked} are enlarged to {size} px: {times:.0f} times the work, no more detail."
        yield self.found("info", "task.image_size", text, {"task.image_size": fitting})


def counted_images(number: int) -> str:
    """Return how many images were looked at, in words."""
    return f"the {number} that were looked at" if number != 1 else "the one that was looked at"


class NormalisationAgainstWeights(
    Static, name="normalisation against weights", source="Weights expect the mean and spread of their own training"
):
    """Published weights that were trained with another mean and spread of the colours."""

    def findings(self, case: Case) -> Iterator[Finding]:
        """Compare what is set with what the weights expect."""
        normal, entry = case.config.normalisation, case.entry
        if entry is None or not getattr(case.config.model, "pretrained", False) or normal.kind in ("model", "dataset"):
            return
        off = _distance(normal.values(model=(entry.mean, entry.std)), (entry.mean, entry.std))
        if off > 0.02:
            text = f"mean or deviation is {off:.2f} off what {entry.variant} was trained with ({_row(entry.mean)})."
            yield self.found("warning", "normalisation.kind", text, {"normalisation.kind": "model"})


def _distance(one: MeanStd, other: MeanStd) -> float:
    pairs = zip((*one[0], *one[1]), (*other[0], *other[1]), strict=True)
    return max(abs(a - b) for a, b in pairs)


def _row(values: tuple[float, ...]) -> str:
    return ", ".join(f"{value:.3g}" for value in values)


class TinyBatch(
    Static, name="batch normalisation over few images", source="Wu and He 2018, arXiv:1803.08494: error rises below 8"
):
    """Batch normalisation over fewer than 8 images, whose statistics are noise."""

    def findings(self, case: Case) -> Iterator[Finding]:
        """Look at the batch size of networks that normalise over it."""
        training, n_train = case.config.training, case.evidence.n_train or 16
        if (
            training.batch is None
            or training.batch >= 8
            or case.family not in BATCH_NORMED
            or case.frozen
            or n_train < 8
        ):
            return
        batch = min(16, n_train)
        multiplier = max(1, training.batch * training.batch_multiplier // batch)
        text = f"{case.config.model.get('variant')} normalises over batches of {training.batch}."
        fix = {"training.batch_size": batch, "training.batch_multiplier": multiplier}
        yield self.found("warning", "training.batch_size", text, fix)
