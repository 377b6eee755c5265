"""Drawn: columns of a table that say where objects lie, and not what images show: corners of boxes, outlines, masks.

Trackers, exporters and competitions write them in many spellings, a row for each object. They are not used, and never
taken for labels or for something else that is known of an image. This file knows names of columns alone.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_CORNERS = (
    ("xmin", "ymin", "xmax", "ymax"),
    ("x1", "y1", "x2", "y2"),
    ("x0", "y0", "x1", "y1"),
    ("left", "top", "right", "bottom"),
    ("roix1", "roiy1", "roix2", "roiy2"),
    ("left", "top", "width", "height"),
    ("x", "y", "w", "h"),
    ("x", "y", "width", "height"),
    ("cx", "cy", "w", "h"),
    ("cx", "cy", "width", "height"),
    ("xc", "yc", "w", "h"),
    ("xcenter", "ycenter", "width", "height"),
    ("xcenter", "ycenter", "w", "h"),
    ("bboxx", "bboxy", "bboxw", "bboxh"),
    ("bboxx", "bboxy", "bboxwidth", "bboxheight"),
    ("bboxxmin", "bboxymin", "bboxxmax", "bboxymax"),
    ("bboxx1", "bboxy1", "bboxx2", "bboxy2"),
)
"""Four columns that give a box together, by their letters and digits alone."""
_WHOLE = {
    **dict.fromkeys(("bbox", "bboxes", "box", "boxes", "boundingbox", "boundingboxes", "predictionstring"), "boxes"),
    **dict.fromkeys(("polygon", "polygons", "segmentation", "outline", "points"), "outlines"),
    **dict.fromkeys(("encodedpixels", "rle", "maskrle", "rlemask"), "masks"),
    **dict.fromkeys(("keypoints", "landmarks"), "points"),
}
"""Columns that hold all of an object in one cell, and what that is."""


def drawn_columns(columns: Sequence[str]) -> dict[str, str]:
    """Return the columns that say where objects lie, and what each holds: "boxes", "outlines", "masks", "points"."""
    by_key: dict[str, str] = {}
    for column in columns:
        by_key.setdefault(re.sub(r"[\W_]+", "", column).lower(), column)
    found = {column: _WHOLE[key] for key, column in by_key.items() if key in _WHOLE}
    for corners in _CORNERS:
        if all(corner in by_key for corner in corners):
            return found | {by_key[corner]: "boxes" for corner in corners}
    return found


def told(drawn: dict[str, str]) -> tuple[str, ...]:
    """Return that these columns are not used, a sentence for each kind of thing that they hold."""
    sentences = []
    for kind in dict.fromkeys(drawn.values()):
        *names, last = (column for column, held in drawn.items() if held == kind)
        are = f"The columns {', '.join(names)} and {last} hold" if names else f"The column {last} holds"
        sentences.append(
            f"{are} {kind}, which are not used: an image gets the classes of all its rows. To use them, give them as "
            "COCO, YOLO or Pascal VOC."
        )
    return tuple(sentences)
