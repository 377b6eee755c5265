"""Problems: what a scan has found wrong, or odd, as rows for the person: which file, what, how bad, and its group.

Most follow from the looks, the groups and the records alone, and are worked out once, by the scan
(:func:`problems_of`). Which images lie in several sets hangs on the split, and is worked out when somebody asks
(:func:`leaks`). A problem whose file is left out of the data set stays on the list, as dealt with. It knows looks,
records and sets; it opens no file.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, NamedTuple

import numpy as np

from nbtrain.data.inspection.alike import NONE, Groups
from nbtrain.data.inspection.look import Look, Odd, wrong_ending
from nbtrain.data.records import Listing, Mark, Record, first

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")


class Kind(NamedTuple):
    """A kind of problem: what it is called, how bad it is, and what to do about it."""

    label: str
    severity: Severity
    advice: str


_LEAVE_OUT = "Replace the file, or leave it out."
KINDS: dict[str, Kind] = {
    "missing": Kind("Missing file", "error", "Bring the file back, or leave it out."),
    "no permission": Kind("No permission", "error", "Allow yourself to read the file, or leave it out."),
    "empty": Kind("Empty file", "error", _LEAVE_OUT),
    "no image": Kind("No image", "error", _LEAVE_OUT),
    "too large": Kind("Too large", "error", "Make it smaller, or leave it out."),
    "truncated": Kind("Cut off", "error", _LEAVE_OUT),
    "corrupt": Kind("Corrupt", "error", _LEAVE_OUT),
    "damaged": Kind("Damaged", "error", "Look at it: part of the picture is wrong. Replace the file, or leave it out."),
    "leak": Kind("In several sets", "error", "Leave all but one out, or split by groups."),
    "label conflict": Kind("Labelled differently", "error", "Correct the labels, or leave all but one out."),
    "equal": Kind("Equal files", "warning", "Leave all but one out."),
    "alike": Kind("Nearly equal", "warning", "Look at them, and leave all but one out if they show the same."),
    "wrong ending": Kind("Wrong ending", "warning", "It is read by its content; rename it for other programs."),
    "several frames": Kind("Several frames", "warning", "Only the first frame is used."),
    "shape": Kind("Extreme shape", "warning", "Cut it, or leave it out: of its shorter side a resize leaves nothing."),
    "above the range": Kind("Above the range", "warning", "Say which value is white: values=… of its source."),
    "16 bit": Kind("16 bits per colour", "note", "It is reduced to 8 bits."),
    "profile not used": Kind("Profile not used", "warning", "Convert it to sRGB, or add its images to a new data set."),
    "profile": Kind("Converted to sRGB", "note", "Other programs may show its colours paler, as they are stored."),
    "cmyk": Kind("Printer's colours", "note", "Its colours are converted; they may look different elsewhere."),
    "no end": Kind("Without an end", "note", "It is used: no pixel is missing. Save it again for other programs."),
    "turned": Kind("Turned by EXIF", "note", "It is turned upright; boxes are taken to be drawn on it as it is then."),
    "outside": Kind("Outside the image", "warning", "Correct the annotation."),
    "no area": Kind("Without area", "warning", "Correct or remove the annotation."),
    "few points": Kind("Too few corners", "warning", "Correct or remove the annotation."),
    "unreadable": Kind("Unreadable annotation", "warning", "Correct or remove the annotation."),
    "unknown class": Kind("Unknown class", "error", "Correct the label, or add the class."),
    "no label": Kind("No label", "note", "Label it, or leave it out."),
}  # fmt: skip
"""All kinds, the worst first."""

_ODD = {
    Odd.PROFILE: "profile", Odd.NO_PROFILE: "profile not used",
    Odd.DAMAGED: "damaged", Odd.ENDING: "wrong ending", Odd.ANIMATED: "several frames", Odd.SIXTEEN_BIT: "16 bit",
    Odd.NO_END: "no end",  Odd.CMYK: "cmyk", Odd.TURNED: "turned", Odd.EXCEEDED: "above the range",
}  # fmt: skip
_ODD_TEXT = {
    "several frames": "it has several frames or pages, of which the first is used",
    "above the range": "some of its values are above what is white in its source, and are white too",
    "16 bit": "it has more than 8 bits per colour",
    "cmyk": "its colours are cyan, magenta, yellow and black",
    "profile": "its colours are of another space than sRGB, as its profile says, and are converted",
    "profile not used": "its colours are taken for sRGB: its profile is broken or of other colours, or the data set is "
    "older than their use",
    "no end": "only the mark at its end is missing",
    "turned": "its pixels lie turned or mirrored, and EXIF says how",
}
_LONGEST, _LEAST_PX = 50, 4
"""Longer side by shorter side, and px of the shorter side, beyond which an image's shape is told."""
_SLACK_PX = 1.0
"""Annotation tools round: a box may reach this far over the edge."""
_LEAST_AREA_PX = 1e-6
_SIDES = {"box": 4, "rotated box": 5, "circle": 3}


