"""The data section: which images, how they are split, and how they are loaded. It knows settings; it opens nothing."""

from __future__ import annotations

from typing import Literal

from nbtrain.schema import Section, field


class Data(Section):
    """Data set, split and loading."""

    dataset: str = field("", label="Data set")
    """Name of the project's data set to train on."""
    split: str = field("", advanced=True)
    """Name of a saved split. Empty: one is made from the shares and seed below, or from the data set's own folders."""
    val_ratio: float = field(0.2, ge=0.01, le=0.9, soft=(0.05, 0.5), unit="ratio", label="Validation share")
    """Share of the images that is kept for validation."""
    test_ratio: float = field(0.0, ge=0.0, le=0.9, soft=(0.0, 0.5), unit="ratio", label="Test share")
    """Share of the images that is set aside and seen neither by training nor by validation."""
    split_seed: int = field(42, ge=0, le=2**31 - 1, unit="seed", advanced=True)
    """Seed of the stratified choice: the same seed always gives the same split."""
    shuffle: bool = field(True, advanced=True)
    """Draw the training images in a new order each epoch."""
    sampler: Literal["uniform", "square_root", "balanced"] = field(
        "uniform",
        when=lambda data: data.shuffle,
        labels={
            "uniform": "each image once per epoch",
            "square_root": "rare classes more often",
            "balanced": "every class equally often",
        },
    )
    """Which training images an epoch draws; with rare classes more often, some images come several times."""
    workers: int | Literal["auto"] = field("auto", ge=0, le=64, unit="workers", label="Loader workers")
    """Threads or processes that read images beside the training. auto: none where all images fit into memory decoded;
    else as many as training can take images from, measured where there are more than two cores."""
    worker_kind: Literal["auto", "threads", "processes"] = field(
        "auto", advanced=True, label="Loader workers are", when=lambda data: data.workers != 0
    )
    """Threads read without handing anything over; processes suit transforms that hold Python's lock for long, and are
    taken for all that are not torchvision's or nbtrain's. auto measures; the images are the same."""
    prefetch: int = field(2, ge=1, le=64, unit="batches", advanced=True, label="Prefetch")
    """Batches that are prepared ahead: by all loader threads together, or by each loader process."""
    pin_memory: bool = field(True, advanced=True)
    """Keep batches in page-locked memory, which makes the copy to a GPU faster; without a GPU it has no effect."""
    persistent_workers: bool = field(True, advanced=True)
    """Keep the loader processes of validation between epochs instead of starting them anew."""
    cache: Literal["auto", "off", "memory", "disk"] = field(
        "auto", label="Cache of decoded images", labels={"memory": "in memory", "disk": "on disk"}
    )
    """Keep images decoded from the first epoch on, in one file that all runs on this data set share; the images are the
    same. auto measures whether that pays, and takes at most half of the free memory. In memory, it goes with its last
    run; on disk it lies in the project and goes after 30 days without use."""
    shrink_px: int = field(0, ge=0, le=8192, unit="px", advanced=True, label="Shrink when read (changes pixels)")
    """Shorter side that larger images are brought to as soon as they are decoded, before all transforms. That changes
    what the network sees; it saves time and room in the cache where photographs are much larger than the task's image
    size. 0: images are taken as they are."""
    allowed_bad_share: float = field(0.01, ge=0.0, le=1.0, unit="ratio", advanced=True, label="Broken images allowed")
    """Share of unreadable images up to which they are skipped and listed; with more, training does not start."""
