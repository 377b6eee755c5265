"""Pictures: what the model gets of some images, made by the loader, the transforms and the step that train.

An image of training is keyed by (seed, epoch, image), a mixed one also by its step, so a picture shows the numbers that
a run with this configuration computes from, bit for bit on the CPU. What takes long (the list of images, decoded files,
the mean of their colours) is kept between requests. Known here: one request and its answer. Not known here: how either
travels (renderer.py). Only processes that render read this file.

Shapes: B images, C channels, H×W pixels, K classes.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias, cast

import numpy as np
import torch
from torch import Tensor

from nbtrain.config import Config
from nbtrain.data import assembly, splits
from nbtrain.data.decode import Pixels
from nbtrain.data.encode import encoded
from nbtrain.data.images import Batch, Failed, Images
from nbtrain.data.normalisation import MeanStd
from nbtrain.data.randomness import Stream, key, seed_everything
from nbtrain.data.reading import mean_and_spread
from nbtrain.data.records import Record, Root
from nbtrain.data.sampling import Steps, shares_of
from nbtrain.errors import ConfigError, DataError, NbtrainError, Problem
from nbtrain.messages import Preview, Previewed
from nbtrain.training.inputs import Inputs
from nbtrain.training.parts import Prepare
from nbtrain.training.settings import UNDECIDED_BATCH

EDGE_PX = 256
"""Pictures for a page are at most so wide and high; the numbers behind them are those of the whole image."""
_KEPT_BYTES = 256 * 2**20
"""Decoded images that are kept, so that a change of a parameter reads no file."""
_KEPT_PICTURES = 512
_RAW_RANGE = 3.0
"""Raw numbers are shown from −3, black, to 3, white."""
_FEW_LABELS = 3


Version: TypeAlias = tuple[Path, int, int]
"""An image file, when it was last changed, and the longest shorter side that it may keep, px."""


@dataclass(frozen=True)
class Sets:
    """The images of a project's data set, as its split divides them."""

    root: Root
    classes: tuple[str, ...]
    records: Mapping[str, tuple[Record, ...]]


@dataclass(frozen=True)
class Shown:
    """What the model gets of one image, and how it came about."""

    position: int
    epoch: int
    pixels: Pixels
    image_chw: Tensor
    """The image as uint8 behind the last transform, before mixing."""
    input_chw: Tensor
    """What the model gets."""
    target: Tensor | None = None
    """Shares of the classes, where images are mixed."""
    partner: int | None = None
    note: str = ""


class Remembering(Images):
    """Images that are decoded once, as long as there is room."""

    memory: OrderedDict[Version, Pixels]

    def read(self, position: int, *, passing: bool = False) -> Pixels:
        """Return the pixels at ``position``; raises DataError where they cannot be read."""
        version = self.version(position)
        if version not in self.memory:
            self.memory[version] = super().read(position)
            while len(self.memory) > 1 and sum(kept.nbytes for kept in self.memory.values()) > _KEPT_BYTES:
                self.memory.popitem(last=False)
        self.memory.move_to_end(version)
        return self.memory[version]

    def version(self, position: int) -> Version:
        """Return what names the file at ``position`` as it is now."""
        path = self.root / self.records[position].file
        return path, path.stat().st_mtime_ns if path.exists() else 0, self.shrink_px


