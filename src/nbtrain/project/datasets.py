"""The project's data sets and splits: small files that say where the images lie and which of them train.

A data set's file holds its sources and what a look at them found; what people have said about single images and classes
stands in a journal of edits beside it; the images stay where they are. A split's file lists the files of each set. This
file knows those two folders of a project, and who may write there when; it opens no image. What a person does with one
data set is dataset.py's.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from nbtrain import files
from nbtrain.data import assembly, splits
from nbtrain.data.assembly import AsFound, Part, Parts
from nbtrain.data.conversion import AUTO
from nbtrain.data.edit_log import EditLog, encoded, stat_of
from nbtrain.data.edits import Line, added_up
from nbtrain.data.settings import Data
from nbtrain.data.sources import Source, settled
from nbtrain.data.splits import Extent, Split
from nbtrain.errors import BusyError, DataError, NbtrainError, ProjectError
from nbtrain.locks import FileLock
from nbtrain.project.dataset_file import FORMAT, DataSet, Origin, log_path_of, read, remember
from nbtrain.project.merging import Merged

_WAIT_S = 10.0
_DRAWN_AT_MOST = 100_000
"""Images of which a split is drawn only to foresee its sizes; it takes a fifth of a second then."""


class DataSets:
    """The folders ``datasets/`` and ``splits/`` of one project."""

    def __init__(self, project: Path) -> None:
        self.folder, self.splits_folder = project / "datasets", project / "splits"
        self._read: dict[Path, tuple[Any, DataSet]] = {}
        self._logs: dict[Path, EditLog] = {}
        self._guard = threading.RLock()

    def names(self) -> list[str]:
        """Return the names of all data sets, in alphabetical order."""
        return [found.name for found in self.all()]

    def all(self) -> list[DataSet]:
        """Return all data sets that can be read, in alphabetical order."""
        found = (self._readable(path) for path in sorted(self.folder.glob("*.json")))
        return sorted((d for d in found if d is not None), key=lambda d: d.name.casefold())

    def get(self, name: str) -> DataSet:
        """Return the data set called ``name``; raises DataError naming those there are."""
        usual = self._readable(self.folder / f"{files.slug(name)}.json")  # where add() puts it
        if usual is not None and usual.name == name:
            return usual
        for found in self.all():
            if found.name == name:
                return found
        known = ", ".join(self.names()[:10]) or "none yet; add_images() adds one"
        raise DataError("this project has no such data set", value=name, advice=f"It has: {known}.")

    # -- writing --------------------------------------------------------------------------------------------------

    def add(self, source: Source, name: str = "") -> DataSet:
        """Look at the images of ``source`` and keep them as a data set; raises AskError where it may be read otherwise.

        One of the same name is renewed where it has the same source, or the same images, which then have moved.
        """
        name = name.strip() or self._free_name(source)
        known = self._named(name)
        same = next((part for part in known.parts if _same(part.source, source)), None) if known else None
        if same is not None:
            wished = source if source.values != AUTO else same.source
            return self.arrange(name, lambda now: (_with_source(now.parts, same, wished), now.removed))
        found = _settled(assembly.look((Part("", source),), self.folder, choosing=True))
        parts = found.sources
        if known is not None and (len(known.parts) > 1 or known.base != found.listing.content_hash):
            raise DataError("this name is taken by another data set", value=name, advice="Give another name.")
        if known is None:
            return self._kept(name, self._free_file(name), parts, found, origins=())
        return self._kept(name, known.file, parts, found, removed=known.removed, origins=known.origins)

    def copy(self, other: DataSet, name: str = "") -> DataSet:
        """Keep a data set of another project as one of this, with its edits as they are now."""
        name = name.strip() or other.name
        if self._named(name) is not None:
            raise DataError("this name is taken by another data set", value=name, advice="Give another name.")
        file = self._free_file(name)
        found = assembly.look(other.parts, self.folder)
        if other.mark.bytes:
            data = files.content(other.log_path)[: other.mark.bytes]
            self._written(log_path_of(file), lambda where: files.write_atomic(where, data))
        return self._kept(name, file, other.parts, found, origins=(*other.origins, other.origin))

    def make(self, name: str, merged: Merged, origins: Sequence[Origin] = ()) -> DataSet:
        """Keep a data set that was merged in memory, with its edits; where that fails, nothing of it stays."""
        if self._named(name) is not None:
            raise DataError("this name is taken by another data set", value=name, advice="Give another name.")
        file = self._free_file(name)
        try:
            if merged.lines:
                data = encoded(merged.lines)
                self._written(log_path_of(file), lambda where: files.write_atomic(where, data))
            return self._kept(name, file, merged.parts, merged.found, origins=origins)
        except BaseException:
            self.take_back(file)
            raise

    def take_back(self, file: Path) -> None:
        """Remove a data set that was made for something which then failed."""
        for path in (file, log_path_of(file)):
            with suppress(OSError):
                files.remove(path)

    def renew(self, name: str, *more: Part) -> DataSet:
        """Look at the sources of a data set again, and at ``more``, which it has from now on."""
        return self.arrange(name, lambda known: ((*known.parts, *more), known.removed))

    def arrange(self, name: str, choose: Callable[[DataSet], tuple[Parts, Parts]]) -> DataSet:
        """Give a data set the sources that ``choose`` returns, and those that are taken out of it, and look at them.

        Raises DataError where they cannot be used, AskError where a new one may be read otherwise; then nothing is
        changed.
        """
        known = self.get(name)
        with self.changing(known):
            parts, removed = choose(self.get(name))
            found = assembly.look(parts, self.folder, choosing=True)
            _settled(found, (*known.parts, *known.removed))
            return self._kept(name, known.file, found.sources, found, removed=removed, origins=known.origins)

    def edit(self, name: str, make: Callable[[DataSet, EditLog], Sequence[Line]]) -> DataSet:
        """Append the lines that ``make`` returns, seeing all that others have said before; return what comes of it.

        Raises DataError where the edits leave nothing to learn from; then none of them is kept.
        """
        with self.changing(self.get(name)):
            known = self.get(name)
            log = self.log(known)
            lines = make(known, log)
            if not lines:
                return known
            found = known.found()
            found.edited(added_up([*log.lines, *lines]))  # refused before anything is written
            log.append(lines)
            made = DataSet.of(known.name, known.file, known.parts, found, log, known.base)
            made = replace(made, removed=known.removed, origins=known.origins)
            with suppress(ProjectError):  # the journal holds the edit: whoever looks next counts again
                self._write(made, durable=False)
            return made

    @contextmanager
    def changing(self, found: DataSet) -> Iterator[None]:
        """Let nobody else change a data set meanwhile; raises BusyError where somebody else takes long."""
        lock = FileLock(self.folder / f".{found.file.stem}.lock")
        try:
            held = lock.acquire(_WAIT_S)
        except OSError as error:
            raise _not_written(lock.path, error) from None
        if not held:
            advice = "Try again; it looks at its images, perhaps."
            raise BusyError("another process changes this data set", value=found.name, advice=advice)
        try:
            yield
        finally:
            lock.release()

    def log(self, found: DataSet) -> EditLog:
        """Return the journal of a data set's edits, as it is now."""
        with self._guard:
            return self._log(found.file).look()

    # -- splits ---------------------------------------------------------------------------------------------------

    def split_names(self) -> list[str]:
        """Return the names of all splits on disk, in alphabetical order."""
        return sorted(path.stem for path in self.splits_folder.glob("*.json"))

    def split(self, data: Data) -> Split | None:
        """Return the split that ``data`` names or would make, where it is on disk already."""
        dataset = self.get(data.dataset)
        path = self._split_path(data, dataset)
        if not path.exists():
            if data.split:
                advice = f"Splits lie in {self.splits_folder}."
                raise DataError("there is no such split", value=data.split, advice=advice)
            return None
        return splits.load(path)

    def make_split(self, data: Data) -> Split:
        """Return the split for ``data``, made and kept now where it is not on disk yet."""
        found = self.split(data)
        if found is not None:
            return found
        dataset = self.get(data.dataset)
        path = self._split_path(data, dataset)
        drawn = assembly.look(dataset.parts, self.folder).split(**self._shares(data), name=path.stem)
        made = replace(drawn, dataset=dataset.name)
        self._written(path, made.save)
        return made

    def keep_split(self, split: Split) -> Path:
        """Write a split that somebody has named; return where it lies."""
        path = self.splits_folder / f"{files.slug(split.name)}.json"
        self._written(path, split.save)
        return path

    def sizes(self, data: Data) -> dict[str, int]:
        """Return how many images each set has: counted where the split is made, foreseen before that."""
        dataset = self.get(data.dataset)
        left_out = self._left_out(dataset)
        try:
            split = self.split(data)
            if split is None and _must_be_drawn(dataset, left_out):
                split = dataset.found().split(**self._shares(data), name="foreseen")
        except (OSError, NbtrainError):  # told when a run needs it
            split = None
        if split is not None:
            return {s: sum(file not in left_out for file in split.files.get(s, ())) for s in splits.SETS}
        extents = dataset.extents or (Extent({}, dataset.n_images, ()),)
        foreseen = [extent.sizes(data.val_ratio, data.test_ratio) for extent in extents]
        return {s: sum(sizes[s] for sizes in foreseen) for s in splits.SETS}

    def broken_split(self, data: Data) -> str:
        """Return why the file of the split that ``data`` names or would make cannot be used; empty for none."""
        try:
            self.split(data)
        except (OSError, NbtrainError) as error:
            return str(error)
        return ""

    @staticmethod
    def _shares(data: Data) -> dict[str, Any]:
        return {"val_ratio": data.val_ratio, "test_ratio": data.test_ratio, "seed": data.split_seed}

    @staticmethod
    def _left_out(dataset: DataSet) -> frozenset[str]:
        """Return the files that a split may name and that are not in use; only dropped classes need a look for that."""
        excluded = frozenset(dataset.edits.excluded)
        if "" not in dataset.edits.names.values():
            return excluded
        try:
            return dataset.listing().left_out
        except (OSError, NbtrainError):  # told where the images are needed
            return excluded

    def where(self, data: Data) -> tuple[DataSet, Path]:
        """Return the data set that ``data`` names, and where its split lies, or will lie once it is made."""
        dataset = self.get(data.dataset)
        return dataset, self._split_path(data, dataset)

    def _split_path(self, data: Data, dataset: DataSet) -> Path:
        """A split's name says what it came from: other images or another choice, another split; edits are no part."""
        if data.split:
            return self.split_file(data.split)
        shares = "own" if dataset.own_split else f"{data.val_ratio:g}-{data.test_ratio:g}"
        return self.splits_folder / f"{files.slug(dataset.name)}-{shares}-seed{data.split_seed}-{dataset.base[:8]}.json"

    def split_file(self, name: str) -> Path:
        """Return where the split of this name lies, or would lie; one that nobody asked for has dots in its name."""
        return self.splits_folder / f"{name if name in self.split_names() else files.slug(name)}.json"

    # -- inside ---------------------------------------------------------------------------------------------------

    def _readable(self, path: Path) -> DataSet | None:
        try:
            return self._at(path)
        except (OSError, NbtrainError):
            return None

    def _at(self, path: Path) -> DataSet:
        with self._guard:
            seen = stat_of(path), stat_of(log_path_of(path))
            if path not in self._read or self._read[path][0] != seen:
                self._read[path] = (seen, read(path, self._log(path)))
            return self._read[path][1]

    def _log(self, file: Path) -> EditLog:
        return self._logs.setdefault(file, EditLog(log_path_of(file)))

    def _named(self, name: str) -> DataSet | None:
        return next((d for d in self.all() if d.name == name), None)

    def _kept(
        self, name: str, file: Path, parts: Parts, found: AsFound, *, origins: Sequence[Origin], removed: Parts = ()
    ) -> DataSet:
        remember(parts, found.listing.content_hash, found)
        made = DataSet.of(name, file, parts, found, self._log(file).look())
        made = replace(made, removed=removed, origins=tuple(origins))
        self._write(made)
        return made

    def _write(self, made: DataSet, *, durable: bool = True) -> None:
        self._written(made.file, lambda where: files.write_json(where, FORMAT.mark(made.plain()), durable=durable))

    def _free_name(self, source: Source) -> str:
        stem = Path(source.path).stem or "images"
        taken = {d.name: d for d in self.all()}
        names = [stem, *(f"{stem} {n}" for n in range(2, 10_000))]
        return next(n for n in names if n not in taken or _only(taken[n].parts, source))

    def _free_file(self, name: str) -> Path:
        """Return the file of a new data set: names that differ may be spelt alike on disk."""
        usual = self.folder / f"{files.slug(name)}.json"
        there = self._readable(usual)
        taken = there is not None and there.name != name
        return usual.with_stem(f"{usual.stem}-{files.new_id()}") if taken else usual

    @staticmethod
    def _written(path: Path, write: Callable[[Path], None]) -> None:
        try:
            files.make_folder(path.parent)
            write(path)
        except OSError as error:
            raise _not_written(path, error) from None


