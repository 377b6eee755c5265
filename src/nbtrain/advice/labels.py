"""Rules about the data: how many images, how evenly, and whether they are there at all."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping

from nbtrain.advice.case import Case
from nbtrain.advice.findings import Finding
from nbtrain.advice.rates import band
from nbtrain.advice.static import Static
from nbtrain.advice.words import counted, percent, rounded

IMBALANCED = 10.0
FEW_IMAGES = 100
FEW_VALIDATION = 30


class Imbalance(Static, name="imbalance", source="Buda et al. 2018, arXiv:1710.05381; weights N / (k · n_c)"):
    """One class has more than 10 times as many training images as another, and nothing makes up for it."""

    def findings(self, case: Case) -> Iterator[Finding]:
        """Look at the class counts and the loss."""
        loss = case.config.loss
        if not case.smallest or not case.largest or loss.class_weights != "none" or loss.kind == "focal":
            return
        if getattr(case.config.data, "sampler", "uniform") != "uniform":
            return
        (rare, few), (common, many) = case.smallest, case.largest
        if many / few > IMBALANCED:
            text = f"“{common}” has {many / few:.0f} times as many images as “{rare}” ({many} and {few})."
            yield self.found("warning", "loss.class_weights", text, {"loss.class_weights": "auto"})


class WeighedTwice(
    Static, name="rare classes counted twice", source="Arithmetic: the sampler evens classes out, weights tip them over"
):
    """Class weights together with a balanced sampler: rare classes then count more than common ones."""

    def findings(self, case: Case) -> Iterator[Finding]:
        """Look at the loss and the sampler."""
        loss, sampler = case.config.loss, getattr(case.config.data, "sampler", "uniform")
        if loss.class_weights in ("auto", "effective") and sampler == "balanced":
            rare = f": “{case.smallest[0]}” has {case.smallest[1]} images" if case.smallest else ", 2 means to one end"
            text = f"balanced sampling and {loss.class_weights} weights both make up for rare classes{rare}."
            yield self.found("warning", "loss.class_weights", text, {"loss.class_weights": "none"})


class FewImages(
    Static,
    name="few images",
    source="Published weights do better on few images (Kornblith 2019, arXiv:1805.08974); 100 is a rule of ours",
):
    """A class with under 100 training images, learned from random weights."""

    def findings(self, case: Case) -> Iterator[Finding]:
        """Look at the smallest class."""
        if case.start != "scratch" or not case.smallest or case.smallest[1] >= FEW_IMAGES:
            return
        name, few = case.smallest
        under = sum(0 < count < FEW_IMAGES for count in case.evidence.class_counts.values())
        others = (
            f", and {counted(under - 1, 'other class has', 'other classes have')} under {FEW_IMAGES}"
            if under > 1
            else ""
        )
        text = f"“{name}” has {counted(few, 'training image')}{others}."
        yield self.found("warning", "model.pretrained", text, _with_weights(case))


def _with_weights(case: Case) -> Mapping[str, object]:
    """Return the changes that start from published weights, with a learning rate that suits them; none without any."""
    if case.entry is None or not case.entry.pretrained:
        return {}
    fix: dict[str, object] = {"model.pretrained": True, "normalisation.kind": "model"}
    found = band(Case(case.config.set_all(fix), case.evidence))
    lr = case.config.optimizer.lr
    if found is not None and found.zone(lr) != "good":
        fix["optimizer.lr"] = rounded(found.usual)
    return fix


class EmptyClass(Static, name="empty class", source="A class without examples cannot be learned"):
    """A class without training images, or a data set of one class."""

    def findings(self, case: Case) -> Iterator[Finding]:
        """Look at the class counts."""
        counts = case.evidence.class_counts
        empty = [name for name, count in counts.items() if not count]
        if len(counts) == 1:
            yield self.found("problem", "data.dataset", "the data set has 1 class: there is nothing to tell apart.")
        elif empty:
            told = ", ".join(f"“{name}”" for name in empty[:3])
            text = f"{counted(len(empty), 'class has', 'classes have')} no training image: {told}."
            yield self.found("warning", "data.dataset", text)


class SmallValidation(
    Static, name="small validation set", source="Standard error of a share over n images: up to 0.5 / √n"
):
    """Fewer than 30 validation images: accuracy moves in large steps, and the best epoch is chosen by chance."""

    def findings(self, case: Case) -> Iterator[Finding]:
        """Look at the number of validation images."""
        n_val, n_images = case.evidence.n_val, case.evidence.n_images
        if not n_val or n_val >= FEW_VALIDATION:
            return
        text = f"{counted(n_val, 'validation image')}: accuracy is uncertain by {percent(0.5 / math.sqrt(n_val))}."
        share = math.ceil(100 * FEW_VALIDATION / n_images) / 100 if n_images else 1.0
        can = not case.evidence.own_split and not case.config.data.split and share + case.config.data.test_ratio <= 0.4
        yield self.found("warning", "data.val_ratio", text, {"data.val_ratio": share} if can else {})


class BatchOverData(Static, name="batch larger than data", source="Arithmetic: no batch can be filled"):
    """A batch with more images than there are to train on."""

    def findings(self, case: Case) -> Iterator[Finding]:
        """Compare batch size and training images."""
        n_train, batch = case.evidence.n_train, case.config.training.batch
        if n_train and batch and batch > n_train:
            fitting = 2 ** int(math.log2(max(1, n_train / 4)))
            text = f"a batch of {batch} is larger than the {n_train} training images."
            yield self.found("problem", "training.batch_size", text, {"training.batch_size": fitting})


class MirroredClasses(
    Static, name="mirrored classes", source="Flips do not preserve such labels (Shorten and Khoshgoftaar 2019)"
):
    """A flip that turns one class into another: left and right, up and down, or written characters."""

    def findings(self, case: Case) -> Iterator[Finding]:
        """Look at the names of the classes and the flips."""
        for index, step in enumerate(case.config.augmentation.train):
            words = _FLIPS.get(step.kind)
            if words is None or not step.enabled or not getattr(step, "p", 0):
                continue
            told = _turned(list(case.evidence.class_counts), *words)
            if told:
                kept = [s.plain() for at, s in enumerate(case.config.augmentation.train) if at != index]
                text = f"{told}, and {step.label.lower()} changes {percent(getattr(step, 'p', 0))} of the images."
                yield self.found("warning", f"augmentation.train.{index}.p", text, {"augmentation.train": kept})


_FLIPS = {"horizontal_flip": ("left", "right"), "vertical_flip": ("up", "down")}


def _turned(names: list[str], one: str, other: str) -> str:
    """Return which classes a flip confuses, in words; empty where none."""
    characters = [name for name in names if len(name) == 1 and name.isalnum()]
    if len(characters) >= 5:
        return f"a mirrored character is another shape ({', '.join(characters[:5])}…)"
    lowered = {name.lower(): name for name in reversed(names)}
    for name in names:
        words = re.split(r"([^a-z]+)", name.lower())
        found = lowered.get("".join(other if word == one else word for word in words)) if one in words else None
        if found:
            return f"“{name}” and “{found}” turn into each other"
    return ""
