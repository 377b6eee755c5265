"""Own Datasets: a torch Dataset of the person's, by import path, whose images are written once as PNG files.

Its code is the person's, and may load torch: ``prepare`` runs it, and belongs in a process of its own (``foreign``).
Whoever only reads what was written (``listing``) imports nothing. Items are pairs of an image (PIL, array or tensor)
and a label (a class, its number, several of them, or a row of 0 and 1).
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import io
import math
import re
import sys
import sysconfig
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import orjson
from PIL import Image as Pillow

from nbtrain import files as disk
from nbtrain.data import unpack
from nbtrain.data.names import clean_name
from nbtrain.data.records import Listing, counted, first
from nbtrain.data.scan import Interrupted, Progress, Stopped, Ticker
from nbtrain.data.sources.base import Source, unplaced
from nbtrain.data.sources.cells import Values
from nbtrain.data.sources.census import unnamed
from nbtrain.data.sources.gathering import Gathering
from nbtrain.data.sources.named import Files
from nbtrain.errors import DataError
from nbtrain.schema import field

_NAMES = "names.json"
_OTHERS = (str(Path(__file__).parents[2]), sysconfig.get_path("stdlib"), sysconfig.get_path("purelib"), "<frozen")
"""How the files begin whose lines are not the person's."""
_IMPORT_PATH = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")


class DatasetClass(Source, kind="dataset class", label="Own Dataset"):
    """A torch Dataset of your own, as package.module:name: an object, or what makes one when it is called."""

    layout = "the name of a Dataset of your own, as package.module:name"
    foreign: ClassVar[bool] = True

    folder: str = field("", label="Folder of the module")
    """Folder that the module is imported from; empty uses what is installed."""
    unpacked: str = field("", label="Written into", advanced=True)
    """Folder that the images are written into; they are written once, until it is removed."""

    @classmethod
    def claims(cls, path: Path) -> bool:
        """Return False: it is no path, and ``detect`` knows it by its colon."""
        return False

    @classmethod
    def means(cls, text: str) -> bool:
        """Return whether ``text`` is an import path such as ``package.module:name``."""
        return _IMPORT_PATH.fullmatch(text) is not None

    def placed(self, folder: Path) -> Self:
        """Return the source with its place below ``folder``, unless it has one."""
        here = Path.cwd()  # whoever prepares it may run elsewhere
        top = self.path.partition(":")[0].partition(".")[0]
        made = self if self.folder or not _module_in(here, top) else self.set("folder", str(here))
        return made if made.unpacked else made.set("unpacked", str(unpack.place(Path(self.path), folder)))

    def ready(self) -> bool:
        """Return whether the images are written."""
        return bool(self.unpacked) and unpack.known(self._into(), self.path) is not None

    def preview(self) -> Listing:
        """Return the listing where the images are written; else where its code lies: none of it is run here."""
        if self.ready():
            return self.listing()
        place = self._place()
        shown = place.relative_to(Path.cwd()) if place.is_relative_to(Path.cwd()) else place
        told = f"Its code in {shown} runs when it is added, once and in a process of its own, which writes the images."
        return Listing(place, (), (), notes=(told,))

    def _place(self) -> Path:
        """Return the file or folder of the module, found without importing anything; raises DataError for none."""
        top = self.path.partition(":")[0].partition(".")[0]
        found = _module_in(Path(self.folder).expanduser(), top) if self.folder else None
        if found is None:
            with contextlib.suppress(ImportError, ValueError):
                spec = importlib.util.find_spec(top)
                found = Path(spec.origin) if spec and spec.origin else None
        if found is not None:
            return found
        where = self.folder or Path.cwd()
        advice = f"Install it, or name its folder: folder=…; it is looked for in {where} and among what is installed."
        raise DataError("there is no such module", value=top, advice=advice)

    def prepare(self, progress: Progress = lambda _: None, stopped: Stopped = lambda: False) -> None:
        """Import the Dataset and write its images; raises DataError saying what it does not do."""
        unpack.once(self._into(), self.path, lambda folder: self._write(folder, progress, stopped))

    def listing(self) -> Listing:
        """Return the images in the order of the Dataset, from what was written; nothing is imported."""
        done = unpack.known(self._into(), self.path)
        if done is None:
            advice = f"Write them once with: nbtrain images {self.path} --unpack {self.unpacked}"
            raise DataError("the images of this Dataset are not written yet", value=self.path, advice=advice)
        plain = orjson.loads(disk.content(done.folder / _NAMES))
        gathering = Gathering(Files(done.folder, self.path), "item")
        for file, labels in plain["images"]:
            image = gathering.image(file)
            if image is not None:
                image.labels.update(labels)
        gathering.note(*done.notices)
        gathering.tally.add("row", f"of {self.path} that cannot be used", *plain.get("failed", ()))
        return gathering.listing(done.folder, plain["classes"] or None, done.folder, unnamed(self.path), {".json"})

    def _into(self) -> Path:
        if not self.unpacked:
            raise unplaced(self.path)
        return Path(self.unpacked).expanduser()

    def _write(self, folder: Path, progress: Progress, stopped: Stopped) -> tuple[str, ...]:
        with _importing(self.folder):
            dataset = _made(self.path)
            n_items = _length(dataset, self.path)
            classes = _classes(dataset)
            writer = unpack.Writer(folder, unpack.fitting(unpack.Limits(), folder), stopped=stopped)
            told, written, failed = Ticker(progress, stopped, n_items, "images"), list[Any](), list[str]()
            for number in range(n_items):
                try:
                    data, labels = _item(dataset[number], classes)
                except (Interrupted, MemoryError):
                    raise
                except Exception as error:  # noqa: BLE001 - the person's own code may raise anything
                    failed.append(f"{number} ({_words(error)})"[:300])
                else:
                    written.append((writer.write(f"images/{number:08}.png", io.BytesIO(data)), labels))
                writer.share = (number + 1) / n_items
                told.at(number + 1)
        if not written:
            advice = "An item is a pair of an image and a label."
            lost = f"{counted(len(failed), 'item', 'items')} of {self.path} cannot be used: {first(failed, 3)}"
            raise DataError(lost if failed else "the Dataset is empty", advice=advice)
        names = {"classes": classes, "images": written, "failed": failed}
        disk.write_atomic(folder / _NAMES, orjson.dumps(names), durable=False)
        return ()


