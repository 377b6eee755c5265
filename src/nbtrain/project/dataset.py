"""One data set from code: ``data = project.dataset("cats")``, then look at it, add to it, edit it, split it.

What is said of images and classes goes into the journal of edits beside the data set's file, never into the images' own
folder, and can be taken back. It knows sources and the history; what each edit means is said in classes.py and
labelling.py, how it is stored in datasets.py and edit_log.py, and what all edits add up to in assembly.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nbtrain.data import edits as journal
from nbtrain.data.assembly import Part, look
from nbtrain.data.edit_log import EditLog
from nbtrain.data.edits import Excluded, Line
from nbtrain.data.names import Alike, alike
from nbtrain.data.records import Listing, counted, first
from nbtrain.data.sources import Source
from nbtrain.errors import DataError
from nbtrain.project import merging
from nbtrain.project.classes import ClassEdits, Lines, known_name, new_edit
from nbtrain.project.dataset_file import DataSet
from nbtrain.project.labelling import ImageEdits, who
from nbtrain.project.sourcing import Sourcing
from nbtrain.project.splitting import Splitting
from nbtrain.project.statistics import EFFECTIVE, Sets, charts_of, frames

if TYPE_CHECKING:
    import pandas as pd

    from nbtrain.data.splits import Split
    from nbtrain.project.project import Project


@dataclass(frozen=True, slots=True)
class Edit:
    """One entry of the history."""

    id: str
    t_s: float
    by: str
    text: str
    taken_back: bool


class LiveDataSet(ClassEdits, ImageEdits, Sourcing, Splitting):
    """A data set of a project, always as it is now; made by :meth:`Project.dataset`."""

    def __init__(self, project: Project, name: str) -> None:
        self.project, self.name = project, name
        self._shown = self.value.edits

    def __repr__(self) -> str:
        now = self.value
        return f"LiveDataSet({self.name!r}, {now.n_images} images, {len(now.classes)} classes, version {now.version})"

    # -- looking --------------------------------------------------------------------------------------------------

    @property
    def value(self) -> DataSet:
        """All that is known of it, as a value."""
        found = self.project.data.get(self.name)
        self._shown = found.edits
        return found

    @property
    def classes(self) -> tuple[str, ...]:
        """Its classes; ids are their places."""
        return self.value.classes

    @property
    def counts(self) -> dict[str, int]:
        """Images that carry each class."""
        now = self.value
        return dict(zip(now.classes, now.counts, strict=True))

    def alike(self) -> tuple[Alike, ...]:
        """Return the groups of classes whose names look like one; ``merge`` makes those of a group one class."""
        return alike(self.classes)

    @property
    def version(self) -> int:
        """Number of edits, undos and redos so far."""
        return self.value.version

    @property
    def sources(self) -> dict[str, str]:
        """Paths of its sources by the name that their files begin with; the first has none."""
        return {part.name: part.source.path for part in self.value.parts}

    @property
    def excluded(self) -> list[Excluded]:
        """Every image that is left out, with the reason and since when."""
        return list(self.value.edits.excluded.values())

    @property
    def problems(self) -> list[str]:
        """What a person should know of images, classes and edits, in full sentences."""
        now = self.value
        listing, bad = now.found().listing, self.project.data.log(now).bad
        found, told = listing.positions(), list(now.notices)
        if listing.content_hash != now.base:
            told.append("Images came, went or changed since somebody looked at the sources; refresh() looks again.")
        gone = [file for file in (*now.edits.labels, *now.edits.excluded) if file not in found]
        if gone:
            images = counted(len(gone), "edit speaks of an image", "edits speak of images")
            told.append(f"{images} that the sources do not have any more: {first(gone)}.")
        if bad:
            lines = counted(bad, "line", "lines")
            told.append(f"{lines} of {now.log_path.name} could not be read, and count for nothing.")
        return told

    def listing(self) -> Listing:
        """Return every image that is in use, with its labels as they are now."""
        return self.value.listing()

    def statistics(self, split: Split | Sets | str | None = None, *, beta: float = 0.999) -> dict[str, pd.DataFrame]:
        """Return what there is to count of the images in use, as data frames by name; docs/data.md lists them.

        Classes are counted per set of ``split`` (one, its name or its sets). Sizes in pixels, light and formats are
        there once the images were scanned. ``beta`` is that of the class weights "effective".
        """
        return frames(charts_of(self, split), EFFECTIVE.replace(beta=beta))

    @property
    def history(self) -> list[Edit]:
        """Every edit, oldest first, with those that were taken back."""
        lines = self.project.data.log(self.value).lines
        back = journal.taken_back(lines)
        return [
            Edit(edit, own[0].t_s, who(own[0]), _text(own), edit in back)
            for edit, own in journal.edits_in(lines).items()
        ]

    def refresh(self) -> DataSet:
        """Look at all sources again: images that came, went or changed since are seen from now on."""
        return self._changed(lambda: self.project.data.renew(self.name))

    # -- sources --------------------------------------------------------------------------------------------------

    def add(self, path: str | Path | Source | DataSet | LiveDataSet, name: str = "") -> DataSet:
        """Add a source: its classes are matched by name, its files begin with ``name``; the others stay as they are.

        A data set, also of another project, is added with its classes and edits. Raises DataError.
        """
        if isinstance(path, LiveDataSet):
            path = path.value
        if isinstance(path, DataSet):
            return self._add_all(path, name)
        source = self.project.prepare(path).result()
        before = next((part for part in self.value.removed if part.source == source), None)
        if before is not None and name in ("", before.name):  # it was taken out: with its name its edits come back
            return self.restore_source(source.path)
        part = Part(merging.free_name(name or Path(source.path).stem, self._used()), source)
        self._refuse_twice([part])
        return self._changed(lambda: self.project.data.renew(self.name, part))

    def _add_all(self, other: DataSet, name: str) -> DataSet:
        moved = merging.moved_parts(other.parts, other.name, self._used(), name)
        parts = tuple(moved.values())
        self._refuse_twice(parts)
        theirs = look(other.parts, self.project.data.folder).listing.classes  # told before anything is written

        def lines(known: DataSet, _: EditLog) -> list[Line]:
            merging.refuse_other_meanings(known.found().listing.classes, known.edits, theirs, other.edits)
            return merging.moved_lines(other.edits, moved)

        def both() -> DataSet:
            if other.edits.hash:
                self.project.data.edit(self.name, lines)
            return self.project.data.renew(self.name, *parts)

        now = self.value
        merging.refuse_other_meanings(now.found().listing.classes, now.edits, theirs, other.edits)
        return self._changed(both)

    def _refuse_twice(self, parts: Sequence[Part]) -> None:
        merging.refuse_twice(self.value.parts, parts, "refresh() looks at it again.")

    def _used(self) -> set[str]:
        """Return what no further source may be called: other sources, and folders of the first."""
        now = self.value
        tops = {record.file.partition("/")[0] for record in now.found().listing.records}
        return {part.name for part in (*now.parts, *now.removed)} | tops

    # -- taking back ----------------------------------------------------------------------------------------------

    def undo(self, edit: str = "") -> Edit:
        """Take back the newest edit that was made here, or the one with this id; return it."""
        return self._back("undo", edit)

    def redo(self, edit: str = "") -> Edit:
        """Make the edit again that was taken back last, or the one with this id; return it."""
        return self._back("redo", edit)

    def _back(self, kind: str, edit: str) -> Edit:
        wanted = edit

        def lines(_: DataSet, log: EditLog) -> list[Line]:
            nonlocal wanted
            choose = journal.next_undo if kind == "undo" else journal.next_redo
            wanted = edit or choose(log.lines)
            if not wanted:
                what = "there is no edit of yours to take back" if kind == "undo" else "there is nothing to make again"
                raise DataError(what, advice="history lists all edits; name the id of one.")
            known_name(wanted, list(journal.edits_in(log.lines)), "there is no edit with this id")
            if (wanted in journal.taken_back(log.lines)) == (kind == "undo"):
                told = "this edit is taken back already" if kind == "undo" else "this edit was not taken back"
                raise DataError(told, value=wanted, advice="history lists all edits.")
            return [journal.made(kind, new_edit(), of=wanted)]

        self._edit(lines)
        return next(one for one in self.history if one.id == wanted)

    # -- inside ---------------------------------------------------------------------------------------------------

    def _edit(self, lines: Lines) -> DataSet:
        return self._changed(lambda: self.project.data.edit(self.name, lines))

    def _changed(self, change: Callable[[], DataSet]) -> DataSet:
        made = change()
        self._shown = made.edits
        self.project.data_changed()
        return made


def _text(lines: Sequence[Line]) -> str:
    """Return one edit in words."""
    one, images = lines[0], counted(len({line.file for line in lines}), "image", "images")
    match one.kind:
        case "label":
            told = f"{', '.join(one.old) or 'nothing'} → {', '.join(one.classes) or 'nothing'}"
            return f"{one.file}: {told}" if len(lines) == 1 else f"{images} → {', '.join(one.classes) or 'nothing'}"
        case "exclude":
            named = one.file if len(lines) == 1 else images
            return f"left out {named}" + (f": {one.reason}" if one.reason else "")
        case "include":
            return f"took in {one.file if len(lines) == 1 else images} again"
        case "class" if one.to is None:
            return f"classes as found: {first(one.classes)}"
        case "class":
            return f"dropped {first(one.classes)}" if not one.to else f"{first(one.classes)} → {one.to}"
    return f"order of classes: {first(one.classes)}"
