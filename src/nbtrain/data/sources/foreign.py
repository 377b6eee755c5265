"""Foreign formats: what nbtrain does not read, recognised by its signs, so that a message can name it and the way on.

A file is looked into for its first bytes alone. This file knows signs; what is read stands in a file of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from nbtrain.data.sources.base import names_in
from nbtrain.files import ordinary

_PEEKED_BYTES = 1 << 16
_LOOKED_INTO = 5
"""Files of a folder that are looked into, of each ending."""
_COCO = "Export it as COCO, and give that file."
_FOLDERS = "Save the images into one folder per class, or beside a CSV file with their labels."


@dataclass(frozen=True)
class Foreign:
    """A format that is not read."""

    name: str
    advice: str
    endings: tuple[str, ...]
    signs: tuple[bytes, ...] = ()
    """Patterns that all stand in the first bytes; without any, the ending is enough."""

    def fits(self, name: str, head: bytes) -> bool:
        """Return whether a file of this name that begins so is of this format."""
        return name.lower().endswith(self.endings) and all(re.search(sign, head) for sign in self.signs)


FORMATS = (
    Foreign(
        "LabelMe",
        "Convert it to COCO (labelme2coco does), and give that file.",
        (".json",),
        (rb'"shapes"\s*:', rb'"imagePath"\s*:'),
    ),
    Foreign("VoTT", _COCO, (".json", ".vott"), (rb'"asset"\s*:', rb'"regions"\s*:')),
    Foreign(
        "the VGG Image Annotator (VIA)",
        _COCO,
        (".json",),
        (rb'"(_via_img_metadata|regions|region_attributes)"\s*:', rb'"(filename|_via_settings)"'),
    ),
    Foreign("CreateML", _COCO, (".json",), (rb'"annotations?"\s*:', rb'"coordinates"\s*:\s*\{')),
    Foreign("Labelbox", _COCO, (".json", ".ndjson"), (rb'"data_row"|"Labeled Data"',)),
    Foreign("CVAT", "Export the task as “COCO 1.0”, and give that file.", (".xml",), (rb"<annotations[\s>]",)),
    Foreign("TensorFlow (TFRecord)", _FOLDERS, (".tfrecord", ".tfrecords", ".tfrec")),
    Foreign("LMDB", _FOLDERS, (".mdb", ".lmdb")),
    Foreign("HDF5", _FOLDERS, (".h5", ".hdf5")),
    Foreign("NumPy", _FOLDERS, (".npz", ".npy")),
    Foreign("MATLAB", _FOLDERS, (".mat",)),
    Foreign("Python (pickle)", f"Pickles can run code and are never opened. {_FOLDERS}", (".pkl", ".pickle", ".pt")),
    Foreign("WebDataset", _FOLDERS, (".cls", ".cls.txt")),
    Foreign("Excel", "Save the sheet as CSV, and give that file.", (".xlsx", ".xls", ".ods")),
)
"""In the order in which they are tried."""


def recognised(path: Path) -> Foreign | None:
    """Return the format that ``path`` is, or that a file in it is; None where no sign of one is seen."""
    if path.is_file():
        return _of(path)
    names = names_in(path)
    looked = [name for ending in _endings() for name in [n for n in names if n.lower().endswith(ending)][:_LOOKED_INTO]]
    return next((found for name in dict.fromkeys(looked) if (found := _of(path / name))), None)


def _endings() -> Iterable[str]:
    return dict.fromkeys(ending for known in FORMATS for ending in known.endings)


def _of(file: Path) -> Foreign | None:
    try:
        with open(file, "rb", opener=ordinary) as opened:
            head = opened.read(_PEEKED_BYTES)
    except OSError:
        return None
    return next((known for known in FORMATS if known.fits(file.name, head)), None)
