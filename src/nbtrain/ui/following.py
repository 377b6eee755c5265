"""A panel that shows one experiment at a time and draws nothing while nobody sees the page.

It knows how such a panel comes to its experiment and leaves it; what is shown, each panel's ``state`` says.
"""

from __future__ import annotations

from typing import Any, ClassVar

from nbtrain.project.experiment import Experiment
from nbtrain.ui.panel import Panel


class Following(Panel):
    """Base of panels on one experiment, or on none."""

    WATCHED: ClassVar[tuple[str, ...]] = ()
    """The experiment's traits whose changes are drawn."""

    def __init__(self, experiment: Experiment | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.show(experiment)

    def show(self, experiment: Experiment | None) -> None:
        """Show another experiment, or none."""
        self.unfollow()
        self.experiment = experiment
        if experiment is not None:
            self.follow_experiment(experiment)
        self.tell("")
        self.redraw()

    def subject(self) -> str:
        """Return the id of the experiment."""
        return self.experiment.id if self.experiment is not None else ""

    def follow_experiment(self, experiment: Experiment) -> None:
        """Redraw for what changes in ``experiment``; a panel adds what belongs to it."""
        self.follow(experiment, *self.WATCHED)
