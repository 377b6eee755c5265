"""Foreign formats: what nbtrain does not read, recognised by its signs, so that a message can name it and the way on.

A file is looked into for its first bytes alone. This file knows signs; what is read stands in a file of its own.
"""

from __future__ import annotations

import contextlib
import os
import re
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from nbtrain.data.sources.base import names_in
from nbtrain.files import ordinary

_PEEKED_BYTES = 1 << 16
_LOOKED_INTO = 5
"""Files of a folder that are looked into, of each ending."""
_INNER = 8
"""Folders that are looked into, at each of two depths."""
_COCO = "Export it as COCO, and give that file."
_TABLE = "Save it as a CSV file with the columns file and label, and download its images."
_SLICES = "Convert it to PNG or TIFF, one file for each image or slice."
_FOLDERS = "Save the images into one folder per class, or beside a CSV file with their labels."


@dataclass(frozen=True)
class Foreign:
    """A format that is not read."""

    name: str
    advice: str
    endings: tuple[str, ...] = ()
    signs: tuple[bytes, ...] = ()
    """Patterns that all stand in the first bytes; without any, the ending is enough."""
    names: str = ""
    """Pattern of whole names, for files whose endings say nothing."""

    def may_be(self, name: str) -> bool:
        """Return whether a file of this name may be of this format."""
        return name.lower().endswith(self.endings) or bool(self.names and re.fullmatch(self.names, name.lower()))

    def fits(self, name: str, head: bytes) -> bool:
        """Return whether a file of this name that begins so is of this format."""
        return self.may_be(name) and all(re.search(sign, head) for sign in self.signs)


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
    Foreign(
        "COCO's results, what a model has detected",
        "Give the ground truth: the file with images, annotations and categories.",
        (".json",),
        (rb"\A\s*\[\s*\{", rb'"image_id"\s*:', rb'"category_id"\s*:'),
    ),
    Foreign("Labelbox", _COCO, (".json", ".ndjson"), (rb'"data_row"|"Labeled Data"',)),
    Foreign("Supervisely", _COCO, (".json",), (rb'"classTitle"\s*:|"classes"\s*:\s*\[\s*\{[^}]*"title"\s*:',)),
    Foreign("Datumaro", _COCO, (".json",), (rb'"categories"\s*:\s*\{', rb'"items"\s*:')),
    Foreign("V7 Darwin", _COCO, (".json",), (rb'"schema_ref"\s*:|"team"\s*:\s*\{', rb'"item"\s*:')),
    Foreign(
        "KITTI",
        "Convert the labels to COCO or YOLO.",
        (".txt",),
        (rb"\A[A-Za-z_]+ -?\d+(\.\d+)? -?\d( -?\d+(\.\d+)?){12}",),
    ),
    Foreign("DOTA", "Convert the labels to COCO.", (".txt",), (rb"(?m)^(-?\d+(\.\d+)? ){8}[A-Za-z][\w-]* [012]\s*$",)),
    Foreign("Amazon SageMaker (a manifest)", _TABLE, (".manifest", ".jsonl"), (rb'"source-ref"\s*:',)),
    Foreign("Google's Vertex AI", _TABLE, (".jsonl",), (rb'"imageGcsUri"\s*:',)),
    Foreign(
        "one image's annotations (Pascal VOC)",
        "Give the folder that holds all of the XML files, or the one that holds Annotations and JPEGImages.",
        (".xml",),
        (rb"<annotation[\s>]", rb"<(filename|object)>"),
    ),
    Foreign("CVAT", "Export the task as “COCO 1.0”, and give that file.", (".xml",), (rb"<annotations[\s>]",)),
    Foreign(
        "TensorFlow (TFRecord)",
        _FOLDERS,
        (".tfrecord", ".tfrecords", ".tfrec"),
        names=r".*\.tfrecords?-[0-9]+-of-[0-9]+",
    ),
    Foreign("CIFAR (Python)", _FOLDERS, names=r"data_batch_[0-9](\.bin)?|test_batch(\.bin)?|batches\.meta(\.txt)?"),
    Foreign("MNIST (idx)", _FOLDERS, names=r".*-(images|labels)[-.]idx[13]-ubyte(\.gz)?"),
    Foreign("LMDB", _FOLDERS, (".mdb", ".lmdb")),
    Foreign("HDF5", _FOLDERS, (".h5", ".hdf5")),
    Foreign("NumPy", _FOLDERS, (".npz", ".npy")),
    Foreign("MATLAB", _FOLDERS, (".mat",)),
    Foreign("Python (pickle)", f"Pickles can run code and are never opened. {_FOLDERS}", (".pkl", ".pickle", ".pt")),
    Foreign("WebDataset", _FOLDERS, (".cls", ".cls.txt")),
    Foreign(
        "a list of images in plain text",
        "Save it as CSV, with a first line that names the columns: file,label.",
        (".txt", ".lst"),
        (rb"(?im)\A(#.*\n)?\S+\.(jpe?g|png|bmp|webp|tiff?)[ \t,;]+\S+",),
    ),
    Foreign("Excel", "Save the sheet as CSV, and give that file.", (".xlsx", ".xls", ".ods")),
    Foreign("DICOM", _SLICES, (".dcm", ".dicom"), names=r"dicomdir"),
    Foreign("NIfTI", _SLICES, (".nii", ".nii.gz")),
    Foreign("a microscope's scan of a slide", _SLICES, (".svs", ".ndpi", ".mrxs", ".czi", ".scn")),
    Foreign("SQLite", "Save its table as CSV, and its images as files.", (".sqlite", ".sqlite3", ".db")),
    Foreign(
        "a video", "Save single images of it, such as one for each second.", (".mp4", ".avi", ".mov", ".mkv", ".webm")
    ),
    Foreign("PDF", "Save its pages or pictures as images.", (".pdf",)),
    Foreign("an archive that is not unpacked here", "Unpack it, and give its folder.", (".rar", ".7z", ".zst", ".lz4")),
    Foreign(
        "raw images of a camera", "Convert them to JPEG or TIFF.", (".cr2", ".cr3", ".nef", ".arw", ".dng", ".orf")
    ),
)
"""In the order in which they are tried."""
JSON_BESIDE = Foreign("WebDataset, or of another tool that puts a JSON file beside each image", _FOLDERS)
"""What it is called where JSON files of no known sign have the names of images."""