def _with_source(parts: Parts, part: Part, source: Source) -> Parts:
    """Return ``parts`` with another source in place of one, of which it is chosen anew how images become 8 bits."""
    made = part if part.source == source else Part(part.name, source)
    return tuple(made if one == part else one for one in parts)


def _same(one: Source, other: Source) -> bool:
    """Return whether both read the same images, whatever they say of their values."""
    return type(one) is type(other) and one.replace(values=other.values) == other


def _only(parts: Parts, source: Source) -> bool:
    return len(parts) == 1 and not parts[0].name and _same(parts[0].source, source)


def _settled(found: AsFound, known: Parts = ()) -> AsFound:
    """Return what was ``found``; raises AskError where it is not clear how a source is meant that is not ``known``."""
    for part, listing in zip(found.sources, found.parts, strict=True):
        if not any(_same(part.source, one.source) for one in known):
            settled(part.source, listing)
    return found


def _must_be_drawn(dataset: DataSet, left_out: frozenset[str]) -> bool:
    """Tell whether only the split itself says how large its sets are: images are left out, or its file is old."""
    return bool(left_out and dataset.n_images <= _DRAWN_AT_MOST) or (dataset.own_split and not dataset.extents)


def _not_written(path: Path, error: OSError) -> ProjectError:
    what = f"the project could not be written: {error.strerror or error}"
    return ProjectError(what, value=str(path), advice="Choose a project folder that you may write to.")
