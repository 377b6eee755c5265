"""What a new experiment could learn from: data sets of this project, of others that were open lately, and paths.

Other projects are only read: their files say what there is, nothing is opened or locked there. It knows folders of
projects and data set files; what becomes of what was chosen is merging.py's.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nbtrain import files
from nbtrain.data.assembly import Part
from nbtrain.data.edits import Line
from nbtrain.data.sources import Source
from nbtrain.errors import DataError, NbtrainError
from nbtrain.project import recent
from nbtrain.project.dataset_file import DataSet, Origin
from nbtrain.project.datasets import DataSets
from nbtrain.project.merging import Piece

if TYPE_CHECKING:
    from nbtrain.project.project import Project

_FILE = "project.json"


@dataclass(frozen=True, slots=True)
class Choice:
    """Something that was chosen: the data set ``name`` of the project in ``folder``, or the images of ``source``."""

    name: str
    folder: Path | None = None
    """Folder of its project; None for images that are in no project yet."""
    source: Source | None = None

    @property
    def key(self) -> str:
        """What tells it from all others."""
        return f"{self.source.path if self.source else self.folder}\n{self.name}"


@dataclass(frozen=True, slots=True)
class Offer:
    """A data set that can be chosen, as its project's file describes it."""

    choice: Choice
    project: str
    """Name of its project; "" for the one at hand."""
    n_images: int
    classes: tuple[str, ...]
    multilabel: bool

    @property
    def name(self) -> str:
        """Name of the data set."""
        return self.choice.name


class Offers:
    """Data sets within reach of one project."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self.folders: list[Path] = []
        """Projects that somebody has named, beside those that were open lately."""
        self._sets: dict[Path, DataSets] = {}

    def name(self, folder: str | Path) -> Path:
        """Offer the data sets of another project too; raises DataError where there is none."""
        where = Path(folder).expanduser().absolute()
        if not is_project(where):
            raise DataError("there is no nbtrain project", value=str(where), advice=f"Give a folder with {_FILE}.")
        if where not in self._others():
            self.folders.append(where)
        return where

    def all(self) -> list[Offer]:
        """Return every data set: this project's first, then those of others, the project opened last first."""
        return [offer for folder in (self._project.path, *self._others()) for offer in self._of(folder)]

    def piece(self, choice: Choice) -> Piece:
        """Return sources and edits of what was chosen, as they are now; raises DataError where it is gone."""
        if choice.source is not None:
            return Piece(choice.name, (Part("", choice.source),))
        found = self.value(choice)
        return Piece(found.name, found.parts, self._lines(choice, found))

    def value(self, choice: Choice) -> DataSet:
        """Return the data set that was chosen, as it is now; raises DataError where it is gone."""
        if choice.folder is None:
            raise DataError("these images are no data set yet", value=choice.name)
        try:
            return self._data(choice.folder).get(choice.name)
        except DataError as error:
            if choice.folder == self._project.path:
                raise
            told = f"the project {project_name(choice.folder)!r} has no such data set any more"
            raise DataError(told, value=choice.name, advice="Leave it out, or bring it back.") from error

    def origins(self, choice: Choice) -> tuple[Origin, ...]:
        """Return what a data set that is made of it records."""
        if choice.folder is None:
            return ()
        found = self.value(choice)
        return (*found.origins, found.origin)

    def _lines(self, choice: Choice, found: DataSet) -> tuple[Line, ...]:
        assert choice.folder is not None
        return tuple(self._data(choice.folder).log(found).lines)

    def _others(self) -> list[Path]:
        mine = self._project.path
        there = [folder for folder in recent.folders() if is_project(folder)]
        return [folder for folder in dict.fromkeys([*there, *self.folders]) if folder != mine]

    def _of(self, folder: Path) -> list[Offer]:
        own = folder == self._project.path
        name = "" if own else project_name(folder)
        return [
            Offer(Choice(d.name, folder), name, d.n_images, d.classes, d.multilabel) for d in self._data(folder).all()
        ]

    def _data(self, folder: Path) -> DataSets:
        own = folder == self._project.path
        return self._project.data if own else self._sets.setdefault(folder, DataSets(folder))


def is_project(folder: Path) -> bool:
    """Return whether a project lies in ``folder``."""
    try:
        return (folder / _FILE).is_file()
    except OSError:
        return False


def project_name(folder: Path) -> str:
    """Return the name of the project in ``folder``; that of the folder where its file cannot be read."""
    try:
        plain = files.read_json(folder / _FILE)
    except (OSError, NbtrainError):
        return folder.name
    name = plain.get("name") if isinstance(plain, dict) else ""
    return name if isinstance(name, str) and name else folder.name