def _module_in(folder: Path, name: str) -> Path | None:
    """Return the file, or the folder, of a module directly inside ``folder``."""
    places = (folder / f"{name}.py", folder / name / "__init__.py", folder / name)
    return next((place for place in places[:2] if place.is_file()), places[2] if places[2].is_dir() else None)


@contextlib.contextmanager
def _importing(folder: str) -> Iterator[None]:
    """Let modules be imported from ``folder`` for a while."""
    if not folder:
        yield
        return
    sys.path.insert(0, str(Path(folder).expanduser()))
    try:
        yield
    finally:
        sys.path.pop(0)


def _made(path: str) -> Any:
    """Return the Dataset of an import path; raises DataError with what its code says."""
    module, _, name = path.partition(":")
    try:
        found: Any = importlib.import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
        return found if not isinstance(found, type) and hasattr(found, "__getitem__") else found()
    except (Exception, SystemExit) as error:
        told = f"the Dataset cannot be made ({_words(error)})"[:400]
        advice = "Give package.module:name of a Dataset, or of something that makes one when called without arguments."
        raise DataError(told, value=path, advice=advice) from error


def _words(error: BaseException) -> str:
    """Return an error's own words, and the line of the person's code that it comes from."""
    told = f"{type(error).__name__}: {error}"
    if isinstance(error, SyntaxError):  # says file and line itself
        return told
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith(_OTHERS)]
    return f"{told}; {Path(frames[-1].filename).name}, line {frames[-1].lineno}" if frames else told


def _length(dataset: Any, path: str) -> int:
    try:
        return len(dataset)
    except (AttributeError, NotImplementedError, TypeError):
        advice = "Give it __len__ and __getitem__; one that only streams has to be saved first."
        raise DataError("the Dataset has no length", value=path, advice=advice) from None


def _classes(dataset: Any) -> list[str]:
    """Return the names of the classes where the Dataset, or the one that it is a part of, says them."""
    while dataset is not None:
        names = getattr(dataset, "classes", None)
        if isinstance(names, Sequence) and not isinstance(names, str):
            return [clean_name(name) for name in names]
        dataset = getattr(dataset, "dataset", None)
    return []


def _item(item: Any, classes: list[str]) -> tuple[bytes, list[str]]:
    """Return an item's image as PNG, and its labels; raises ValueError where it is something else."""
    image, label = (item["image"], item.get("label")) if isinstance(item, dict) else (item[0], item[1])
    buffer = io.BytesIO()
    _picture(image).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue(), _labels(label, classes)


def _picture(image: Any) -> Pillow.Image:
    if isinstance(image, Pillow.Image):
        return image if image.mode in ("L", "RGB", "RGBA", "I;16") else image.convert("RGB")
    tensor = hasattr(image, "numpy")
    pixels = np.asarray(image.detach().cpu().numpy() if hasattr(image, "detach") else image)
    if pixels.ndim == 3 and tensor and pixels.shape[0] in (1, 3, 4):  # tensors have their colours first
        pixels = pixels.transpose(1, 2, 0)
    if pixels.ndim == 3 and pixels.shape[2] == 1:
        pixels = pixels[:, :, 0]
    if pixels.dtype.kind == "f":
        if pixels.size == 0 or not (pixels.min() >= 0 and pixels.max() <= 1):
            raise ValueError("an image of floats must lie between 0 and 1; leave normalisation to nbtrain")
        pixels = (pixels * 255).round().astype(np.uint8)
    if pixels.dtype != np.uint8 or pixels.ndim not in (2, 3):
        raise ValueError(f"no image: an array of {pixels.dtype} with shape {pixels.shape}")
    return Pillow.fromarray(np.ascontiguousarray(pixels))


def _labels(label: Any, classes: list[str]) -> list[str]:
    if label is None or isinstance(label, str) or (isinstance(label, float) and math.isnan(label)):
        return list(filter(None, (Values().name(label),)))
    if isinstance(label, list | tuple) and all(isinstance(one, str) for one in label):
        return list(filter(None, map(Values().name, label)))
    values = np.asarray(label.detach().cpu().numpy() if hasattr(label, "detach") else label)
    fits = values.ndim == 1 and len(values) == len(classes) and set(values.tolist()) <= {0, 1}
    # [0, 1] of two classes says both; an array or tensor is a row, as losses take it.
    row = fits and (hasattr(label, "dtype") or values.dtype.kind in "fb" or len(set(values.tolist())) < len(values))
    numbers = np.flatnonzero(values) if row else np.atleast_1d(values)
    if numbers.dtype.kind not in "iub":
        raise ValueError(f"no label: {label!r}")
    return [classes[n] if classes else str(n) for n in map(int, numbers)]