@dataclass(frozen=True, slots=True)
class ImageProblem:
    """One problem with one file."""

    id: str
    """The same for the same problem in every scan."""
    kind: str
    """One of KINDS."""
    file: str
    text: str
    """What is wrong, in words, without the file's name."""
    severity: Severity
    group: str = ""
    """What the files that belong to one problem have in common; "" where one stands alone."""
    dealt_with: bool = False
    """Whether the file is left out of the data set."""

    @property
    def label(self) -> str:
        """What its kind is called."""
        return KINDS[self.kind].label

    @property
    def advice(self) -> str:
        """What to do about it."""
        return KINDS[self.kind].advice


class Problems(Sequence[ImageProblem]):
    """A list of problems, the worst kind first, in a kind those that belong together together."""

    def __init__(self, rows: Iterable[ImageProblem]) -> None:
        places = {kind: place for place, kind in enumerate(KINDS)}
        self._rows = tuple(sorted(rows, key=lambda row: (places[row.kind], row.group, row.file, row.id)))

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, place: Any) -> Any:
        return self._rows[place]

    def __repr__(self) -> str:
        told = ", ".join(f"{number} {kind}" for kind, number in self.counts().items())
        return f"<Problems {told or 'none'}>"

    def of(self, kind: str = "", *, open_only: bool = False) -> Problems:
        """Return those of one kind ("" for all), without those that are dealt with where ``open_only``."""
        return Problems(row for row in self._rows if kind in ("", row.kind) and not (open_only and row.dealt_with))

    def counts(self, *, open_only: bool = False) -> dict[str, int]:
        """Return the number of problems by kind, the worst kind first."""
        found = Counter(row.kind for row in self._rows if not (open_only and row.dealt_with))
        return {kind: found[kind] for kind in KINDS if found[kind]}

    @property
    def files(self) -> list[str]:
        """The files that have any problem, each once, in order."""
        return list(dict.fromkeys(row.file for row in self._rows))

    def without(self, files: Iterable[str]) -> Problems:
        """Return the list with those of ``files``, which are left out of the data set, as dealt with."""
        left_out = frozenset(files)
        return Problems(replace(row, dealt_with=row.file in left_out) for row in self._rows)

    def plain(self) -> list[dict[str, Any]]:
        """Return the rows as JSON can hold them."""
        return [asdict(row) for row in self._rows]


def parsed(rows: Iterable[Mapping[str, Any]]) -> Problems:
    """Return what :meth:`Problems.plain` has given; raises KeyError or TypeError for other things."""
    return Problems(ImageProblem(**row) for row in rows if row["kind"] in KINDS)


def problems_of(listing: Listing, looks: Sequence[Look], groups: Groups) -> Problems:
    """Return all problems that hang on no split; looks and groups are in the order of the listing's records."""
    rows: list[ImageProblem] = []
    for record, look in zip(listing.records, looks, strict=True):
        rows += _of_look(look)
        rows += _of_labels(record, look, len(listing.classes))
    rows += [_row(doubt.kind, doubt.file, doubt.text, detail=doubt.text) for doubt in listing.doubts]
    return Problems([*rows, *_of_groups(listing, looks, groups)])


def leaks(files: Sequence[str], groups: Groups, sets: Mapping[str, Sequence[str]]) -> Problems:
    """Return the images that lie in several of the ``sets`` (files by name of the set), as equal or alike copies."""
    home = {file: name for name, members in sets.items() for file in members}
    rows: list[ImageProblem] = []
    for how, numbers in (("the very same file", groups.equal), ("the same picture", groups.alike)):
        for places in _members(numbers):
            held = [files[place] for place in places if files[place] in home]
            homes = {home[file] for file in held}
            if len(homes) > 1:
                rows += [_leak(file, how, held, home) for file in held]
    # Equal files are alike too: what is known to be the very same file is said once.
    return Problems({row.file: row for row in reversed(rows)}.values())


def _leak(file: str, how: str, held: Sequence[str], home: Mapping[str, str]) -> ImageProblem:
    others = [f"{other} ({home[other]})" for other in held if home[other] != home[file]]
    return _row("leak", file, f"it is in {home[file]}, and {how} is {first(others, 3)}", group=_name(held))


# ---------------------------------------------------------------------- one file


def _row(kind: str, file: str, text: str, *, group: str = "", detail: str = "") -> ImageProblem:
    key = f"{kind}\0{file}\0{detail}".encode(errors="surrogateescape")
    number = hashlib.blake2b(key, digest_size=6).hexdigest()
    return ImageProblem(number, kind, file, text, KINDS[kind].severity, group)


def _of_look(look: Look) -> Iterator[ImageProblem]:
    if look.trouble:
        yield _row(look.trouble, look.file, look.text)
        return
    shorter, longer = sorted((look.width, look.height))
    if longer > _LONGEST * shorter or shorter < _LEAST_PX:
        yield _row("shape", look.file, f"it is {look.width} × {look.height} px")
    for bit, kind in _ODD.items():
        if look.odd & bit:
            text = look.text if kind == "damaged" else wrong_ending(look) if kind == "wrong ending" else _ODD_TEXT[kind]
            yield _row(kind, look.file, text)