class Pictures:
    """Answers requests one after the other, and keeps what the next one needs again."""

    def __init__(self) -> None:
        self._sets: tuple[Any, Sets] | None = None
        self._memory: OrderedDict[Version, Pixels] = OrderedDict()
        self._colours: MeanStd | None = None
        self._before: OrderedDict[Version, bytes] = OrderedDict()

    def answer(self, asked: Preview) -> tuple[Previewed, list[bytes]]:
        """Return the answer and its blobs; whatever is wrong with data or settings is told in it."""
        began_s = time.perf_counter()
        try:
            said, blobs = self._answer(asked)
        except ConfigError as error:
            first = error.problems[0]
            said, blobs = Previewed(number=asked.number, problem=_told(first), advice=first.advice), []
        except (NbtrainError, OSError) as error:
            told, advice = (error.what, error.advice) if isinstance(error, NbtrainError) else (str(error), "")
            said, blobs = Previewed(number=asked.number, problem=told, advice=advice), []
        took_ms = round(1000 * (time.perf_counter() - began_s), 1)
        return replace(said, took_ms=took_ms), blobs

    def _answer(self, asked: Preview) -> tuple[Previewed, list[bytes]]:
        config = Config.parse(dict(asked.config))
        _refuse_misfits(config, asked.part)
        sets = self.sets(asked, config)
        records = sets.records[asked.part]
        if not records:
            words = {"train": "training", "val": "validation", "test": "test"}
            told = f"there are no {words[asked.part]} images"
            raise DataError(told, advice="Choose another split, or a larger share for them in the section Data.")
        maker = Maker(self, config, sets, asked.part)
        tiles, blobs, shown = list[dict[str, Any]](), list[bytes](), list[Shown]()
        for position, epoch in zip(asked.positions, asked.epochs, strict=True):
            tile, some = self._tile(maker, asked, position % len(records), epoch, shown)
            tiles.append(tile)
            blobs += some
        said = Previewed(
            number=asked.number,
            n_images=len(records),
            tiles=tuple(tiles),
            facts=_facts(shown, maker),
            rows={} if asked.arrays else maker.remarks(shown),
        )
        return said, blobs

    def _tile(
        self, maker: Maker, asked: Preview, position: int, epoch: int, shown: list[Shown]
    ) -> tuple[dict[str, Any], list[bytes]]:
        """Return what is told of one image with its blobs, and add what is shown of it to ``shown``."""
        record = maker.images.records[position]
        told = {"position": position, "epoch": epoch, "file": record.file, "label": maker.label(record.labels)}
        try:
            one = maker.shown(position, epoch)
        except DataError as error:
            return {
                **told,
                "blobs": 0,
                "error": f"{error.what[:1].upper()}{error.what[1:]}. {error.advice}".strip(),
            }, []
        shown.append(one)
        size = {"height": one.pixels.shape[0], "width": one.pixels.shape[1]}
        told |= {"blobs": 2, "note": one.note, **size}
        if one.target is not None and one.partner is not None:
            told |= {"label": maker.shares(one.target), "partner": maker.images.records[one.partner].file}
        if asked.arrays:
            target = {} if one.target is None else {"target": one.target.tolist()}
            return {**told, **target, "pixels": list(one.input_chw.shape)}, [
                one.input_chw.contiguous().numpy().tobytes(),
                np.ascontiguousarray(one.pixels).tobytes(),
            ]
        after = encoded(maker.visible(one, raw=asked.raw), EDGE_PX)
        return told, [self._encoded(maker.images, position, one.pixels), after]

    def sets(self, asked: Preview, config: Config) -> Sets:
        """Return the lists of images; made anew where data set, split or the way to split have changed."""
        path, data = Path(asked.split), config.data
        changed = path.stat().st_mtime_ns if path.exists() else 0
        place = (str(asked.dataset), str(path), changed, data.val_ratio, data.test_ratio, data.split_seed)
        if self._sets is None or self._sets[0] != place:
            self._sets = (place, self._read_sets(asked, config, path))
            self._memory.clear()
            self._before.clear()
            self._colours = None
        return self._sets[1]

    @staticmethod
    def _read_sets(asked: Preview, config: Config, path: Path) -> Sets:
        recorded, data = assembly.recorded(asked.dataset, path.parents[1] / "datasets"), config.data
        choice: dict[str, Any] = {"val_ratio": data.val_ratio, "test_ratio": data.test_ratio, "seed": data.split_seed}
        split = splits.load(path) if path.exists() else recorded.found.split(**choice, name=path.stem)
        listing = recorded.listing
        places = split.places(listing)
        records = {name: tuple(listing.records[place] for place in places[name]) for name in splits.SETS}
        return Sets(listing.root, listing.classes, records)

    def remembering(self, images: Images) -> Remembering:
        """Give the images what has been decoded before."""
        known = cast(Remembering, images)
        known.memory = self._memory
        return known

    def normal(self, config: Config, sets: Sets) -> MeanStd:
        """Return mean and deviation as the trainer takes them; those of the data set are measured once."""
        normalisation, entry = config.normalisation, config.model.entry
        if normalisation.kind != "dataset":
            return normalisation.values(model=(entry.mean, entry.std))
        if self._colours is None:
            images = self.remembering(
                _inputs(config, sets).images(sets.root, sets.records["train"], "train", Remembering)
            )
            self._colours = cast(MeanStd, mean_and_spread(images))
        return normalisation.values(dataset=self._colours)

    def _encoded(self, images: Remembering, position: int, pixels: Pixels) -> bytes:
        place = images.version(position)
        if place not in self._before:
            self._before[place] = encoded(pixels, EDGE_PX)
            while len(self._before) > _KEPT_PICTURES:
                self._before.popitem(last=False)
        return self._before[place]


