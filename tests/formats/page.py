"""The page docs/formats.md: every situation that the tests try, as a table (``make docs``)."""

from __future__ import annotations

from formats import annotated, hidden, labels, moved, sets, tables, yolo
from formats.frame import Situation

CHAPTERS: dict[str, list[Situation]] = {
    "Sets": sets.SITUATIONS,
    "Labels in tables": labels.SITUATIONS,
    "Names of files that were written elsewhere": moved.SITUATIONS,
    "Tables as files": tables.WRITTEN,
    "Columns of tables": [*tables.CHOSEN, *hidden.BOXES],
    "Parquet and Hugging Face": tables.PACKED,
    "YOLO": yolo.SITUATIONS,
    "COCO": annotated.IN_COCO,
    "Pascal VOC": annotated.IN_VOC,
    "Label Studio": annotated.IN_STUDIO,
    "PNG masks": tables.MASKS,
    "Image folders, and what lies among the images": [*hidden.BESIDE, *hidden.APART, *hidden.LINKS],
    "Archives": hidden.ARCHIVES,
    "Formats that are not read": hidden.FOREIGN,
}
SITUATIONS = [situation for chapter in CHAPTERS.values() for situation in chapter]

_HEAD = """# Formats

What nbtrain makes of files as people have them: {n} situations, each made for real and compared with this page by
`tests/formats`. The words of the last column are the values that the test checks: classes with their number of images,
“none of them” for images that show no class, sets, what is drawn, and the sentences that are said. `make docs` writes
this page.
"""


def page() -> str:
    """Return the page; situations that wait for something are not on it."""
    told = [_HEAD.format(n=sum(not situation.waits for situation in SITUATIONS))]
    for name, situations in CHAPTERS.items():
        rows = [situation.row() for situation in situations if not situation.waits]
        told.append("\n".join((f"## {name}\n", "| Format | Situation | What happens |", "|---|---|---|", *rows)) + "\n")
    return "\n".join(told)


if __name__ == "__main__":
    print(page(), end="")
