"""The stage Evaluate: an experiment's evaluation, and below it the images that a click points at. It places them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nbtrain.errors import NbtrainError
from nbtrain.evaluation.predictions import HeatMap
from nbtrain.project.experiment import Experiment
from nbtrain.project.shelf import Shelf
from nbtrain.ui.evaluation import EvaluationPanel
from nbtrain.ui.gallery import Gallery
from nbtrain.ui.group import Group
from nbtrain.ui.panel import shared_layout
from nbtrain.ui.pulse import PULSE


class EvaluationStage(Group):
    """What one experiment has learned, and where it errs."""

    def __init__(self, **kwargs: Any) -> None:
        layout = kwargs["layout"] = kwargs.get("layout") or shared_layout()
        self._experiment: Experiment | None = None
        self.gallery = Gallery(self._edited, layout=layout)
        self.gallery.heat_of = self._heat_of
        self.evaluation = EvaluationPanel(layout=layout)
        self.evaluation.show_images = self._show_images
        super().__init__([self.evaluation, self.gallery], **kwargs)

    def show(self, experiment: Experiment | None) -> None:
        """Show another experiment."""
        if experiment is not self._experiment:
            self._experiment = experiment
            self.evaluation.show(experiment)

    def _heat_of(self, file: str) -> HeatMap | None:
        shown = self.evaluation.evaluation
        if shown is None or shown.predictions.heat is None or file not in shown.predictions.files:
            return None
        return shown.predictions.heat.of(shown.predictions.files.index(file))

    def _edited(self) -> None:
        PULSE.soon(self._look)

    def _look(self) -> None:
        """Show the images as they are now, and that the evaluation is of another version of them."""
        self.evaluation.redraw()
        self._fill()

    def _show_images(self, title: str, images: Sequence[tuple[str, str]]) -> None:
        self.gallery.narrow(title, images)
        self._fill()

    def _fill(self) -> None:
        experiment, shown = self._experiment, self.evaluation.evaluation
        if experiment is None or shown is None:
            self.gallery.show(None, None, None)
            return
        project = experiment.project
        try:
            data = project.dataset(shown.record.dataset)
            shelf = Shelf(data.value, project.data.split(experiment.config.data))
            self.gallery.show(data, shelf, project.scan(data.name, start=False).thumbnails)
        except (OSError, NbtrainError) as error:
            self.gallery.show(None, None, None)
            self.gallery.tell(str(error))