class Maker:
    """Makes what the model gets of the images of one part, under one configuration."""

    def __init__(self, pictures: Pictures, config: Config, sets: Sets, part: str) -> None:
        self.config, self.sets, self.training = config, sets, part == "train"
        records = sets.records[part]
        self.part: Literal["train", "val"] = "train" if self.training else "val"
        self.images = pictures.remembering(_inputs(config, sets).images(sets.root, records, self.part, Remembering))
        self.mean, self.std = pictures.normal(config, sets)
        self._prepare = Prepare(torch.device("cpu"), self.mean, self.std)
        mixer = config.augmentation.mixer(len(sets.classes)) if self.training else None
        self._mixer, self._orders = mixer, dict[int, list[int]]()

    def shown(self, position: int, epoch: int) -> Shown:
        """Return what the model gets of the image at ``position`` in ``epoch``; raises DataError."""
        epoch = epoch if self.training else 0  # validation draws the same numbers every time
        batch, pixels = self._read(position, epoch), self.images.read(position)
        input_chw = self._prepare(batch.images)[0]
        plain = Shown(position, epoch, pixels, batch.images[0], input_chw)
        return self._mixed(plain, batch) if self._mixer else plain

    def _read(self, position: int, epoch: int) -> Batch:
        """Return the image as a batch of one; a picture is of the image itself, so nothing stands in for it."""
        self.images.read(position)
        batch = self.images.__getitems__([(epoch, position)])
        if isinstance(batch, Failed):
            raise batch.error()
        return batch

    def _mixed(self, plain: Shown, batch: Batch) -> Shown:
        """Mix the image with its neighbour in the batch of the step that meets it, as that step does."""
        order = self._order(plain.epoch)
        if plain.position not in order:
            note = f"Not drawn in epoch {plain.epoch + 1}: shown without mixing."
            return replace(plain, note=note)
        size, slot = self._batch_size, order.index(plain.position)
        number, within = divmod(slot, size)
        before = order[number * size + (within - 1) % size]
        # A batch is mixed with itself moved on by one; what is drawn does not depend on how many images it has.
        other = self.images.__getitems__([(plain.epoch, before)])
        if isinstance(other, Failed):
            raise other.error()
        images_BCHW = self._prepare(torch.cat([other.images, batch.images]))
        seed_everything(self._step_key(plain.epoch, number, len(order) // size))
        assert self._mixer is not None
        mixed_BCHW, shares_BK = self._mixer(images_BCHW, torch.cat([other.targets, batch.targets]))
        undecided = self.config.training.batch is None
        note = f"Mixed as in batches of {size}: the size is auto, and not decided yet." if undecided else ""
        plain = replace(plain, input_chw=mixed_BCHW[1], note=note)
        return replace(plain, target=shares_BK[1], partner=int(other.positions[0]))

    @property
    def mixes(self) -> bool:
        """Whether images are mixed with others."""
        return self._mixer is not None

    @property
    def _batch_size(self) -> int:
        return min(self.config.training.batch or UNDECIDED_BATCH, len(self.images))

    def _order(self, epoch: int) -> list[int]:
        """Return the positions in the order in which the steps of ``epoch`` meet them."""
        if epoch not in self._orders:
            data, records = self.config.data, self.images.records
            steps = Steps(
                len(records),
                self._batch_size,
                seed=self.config.training.seed,
                shuffle=data.shuffle,
                start=epoch * (len(records) // self._batch_size),
                stop=(epoch + 1) * (len(records) // self._batch_size),
                shares=shares_of(records, data.sampler) if data.shuffle else None,
            )
            self._orders[epoch] = [position for places in steps for _, position in places]
        return self._orders[epoch]

    def _step_key(self, epoch: int, batch: int, batches: int) -> int:
        training = self.config.training
        step, place = divmod(batch, training.batch_multiplier)
        steps_per_epoch = -(-batches // training.batch_multiplier)
        return key(training.seed, Stream.STEP, epoch * steps_per_epoch + step, place)

    # -- for people ---------------------------------------------------------------------------------------------

    def visible(self, one: Shown, *, raw: bool) -> Pixels:
        """Return what the model gets as pixels H×W×3: with the normalisation taken back, or the numbers as greys."""
        image_chw = one.input_chw
        if raw:
            image_chw = (image_chw / _RAW_RANGE + 1) * 127.5
        else:
            mean_C11, std_C11 = (torch.tensor(v).reshape(-1, 1, 1) for v in (self.mean, self.std))
            image_chw = (image_chw * std_C11 + mean_C11) * 255
        return image_chw.round().clamp(0, 255).to(torch.uint8).permute(1, 2, 0).contiguous().numpy()

    def label(self, labels: Sequence[int]) -> str:
        """Return the names of an image's classes."""
        names = [self.sets.classes[label] for label in labels]
        return ", ".join(names[:_FEW_LABELS]) + ("…" if len(names) > _FEW_LABELS else "")

    def shares(self, target_K: Tensor) -> str:
        """Return the shares of the classes of a mixed image, the largest first."""
        told = sorted(((float(share), place) for place, share in enumerate(target_K) if share > 0), reverse=True)
        return ", ".join(f"{share:.0%} {self.sets.classes[place]}" for share, place in told[:_FEW_LABELS])

    def remarks(self, shown: Sequence[Shown]) -> dict[str, str]:
        """Return, by path, which step leaves nothing of some of the images: all their pixels are one colour."""
        lost = [one for one in shown if _is_one_colour(one.image_chw) and not _is_one_colour(_chw(one.pixels))]
        found: dict[str, int] = {}
        for one in lost:
            path = self._culprit(one)
            found[path] = found.get(path, 0) + 1
        of = f"of the {len(shown)} images of the preview"
        return {path: f"Leaves nothing but one colour of {n} {of}." for path, n in found.items()}

    def _culprit(self, one: Shown) -> str:
        """Return the path of the first step behind which the image is one colour: steps draw one after the other."""
        steps = getattr(self.config.augmentation, self.part)
        for number in range(len(steps)):
            until = self.config.augmentation.replace(**{self.part: steps[: number + 1]})
            inputs = _inputs(self.config.replace(augmentation=until), self.sets)
            batch = inputs.images(self.images.root, self.images.records, self.part).__getitems__(
                [(one.epoch, one.position)]
            )
            if not isinstance(batch, Failed) and _is_one_colour(batch.images[0]):
                return f"augmentation.{self.part}.{number}"
        return f"augmentation.{self.part}"


def _inputs(config: Config, sets: Sets) -> Inputs:
    return Inputs.of(config, len(sets.classes))


def _refuse_misfits(config: Config, part: str) -> None:
    wanted = "train" if part == "train" else "val"
    problems = [p for p in config.augmentation.problems(config.task.image_size) if p.path.startswith(f"{wanted}.")]
    if problems:
        raise ConfigError(problems)


def _told(problem: Problem) -> str:
    """Return a problem in words that name the step: "step 2: a crop of 224 px is larger than …"."""
    names = problem.path.split(".")
    step = next((int(name) + 1 for name in names if name.isdecimal()), None)
    return f"{problem.path}: {problem.message}" if step is None else f"step {step}: {problem.message}"


def _is_one_colour(image_chw: Tensor) -> bool:
    channels_CN = image_chw.reshape(image_chw.shape[0], -1)
    return bool((channels_CN.amin(1) == channels_CN.amax(1)).all())


def _chw(pixels: Pixels) -> Tensor:
    return torch.from_numpy(pixels).permute(2, 0, 1)


def _facts(shown: Sequence[Shown], maker: Maker) -> dict[str, Any]:
    facts: dict[str, Any] = {"mean": list(maker.mean), "std": list(maker.std), "mixed": maker.mixes}
    if shown:
        values = torch.cat([one.input_chw.reshape(3, -1) for one in shown], 1)
        facts |= {
            "size": list(shown[0].input_chw.shape),
            "lowest": round(float(values.min()), 3),
            "highest": round(float(values.max()), 3),
            "centre": round(float(values.mean()), 3),
            "spread": round(float(values.std()), 3),
        }
    return facts