def _of_labels(record: Record, look: Look, n_classes: int) -> Iterator[ImageProblem]:
    if not record.labels and not record.marks:
        yield _row("no label", record.file, "it has no label")
    labels = {*record.labels, *(mark.label for mark in record.marks)}
    for label in sorted(label for label in labels if not 0 <= label < n_classes):
        text = f"it has the class number {label}, and the classes are numbered 0 to {n_classes - 1}"
        yield _row("unknown class", record.file, text, detail=str(label))
    for place, mark in enumerate(record.marks):
        kind, text = _of_mark(mark, look)
        if kind:
            yield _row(kind, record.file, f"{mark.kind} {place + 1}: {text}", detail=str(place))


def _of_mark(mark: Mark, look: Look) -> tuple[str, str]:
    """Return the kind of problem with a mark, and what it is; two empty texts where there is none."""
    points = mark.points
    if mark.kind == "mask":
        return "", ""
    if mark.kind == "polygon" and len(points) < 6:
        return "few points", f"it has {len(points) // 2} corners, and a polygon needs three"
    if len(points) != _SIDES.get(mark.kind, len(points) // 2 * 2):
        return "few points", f"it has {len(points)} numbers"
    if not all(np.isfinite(points)):
        return "outside", "its place is not a number"
    if _area(mark) <= _LEAST_AREA_PX:
        return "no area", "it covers nothing"
    x0, y0, x1, y1 = _bounds(mark)
    edges = x0 >= -_SLACK_PX and y0 >= -_SLACK_PX and x1 <= look.width + _SLACK_PX and y1 <= look.height + _SLACK_PX
    if look.usable and not edges:
        place = f"x {x0:g} to {x1:g}, y {y0:g} to {y1:g}"
        return "outside", f"it reaches over the edge ({place}) of an image of {look.width} × {look.height} px"
    return "", ""


def _area(mark: Mark) -> float:
    if mark.kind == "circle":
        return max(0.0, mark.points[2])
    if mark.kind == "rotated box":
        return max(0.0, mark.points[2]) * max(0.0, mark.points[3])
    if mark.kind == "box":
        return max(0.0, mark.points[2] - mark.points[0]) * max(0.0, mark.points[3] - mark.points[1])
    x, y = np.array(mark.points[0::2]), np.array(mark.points[1::2])
    return abs(float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1)))) / 2


def _bounds(mark: Mark) -> tuple[float, float, float, float]:
    """Return left, top, right and bottom; of a rotated box its centre's, since its corners may well stand out."""
    points = mark.points
    if mark.kind == "circle":
        return points[0] - points[2], points[1] - points[2], points[0] + points[2], points[1] + points[2]
    if mark.kind == "rotated box":
        return points[0], points[1], points[0], points[1]
    x, y = points[0::2], points[1::2]
    return min(x), min(y), max(x), max(y)


# ---------------------------------------------------------------------- files that belong together


def _of_groups(listing: Listing, looks: Sequence[Look], groups: Groups) -> Iterator[ImageProblem]:
    labels = [_labels(listing, record) for record in listing.records]
    for places in _members(groups.equal):
        held = [looks[place].file for place in places]
        differ = len({labels[place] for place in places}) > 1
        for place in places:
            others = [other for other in held if other != looks[place].file]
            yield _row("equal", looks[place].file, f"the very same file is {first(others, 3)}", group=_name(held))
            if differ:
                said = [f"{looks[p].file} is {labels[p] or 'nothing'}" for p in places if labels[p] != labels[place]]
                text = f"it is labelled {labels[place] or 'nothing'}, and the very same file {first(said, 3)}"
                yield _row("label conflict", looks[place].file, text, group=_name(held))
    for places in _members(groups.alike):
        held = [looks[place].file for place in places]
        note = ", with different labels" if len({labels[place] for place in places}) > 1 else ""
        for place in places:
            equal = groups.equal[place]
            others = [looks[p].file for p in places if p != place and (equal == NONE or groups.equal[p] != equal)]
            text = f"it shows the same as {first(others, 3)}{note}"
            yield _row("alike", looks[place].file, text, group=_name(held))


def _labels(listing: Listing, record: Record) -> str:
    known = range(len(listing.classes))
    return ", ".join(sorted({listing.classes[label] if label in known else str(label) for label in record.labels}))


def _members(numbers: Any) -> Iterable[list[int]]:
    found = defaultdict[int, list[int]](list)
    for place in np.flatnonzero(numbers != NONE).tolist():
        found[int(numbers[place])].append(place)
    return found.values()


def _name(files: Sequence[str]) -> str:
    return hashlib.blake2b(min(files).encode(errors="surrogateescape"), digest_size=4).hexdigest()