def recognised(path: Path) -> Foreign | None:
    """Return the format that ``path`` is, or that a file in it is; None where no sign of one is seen."""
    if path.is_file():
        return _of(path)
    inner = _folders(path)
    places = (path, *inner, *(deeper for folder in inner for deeper in _folders(folder)))
    return next((found for place in places if (found := _inside(place))), None)


def among(folder: Path, endings: tuple[str, ...]) -> Foreign | None:
    """Return the format of the first files in ``folder``, or deeper, that end so; None where they are of none known."""
    looked, waiting = 0, [folder]
    while waiting and looked < _LOOKED_INTO:
        inner = list[Path]()
        with contextlib.suppress(OSError), os.scandir(waiting.pop(0)) as entries:
            for entry in entries:
                if entry.name.lower().endswith(endings):
                    looked += 1
                    if found := _of(Path(entry.path)):
                        return found
                    if looked >= _LOOKED_INTO:
                        break
                elif len(waiting) + len(inner) < _INNER * _INNER and "." not in entry.name and entry.is_dir():
                    inner.append(Path(entry.path))
        waiting += inner
    return None


def _folders(path: Path) -> list[Path]:
    return list(islice((path / name for name in names_in(path) if (path / name).is_dir()), _INNER))


def _inside(folder: Path) -> Foreign | None:
    """Return the format of the first files in a folder that may be of one."""
    names = names_in(folder)
    looked = [name for known in FORMATS for name in islice(filter(known.may_be, names), _LOOKED_INTO)]
    return next((found for name in dict.fromkeys(looked) if (found := _of(folder / name))), None)


def _of(file: Path) -> Foreign | None:
    try:
        with open(file, "rb", opener=ordinary) as opened:
            head = opened.read(_PEEKED_BYTES)
    except OSError:
        return None
    return next((known for known in FORMATS if known.fits(file.name, head)), None)
