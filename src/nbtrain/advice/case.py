"""The case that rules look at before a run: a configuration, and what is known of the data and the machine.

It gathers nothing itself: evidence is handed in, and whatever is not known stays None, so that a rule that needs it
keeps quiet. Questions that several rules ask are answered here once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, TypeAlias

from nbtrain.config import Config
from nbtrain.models.catalog import Entry

Start: TypeAlias = Literal["scratch", "fine-tuning", "head"]
"""Where a model's weights start: random, published or from a file, or the same with all but the head frozen."""

TRANSFORMERS = frozenset(
    {
        "ViT", "DeiT", "BEiT", "EVA", "CaiT", "XCiT", "Swin", "SwinV2", "ViT, CLIP", "ViT, DINO", "ViT, SAM",
        "ViT, SigLIP", "FlexiViT", "NaFlexViT", "PiT", "TNT", "Twins", "ConViT", "CrossViT", "VOLO", "DeepSeek ViT",
        "Gemma ViT", "Qwen ViT", "AIMv2", "MViTv2", "Hiera", "GCViT", "DaViT", "NesT", "ViTamin", "TinyViT",
    }
)  # fmt: skip
"""Families of the catalogue whose networks are made of attention."""
BATCH_NORMED = frozenset(
    {
        "ResNet", "ResNeXt", "Wide ResNet", "ResNet-RS", "ResNet with attention", "SENet", "RegNet", "DenseNet",
        "EfficientNet", "EfficientNetV2", "MobileNetV1", "MobileNetV2", "MobileNetV3", "MobileNetV4", "MnasNet and kin",
        "ShuffleNet", "GhostNet", "Inception", "Xception", "DLA", "DPN", "HRNet", "Res2Net", "ResNeSt", "CSPNet",
        "RepVGG", "VoVNet",
    }
)  # fmt: skip
"""Families of the catalogue whose networks normalise over the batch."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known beside the configuration; None and empty mean: not known."""

    n_train: int | None = None
    n_val: int | None = None
    n_images: int | None = None
    class_counts: Mapping[str, int] = field(default_factory=dict)
    """Training images of each class."""
    own_split: bool = False
    """Whether the data set itself says which images train."""
    image_px: int | None = None
    """Median of the shorter sides of the images that were looked at."""
    n_measured: int = 0
    """Images whose size was looked at."""
    disk_free_bytes: int | None = None
    shared_memory_bytes: int | None = None
    cores: int | None = None


@dataclass(frozen=True)
class Case:
    """One configuration with its evidence."""

    config: Config
    evidence: Evidence = field(default_factory=Evidence)

    @cached_property
    def entry(self) -> Entry | None:
        """The catalogue's entry for the model, None for a network that is not in it."""
        return getattr(self.config.model, "entry", None)

    @property
    def family(self) -> str:
        """Family of the model, empty where it has none."""
        return str(getattr(self.config.model, "family", ""))

    @property
    def has_weights(self) -> bool:
        """Whether training starts from weights that have learned something."""
        model = self.config.model
        return any(getattr(model, name, "") for name in ("pretrained", "weights_file", "transfer_from"))

    @property
    def frozen(self) -> bool:
        """Whether the backbone stays as it is, for the whole run."""
        model = self.config.model
        return getattr(model, "freeze", "none") == "backbone" and not getattr(model, "unfreeze_epoch", 0)

    @property
    def start(self) -> Start:
        """Where the weights start."""
        if not self.has_weights:
            return "scratch"
        return "head" if self.frozen else "fine-tuning"

    @property
    def steps_per_epoch(self) -> int | None:
        """Changes of the weights in one epoch."""
        n_train = self.evidence.n_train
        return self.config.steps_per_epoch(n_train) if n_train else None

    @property
    def smallest(self) -> tuple[str, int] | None:
        """The class with the fewest training images, of those that have any, and their number."""
        filled = {name: count for name, count in self.evidence.class_counts.items() if count}
        return min(filled.items(), key=lambda item: item[1]) if filled else None

    @property
    def largest(self) -> tuple[str, int] | None:
        """The class with the most training images, and their number."""
        counts = self.evidence.class_counts
        return max(counts.items(), key=lambda item: item[1]) if counts else None
