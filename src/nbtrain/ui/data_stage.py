"""The stage Data: a data set's facts, classes and problems on one side, its images on the other. It places them."""

from __future__ import annotations

from typing import Any

from ipywidgets import Box

from nbtrain.data.splits import Split
from nbtrain.errors import NbtrainError
from nbtrain.project.experiment import Experiment
from nbtrain.project.project import Project
from nbtrain.project.shelf import Shelf
from nbtrain.ui.data import Data
from nbtrain.ui.gallery import Gallery
from nbtrain.ui.panel import shared_layout
from nbtrain.ui.pulse import PULSE


class DataStage(Box):  # type: ignore[misc]
    """A data set and its images."""

    def __init__(self, project: Project, **kwargs: Any) -> None:
        layout = kwargs.setdefault("layout", shared_layout())
        self._experiment: Experiment | None = None
        self._chosen: tuple[str, str] = ("", "")
        self.gallery = Gallery(self._edited, layout=layout)
        self.data = Data(project, self._edited, self._find, layout=layout)
        super().__init__([self.data, self.gallery], **kwargs)
        self.add_class("nbt-data-stage")

    def show(self, project: Project, experiment: Experiment | None) -> None:
        """Show the data set of an experiment, in the sets that its split makes."""
        name = experiment.config.data.dataset if experiment else ""
        chosen = (str(project.path), name)
        self._experiment = self.data.experiment = experiment
        if chosen != self._chosen:
            self._chosen = chosen
            self.data.show(project, name)
        self._look()

    def _edited(self) -> None:
        PULSE.soon(self._look)

    def _find(self, key: str, value: str) -> None:
        self.gallery.perform("find", **{key: value})

    def _look(self) -> None:
        """Show the images as they are now."""
        split = self.data.split = self._split()
        self.data.redraw()
        data, project = self.data.data, self.data.model
        if data is None:
            self.gallery.show(None, None, None)
            return
        try:
            shelf = Shelf(data.value, split, self._problems())
        except (OSError, NbtrainError) as error:
            self.gallery.show(None, None, None)
            self.gallery.tell(str(error))
            return
        self.gallery.show(data, shelf, project.scan(data.name, start=False).thumbnails)

    def _split(self) -> Split | None:
        """Return the split of the experiment that is selected, where it is one of this data set."""
        experiment, project = self._experiment, self.data.model
        config = experiment.config if experiment else project.new_config()
        if config.data.dataset != self.data.chosen:
            return None
        try:
            return project.data.split(config.data)
        except NbtrainError:
            return None

    def _problems(self) -> dict[str, dict[str, str]]:
        """Return, per kind of problem in words, the files with what is wrong."""
        found: dict[str, dict[str, str]] = {}
        for problem in self.data.problems:
            found.setdefault(problem.label, {})[problem.file] = problem.text
        return found
