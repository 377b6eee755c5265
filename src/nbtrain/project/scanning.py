"""The scan of a data set, as an object: started, followed, cancelled, and its problems, also after a kernel restart.

    scan = project.scan("digits")
    scan.wait()
    for problem in scan.problems().of("leak"): print(problem.file, problem.text)

The work is a short job (probing/scan.py); what it finds lies in the project's ``scans`` folder, one per data set. It
knows data sets, jobs and that folder; what is wrong with an image is data/inspection's matter.
"""

from __future__ import annotations

import hashlib
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nbtrain import files
from nbtrain.data import splits
from nbtrain.data.edit_log import stat_of
from nbtrain.data.inspection import store
from nbtrain.data.inspection.alike import NONE, Groups
from nbtrain.data.inspection.bins import Table
from nbtrain.data.inspection.charts import Charts
from nbtrain.data.inspection.problems import Problems, leaks, parsed
from nbtrain.data.inspection.store import PROBLEMS, Columns
from nbtrain.data.records import Listing
from nbtrain.data.splits import Split
from nbtrain.data.thumbnails import Thumbnails
from nbtrain.errors import DataError, NbtrainError, StatusError
from nbtrain.project.dataset_file import DataSet
from nbtrain.project.work import Work
from nbtrain.runs.jobs import Job

if TYPE_CHECKING:
    from nbtrain.project.project import Project

KIND, FOLDER = "scan", "scans"
_MOST_BYTES = 2**30
Sets = Mapping[str, Sequence[str]]


class Scan(Work):
    """The scan of one data set."""

    def __init__(self, project: Project, name: str) -> None:
        self._project, self.name = project, name
        self.folder = project.path / FOLDER / f"{files.slug(name)}-{_short(name)}"
        self._read_at, self._kept = 0, dict[str, Any]()
        self._rows = Problems(())
        self._seen: Columns | None = None
        self._seen_at: tuple[int, int, int] | None = None
        self.thumbnails = Thumbnails(self.folder)

    def __repr__(self) -> str:
        return f"<Scan of {self.name!r}: {self.status}>"

    # -- the work -------------------------------------------------------------------------------------------------

    def start(self) -> Job[dict[str, Any]]:
        """Look at all images that have changed since the last scan; return the job at once, also one under way."""
        if self.job is None or self.job.over:
            dataset = self._dataset
            self._project.save()
            self.job = Job.start(
                self._project.path,
                KIND,
                {"dataset": dataset.frozen(), "folder": str(self.folder)},
                title=f"the scan of “{self.name}”",
            )
        return self.job

    @property
    def status(self) -> str:
        """``pending``, ``working``, ``completed``, ``failed`` or ``cancelled``; ``none`` where there was no scan."""
        if self.job is not None and not (self.job.over and self.job.status != "completed" and self.result):
            return self.job.status
        return "completed" if self.result else "none" if self.job is None else self.job.status

    # -- what was found -------------------------------------------------------------------------------------------

    @property
    def result(self) -> dict[str, Any]:
        """What the last whole scan says of itself (n_images, n_bad, counts, took_s, done_s …); empty without one."""
        self._read()
        return self._kept

    @property
    def stale(self) -> bool:
        """Whether the data set has changed since it was scanned."""
        return bool(self.result) and self.result["hash"] != self._dataset.base

    def problems(self, split: Split | Sets | str | None = None) -> Problems:
        """Return all problems; those of a file that is left out of the data set are marked as dealt with.

        Images that lie in several sets are told of ``split`` (a stored one's name, or the sets themselves); where none
        is given, of the source's own folders. Raises StatusError where no scan has been completed.
        """
        if not self.result:
            raise StatusError("this data set was not scanned yet", value=self.name, advice="project.scan() does that.")
        return Problems([*self._rows, *self._leaks(self._sets(split))]).without(_left_out(self._dataset))

    def leaks(self, split: Split | Sets | str | None = None) -> list[str]:
        """Return the files in use that lie, as equal or alike copies, in several sets of a split; none unscanned."""
        left_out = _left_out(self._dataset)
        kept = {name: [f for f in files if f not in left_out] for name, files in self._sets(split).items()}
        return [row.file for row in self._leaks(kept)]

    def _leaks(self, sets: Sets) -> Problems:
        columns = self.columns
        if not sets or columns is None:
            return Problems(())
        return leaks(columns.files, Groups(columns["equal"], columns["alike"]), sets)

    @property
    def columns(self) -> Columns | None:
        """What was seen of every file, a column per number; None where no scan has been completed."""
        changed = stat_of(self.folder / store.COLUMNS)
        if changed != self._seen_at:
            self._seen, self._seen_at = store.read(self.folder), changed
        return self._seen

    @property
    def groups(self) -> list[tuple[str, ...]]:
        """The files that show the same, equal or nearly so, a tuple for each picture: what a split keeps together."""
        columns, found = self.columns, defaultdict[tuple[str, int], list[str]](list)
        if columns is not None:
            for kind in ("equal", "alike"):
                for file, number in zip(columns.files, columns[kind].tolist(), strict=True):
                    if number != NONE:
                        found[kind, number].append(file)
        return [tuple(own) for own in found.values()]

    def tables(self) -> dict[str, Table]:
        """Return statistics of the images in use as plain tables, by name; empty where no scan has been completed.

        They are those of ``project.dataset(name).statistics()``, for JSON: a bin without an upper end has None there.
        """
        columns, dataset = self.columns, self._dataset
        if columns is None:
            return {}
        made = Charts(dataset.listing(), columns).tables()
        return {
            key: [{name: None if value == math.inf else value for name, value in row.items()} for row in rows]
            for key, rows in made.items()
        }

    @property
    def _dataset(self) -> DataSet:
        return self._project.data.get(self.name)

    def _sets(self, split: Split | Sets | str | None) -> Sets:
        if isinstance(split, str):
            path = self._project.path / "splits" / f"{split}.json"
            if not path.exists():
                advice = f"There are: {', '.join(self._project.data.split_names()) or 'none yet'}."
                raise DataError("there is no such split", value=split, advice=advice)
            split = splits.load(path)
        if isinstance(split, Split):
            return split.files
        return split if split is not None else _listing(self._dataset).own_split or {}

    def _read(self) -> None:
        """Take in what the newest scan of anybody has written."""
        path = self.folder / PROBLEMS
        try:
            changed = path.stat().st_mtime_ns
            if changed != self._read_at:
                plain = files.read_json(path, limit_bytes=_MOST_BYTES)
                self._rows = parsed(plain.pop("rows"))
                self._kept, self._read_at = plain, changed
        except (OSError, NbtrainError, KeyError, TypeError, AttributeError):
            return


def _listing(dataset: DataSet) -> Listing:
    """Return all images of a data set, those that are left out of it too."""
    return dataset.found().listing


def _left_out(dataset: DataSet) -> frozenset[str]:
    """Return the files that somebody has left out of a data set."""
    return frozenset(dataset.edits.excluded)


def _short(name: str) -> str:
    return hashlib.blake2b(name.encode(errors="surrogateescape"), digest_size=3).hexdigest()
