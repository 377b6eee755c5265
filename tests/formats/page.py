"""The page docs/formats.md: every situation that is tested, as a table (``make docs``)."""

from __future__ import annotations

from formats import annotated, hidden, labels, moved, sets, tables, yolo

CHAPTERS = {"Sets": sets.SITUATIONS, "Labels": labels.SITUATIONS, "Moved": moved.SITUATIONS, "YOLO": yolo.SITUATIONS, "Annotated": annotated.SITUATIONS, "Hidden": hidden.SITUATIONS, "Tables": tables.SITUATIONS}
SITUATIONS = [situation for chapter in CHAPTERS.values() for situation in chapter]
