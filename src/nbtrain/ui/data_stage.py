"""The stage Data: a data set's facts, classes and problems on one side, its images or statistics on the other.

It places them, and passes on what is clicked.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nbtrain.data.splits import Split
from nbtrain.errors import NbtrainError
from nbtrain.project.experiment import Experiment
from nbtrain.project.project import Project
from nbtrain.project.shelf import Shelf
from nbtrain.ui.data import Data
from nbtrain.ui.gallery import Gallery
from nbtrain.ui.group import Group
from nbtrain.ui.panel import shared_layout
from nbtrain.ui.pulse import PULSE
from nbtrain.ui.statistics import IMAGES, Statistics

_OFF = "nbt-off"


class DataStage(Group):
    """A data set with its images, and its statistics."""

    def __init__(self, project: Project, **kwargs: Any) -> None:
        layout = kwargs["layout"] = kwargs.get("layout") or shared_layout()
        self._experiment: Experiment | None = None
        self._chosen: tuple[str, str] = ("", "")
        self._named, self._ready = "", False
        self.gallery, self.statistics = Gallery(self._edited, layout=layout), Statistics(layout=layout)
        self.gallery.can_widen = True
        self.data = Data(project, self._edited, self._find, layout=layout)
        self.data.show_images = self.statistics.show_images = self._show_images
        self.statistics.find, self.statistics.changed = self._find_class, self._turn
        self.statistics.start_scan = lambda: self.data.perform("scan")
        self.data.observe(self._beside, ["scan", "reading"])
        self._images = Group([self.gallery], layout=layout).add_class("nbt-images")  # a class stays on a box alone
        super().__init__([self.data, self.statistics, self._images], **kwargs)
        self.add_class("nbt-data-stage")
        self._ready = True  # images may have been listed meanwhile: whoever opens the stage looks

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
        if self._ready:
            PULSE.soon(self._look)

    def _find(self, key: str, value: str) -> None:
        self.statistics.perform("view", view=IMAGES)
        self.gallery.widen()
        self.gallery.perform("find", **{key: value})

    def _find_class(self, label: str, part: str) -> None:
        self.gallery.widen()
        self.gallery.perform("find", label=label, part=part)

    def _show_images(self, title: str, images: Sequence[tuple[str, str]]) -> None:
        """Show these images alone, until somebody widens the list again."""
        self.statistics.view = IMAGES
        self.gallery.narrow(title, images)
        self._turn()
        PULSE.soon(self._look)

    def _turn(self) -> None:
        """Show the view that was chosen."""
        if self.statistics.view == IMAGES:
            self._images.remove_class(_OFF)
        else:
            self._images.add_class(_OFF)
        PULSE.soon(self.statistics.redraw)

    def _beside(self, change: Any = None) -> None:
        data = self.data
        self.statistics.show(data.data, data.split, data.experiment, {"reading": data.reading, "scan": data.scan})

    def _look(self) -> None:
        """Show the images as they are now; where they have to be listed first, once they are."""
        split = self.data.split = self._split()
        self.data.redraw()
        self._beside()
        data, project = self.data.data, self.data.model
        if data is None or self.data.reading:
            self.gallery.show(None, None, None)
            return
        if data.name != self._named:
            self._named = data.name
            self.gallery.widen()
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
        except NbtrainError as error:
            self.data.tell(str(error))
            return None

    def _problems(self) -> dict[str, dict[str, str]]:
        """Return, per kind of problem in words, the files with what is wrong."""
        found: dict[str, dict[str, str]] = {}
        for problem in self.data.problems:
            found.setdefault(problem.label, {})[problem.file] = problem.text
        return found
