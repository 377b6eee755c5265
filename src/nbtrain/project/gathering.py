"""The data half of a guided start: which sets were chosen, how they merge, and what their classes become.

All of it is in memory. Sources are looked at once, edits of classes are said again after every change of the choice, so
that going back and forth loses none; those that speak of a class that is away wait until it comes back. It knows
offers and merged sets; the task and the configuration are guiding.py's.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from traitlets import HasTraits, Int

from nbtrain.data.records import Listing, OneClassError, counted, first
from nbtrain.data.sources import Source, settled
from nbtrain.errors import DataError, NbtrainError, Problem, StatusError
from nbtrain.project.classes import Names
from nbtrain.project.dataset import LiveDataSet
from nbtrain.project.dataset_file import DataSet
from nbtrain.project.merging import Counts, Merged, Piece
from nbtrain.project.offers import Choice, Offer, Offers, is_project

if TYPE_CHECKING:
    from nbtrain.project.project import Project

MAX_NAME = 200
_CLASS_EDITS = ("rename", "merge", "drop", "reorder", "as_found")
ClassEdit = tuple[str, tuple[Any, ...]]
"""Name of a method of ClassEdits, and what it is given."""


@dataclass(frozen=True)
class Gathered:
    """What a look at the chosen sets has shown."""

    pieces: tuple[Piece, ...] = ()
    merged: Merged | None = None
    counts: Counts | None = None
    trouble: Problem | None = None
    """Why there is no data set; its path is the step that mends it."""
    waiting: tuple[ClassEdit, ...] = ()
    """Class edits that speak of classes which the chosen sets do not have."""


class Gathering(HasTraits):
    """Which data sets, and what of them; a mixin of the guide."""

    changed = Int(help="Counts up with every change.")

    project: Project

    def __init__(self, project: Project) -> None:
        super().__init__()
        self.project = project
        self._guard = threading.RLock()
        self._offers = Offers(project)
        self._read: dict[Source, Listing | OneClassError] = {}
        self._base: tuple[tuple[Piece, ...], Merged] | None = None
        self._seen: tuple[int, Gathered] | None = None
        self._turn = 0
        self._forget_data()

    def _forget_data(self) -> None:
        own = [offer.choice for offer in self._own()]
        self._chosen: list[Choice] = own if len(own) == 1 else []
        self._first_choice = list(self._chosen)
        self._edits: list[ClassEdit] = []
        self._leave_out, self._data_name = False, ""

    def _needs_one_label(self) -> bool:
        """Whether the task that is wanted can only use images with exactly one label."""
        raise NotImplementedError

    # -- data sets ----------------------------------------------------------------------------------------------

    @property
    def offered(self) -> list[Offer]:
        """Every data set within reach: this project's, those of projects opened lately, and of those named."""
        return self._offers.all()

    @property
    def chosen(self) -> list[Choice]:
        """What was chosen, in the order in which it is merged."""
        return list(self._chosen)

    def offer(self, project: str | Path) -> None:
        """Offer the data sets of another project too; raises DataError where there is none."""
        self._offers.name(project)
        self._change(data=False)

    def use(self, data: str | Path | Source | DataSet | LiveDataSet | Choice, *, project: str | Path = "") -> None:
        """Choose a data set: by its name here, by its name in another ``project``, as an object, or a path of images.

        Images of a path are looked at and become a data set with :meth:`create`; only what lies inside an archive is
        unpacked into the project at once. Raises DataError.
        """
        choice = data if isinstance(data, Choice) else self._choice(data, project)
        with self._guard:
            if choice.key in [one.key for one in self._chosen]:
                raise DataError("this data set is chosen already", value=choice.name, advice="Choose another one too.")
            self._chosen = [*self._chosen, choice]
            self._change()

    def unuse(self, data: str | Choice, *, project: str | Path = "") -> None:
        """Choose a data set no longer: by name, and by ``project`` where several of this name were chosen."""
        with self._guard:
            found = [one for one in self._chosen if data in (one, one.name)]
            where = Path(project).expanduser().absolute() if project else None
            found = [one for one in found if where is None or one.folder == where]
            if len(found) != 1:
                names = ", ".join(one.name for one in self._chosen) or "nothing"
                told = "several data sets of this name were chosen" if found else "no such data set was chosen"
                name = data.name if isinstance(data, Choice) else data
                raise DataError(told, value=name, advice=f"Chosen: {names}. project=… names one of several.")
            self._chosen = [one for one in self._chosen if one is not found[0]]
            self._change()

    @property
    def as_it_is(self) -> bool:
        """Whether a data set of this project is used as it stands, so that none has to be made."""
        chosen, gathered = self._chosen, self._seen
        if len(chosen) != 1 or chosen[0].folder != self.project.path:
            return False
        waiting = gathered[1].waiting if gathered else ()
        return not (set(self._edits) - set(waiting)) and not (self._leave_out and self._needs_one_label())

    @property
    def data_name(self) -> str:
        """Name of the data set that is made, or used as it is."""
        if self.as_it_is:
            return self._chosen[0].name
        return self._data_name or self._free_name()

    @data_name.setter
    def data_name(self, name: str) -> None:
        clean = " ".join("".join(c if c.isprintable() else " " for c in str(name)).split())[:MAX_NAME]
        with self._guard:
            self._data_name = clean
            self._change(data=False)

    def _choice(self, data: str | Path | Source | DataSet | LiveDataSet, project: str | Path) -> Choice:
        if isinstance(data, LiveDataSet | DataSet):
            found = data.value if isinstance(data, LiveDataSet) else data
            return Choice(found.name, found.file.parent.parent)
        if project:
            choice = Choice(str(data), self._offers.name(project))
            self._offers.value(choice)
            return choice
        if isinstance(data, str) and data in self.project.data.names():
            return Choice(data, self.project.path)
        if not isinstance(data, Source) and is_project(Path(data).expanduser()):
            advice = "offer() lists its data sets, use(name, project=…) chooses one of them."
            raise DataError("this is a project, not a data set", value=str(data), advice=advice)
        return self._at(data)

    def _at(self, path: str | Path | Source) -> Choice:
        """Return the images at a path, ready to be looked at; only what has to be unpacked is written, and at once.

        Raises AskError where they may be meant in several ways.
        """
        source = self.project.prepare(path).result()
        found = _looked(source)
        settled(source, found.listing if isinstance(found, OneClassError) else found)
        self._read[source] = found
        return Choice(Path(source.path).stem or "images", None, source)

    def _own(self) -> list[Offer]:
        return [offer for offer in self._offers.all() if not offer.project]

    def _free_name(self) -> str:
        usual = " + ".join(dict.fromkeys(one.name for one in self._chosen))[:MAX_NAME] or "images"
        taken = self.project.data.names()
        return next(n for n in (usual, *(f"{usual} {i}" for i in range(2, 10_000))) if n not in taken)

    # -- classes ------------------------------------------------------------------------------------------------

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes that the experiment would learn, in order; raises DataError where the sets do not merge."""
        return self._merged().classes

    def rename(self, name: str, to: str) -> None:
        """Call a class otherwise; where there is such a class already, the two are one. Raises DataError."""
        self._edit_classes("rename", name, to)

    def merge(self, names: Names, into: str) -> None:
        """Make several classes one; raises DataError."""
        self._edit_classes("merge", tuple([names] if isinstance(names, str) else names), into)

    def drop(self, *names: str) -> None:
        """Leave classes out, with the images that have no other; raises DataError."""
        self._edit_classes("drop", *names)

    def reorder(self, names: Sequence[str]) -> None:
        """Give the classes another order; raises DataError."""
        self._edit_classes("reorder", tuple(names))

    def as_found(self, *names: str) -> None:
        """Take classes as their sources name them; raises DataError."""
        self._edit_classes("as_found", *names)

    def undo(self) -> bool:
        """Take back the newest edit of a class; return whether there was one."""
        with self._guard:
            if not self._edits:
                return False
            self._edits = self._edits[:-1]
            self._change()
            return True

    @property
    def edited_classes(self) -> int:
        """How many edits of classes undo() can take back."""
        return len(self._edits)

    @property
    def leave_out(self) -> bool:
        """Whether images are left out that a task with exactly one label per image cannot use."""
        return self._leave_out

    @leave_out.setter
    def leave_out(self, wanted: bool) -> None:
        with self._guard:
            self._leave_out = bool(wanted)
            self._change()

    @property
    def dropped(self) -> list[str]:
        """Classes that are dropped, as their sources name them."""
        edits = self._merged().edits
        return [name for name, to in edits.names.items() if not to]

    def _edit_classes(self, what: str, *given: Any) -> None:
        assert what in _CLASS_EDITS
        merged = self._merged().fork()
        getattr(merged, what)(*given)  # refused before it is remembered
        with self._guard:
            self._edits = [*self._edits, (what, given)]
            self._change()

    def _merged(self) -> Merged:
        gathered = self.look()
        if gathered.merged is None:
            told = gathered.trouble or Problem("data", "no data set is chosen.", "use() chooses one.")
            raise DataError(told.message.rstrip("."), advice=told.advice)
        return gathered.merged

    # -- looking ------------------------------------------------------------------------------------------------

    @property
    def looked(self) -> Gathered | None:
        """What :meth:`look` would return where that is known already, else None."""
        seen = self._seen
        return seen[1] if seen is not None and seen[0] == self._turn else None

    def look(self, *, again: bool = False) -> Gathered:
        """Look at what was chosen and merge it in memory: at once where nothing has changed; ``again`` at the disk."""
        if again:
            with self._guard:
                self._read, self._base, self._seen = {}, None, None
        while True:
            with self._guard:
                found = self.looked
                if found is not None:
                    return found
                turn, chosen, edits = self._turn, list(self._chosen), list(self._edits)
                leave_out = self._leave_out and self._needs_one_label()
            found = self._gathered(chosen, edits, leave_out)
            with self._guard:
                if turn == self._turn:
                    self._seen = (turn, found)

    def _gathered(self, chosen: Sequence[Choice], edits: Iterable[ClassEdit], leave_out: bool) -> Gathered:
        if not chosen:
            told = "no data set is chosen."
            return Gathered(trouble=Problem("data", told, "Choose one or more, or name a path of images."))
        try:
            pieces = tuple(self._offers.piece(choice) for choice in chosen)
            base = self._base
            if base is None or base[0] != pieces:
                self._base = base = (pieces, Merged.of(pieces, self._listing))
        except (OSError, NbtrainError) as error:
            return Gathered(trouble=_trouble("data", error))
        merged, waiting = base[1].fork(), list[ClassEdit]()
        for what, given in edits:
            try:
                getattr(merged, what)(*given)
            except DataError:
                waiting.append((what, given))
        try:
            merged.leave_out(leave_out)
            return Gathered(pieces, merged, merged.counted, None, tuple(waiting))
        except NbtrainError as error:
            return Gathered(pieces, merged, None, _trouble("classes", error), tuple(waiting))

    def _listing(self, source: Source) -> Listing:
        if source not in self._read:
            self._read[source] = _looked(source)
        found = self._read[source]
        if isinstance(found, OneClassError):
            raise found
        return found

    def _change(self, *, data: bool = True) -> None:
        with self._guard:
            if getattr(self, "experiment", None) is not None:
                advice = "project.guide() begins another one."
                raise StatusError("this guide has made its experiment already", advice=advice)
            self._turn += data
        self.changed += 1

    # -- what to know -------------------------------------------------------------------------------------------

    def data_problems(self, gathered: Gathered) -> Iterator[Problem]:
        """Yield what keeps the chosen data from being learned from; the path of each is a step."""
        if gathered.trouble is not None:
            yield gathered.trouble
        if not self.as_it_is and self._data_name and self._data_name in self.project.data.names():
            yield Problem(
                "data", f"a data set is called {self._data_name!r} already.", "Give the new one another name."
            )
        if gathered.counts is not None and self._needs_one_label():
            told = unusable(gathered.counts)
            if told:
                yield Problem("classes", told, "Leave them out, or choose the task multi-label.")

    def data_notices(self, gathered: Gathered) -> Iterator[str]:
        """Yield what a person should know of the merged data, in sentences."""
        counts, names = gathered.counts, [piece.name for piece in gathered.pieces]
        if counts is None:
            return
        n_images = len(counts.listing)
        for kind, n in counts.marks.items():
            yield f"{counted(n, 'image carries', 'images carry')} a {kind}: used as tags, so what they show, not where."
        several = [name for name, n in zip(names, counts.several, strict=True) if n]
        single = [name for name in names if name not in several]
        if several and single:
            have = f"{first(several)} {'has' if len(several) == 1 else 'have'} several labels per image"
            yield f"{have}, {first(single)} at most one: each image keeps its own."
        yield from self._unknown(gathered, counts, names)
        unlabelled = sum(counts.unlabelled)
        if unlabelled and not self._needs_one_label():
            yield f"{unlabelled} of {n_images} images have no label: they teach what shows no class at all."
        yield from counts.listing.notices
        for what, given in gathered.waiting:
            yield f"Waiting: {what.replace('_', ' ')} {_said(given)} speaks of classes that these sets do not have."

    def _unknown(self, gathered: Gathered, counts: Counts, names: Sequence[str]) -> Iterator[str]:
        """Say that a set of several labels takes classes which only another set knows for absent."""
        if self._needs_one_label() or len(names) < 2:
            return
        for place, name in enumerate(names):
            lacking = [c for c, _, own in counts.by_class() if not own[place]]
            if lacking:
                yield f"Images of {name} count as not showing {first(lacking)}: nobody has labelled that there."


def unusable(counts: Counts) -> str:
    """Return how many images a task that needs exactly one label cannot use; "" where it can use all."""
    none, several = counts.unusable
    n = counted(len(counts.listing), "image", "images")
    if none and several:
        return f"{none} of {n} have no label, {several} have several; classification needs exactly one."
    which = f"{none} of {n} have no label" if none else f"{several} of {n} have several labels"
    return f"{which}; classification needs exactly one." if none or several else ""


def _looked(source: Source) -> Listing | OneClassError:
    try:
        return source.listing()
    except OneClassError as error:  # the other sets may have more
        return error


def _trouble(step: str, error: Exception) -> Problem:
    if isinstance(error, NbtrainError):
        return Problem(step, error.statement, error.advice)
    return Problem(step, f"the images cannot be read: {error}.", "See that the folder is there, and may be read.")


def _said(given: tuple[Any, ...]) -> str:
    return " → ".join(first(one) if isinstance(one, tuple) else str(one) for one in given)
