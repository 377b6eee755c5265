"""The list of experiments, and what an empty project offers.

Selecting sets ``selected``; whoever shows the selected experiment observes that.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from traitlets import Bool, Dict, List, Unicode

from nbtrain.errors import NbtrainError
from nbtrain.project import branches
from nbtrain.project.experiment import Experiment
from nbtrain.project.project import Project
from nbtrain.ui.adding import Adding
from nbtrain.ui.details import finite
from nbtrain.ui.listed import Listed, card_of


class Experiments(Listed, twin="experiments"):
    """Cards to select, rename, duplicate, delete and compare."""

    selected = Unicode(help="Id of the selected experiment, empty for none.").tag(sync=True)
    overlay = List(Unicode(), help="Ids of the experiments that are compared with the selected one.").tag(sync=True)
    known_tags = List(Unicode(), help="Every tag of the project, to complete what is typed.").tag(sync=True)
    blank = Bool(help="Whether the project has no images yet.").tag(sync=True)
    branching = Dict(
        help="The question from where to branch: id, and step, epoch, metric, value and best of each checkpoint."
    ).tag(sync=True)
    notices = List(Unicode(), help="What of the project could not be read, and why.").tag(sync=True)
    found = Dict(help="What becomes of the digits that somebody asked for: text, ok, busy.").tag(sync=True)
    adding = Dict(help="What was found at a path, and how it can be read, as ui/adding.py has it.").tag(sync=True)

    guided = Bool(help="Whether there is a place where a guided start can be shown.").tag(sync=True)

    def __init__(
        self,
        project: Project,
        opened: Callable[[Project], None] | None = None,
        guided: Callable[[], None] | None = None,
        again: Callable[[], None] | None = None,
        **kwargs: Any,
    ) -> None:
        """Show ``project``.

        ``opened`` gets another one that is opened, ``guided`` the wish for a guided start; ``again`` hears where the
        experiment that is selected already is chosen once more.
        """
        super().__init__(**kwargs)
        self._opened, self._guided, self._again = opened or self.show, guided, again or (lambda: None)
        self.guided = guided is not None
        self.adder = Adding(project, self.soon, self._added)
        """Who looks at paths, and adds what lies there."""
        self.show(project)

    def show(self, project: Project) -> None:
        """Follow ``project`` from now on, with its newest experiment selected; images alone get a first one."""
        if project.datasets() and not project.cards:
            project.new(on_disk=False)  # nobody has done anything yet
        self.follow_project(project)
        self.adder.project = project
        self._found: dict[str, Any] = {}
        with self.hold_sync():
            self.overlay, self.selected = [], ""
            self.redraw()

    @property
    def experiment(self) -> Experiment | None:
        """The selected experiment."""
        return self._followed.get(self.selected)

    def compared(self) -> list[tuple[int, Experiment]]:
        """Return the experiments that are compared with the selected one, each with its place among the ticked."""
        ticked = enumerate(self.overlay)
        return [(place, self._followed[id]) for place, id in ticked if id in self._followed and id != self.selected]

    # -- drawing ------------------------------------------------------------------------------------------------

    def card(self, experiment: Experiment) -> dict[str, Any]:
        """Return what the list shows of an experiment."""
        return card_of(experiment)

    def arrived(self, listed: list[Experiment]) -> None:
        """Complete tags by those that are there, and select one that is."""
        self.known_tags = self.model.tags()
        if self.selected not in self._followed:
            self.selected = listed[0].id if listed else ""
        self.overlay = [id for id in self.overlay if id in self._followed]

    def patched(self, changed: dict[str, Any]) -> None:
        """Complete tags by the new ones too."""
        if "tags" in changed:
            self.known_tags = self.model.tags()

    def state(self) -> dict[str, Any]:
        """Return what stands around the list."""
        return {
            "blank": not self.model.datasets(),
            "found": self._found,
            "adding": self.adder.state,
            "notices": list(self.model.notices),
        }

    # -- clicks -------------------------------------------------------------------------------------------------

    def do_select(self, id: str) -> None:
        """Select another experiment; what is edited stays as it is, in its draft."""
        if id == self.selected:
            self._again()
        elif id in self._followed:
            self.selected = id

    def do_new(self) -> None:
        """Make an experiment and select it."""
        self._select(self.model.new())

    def do_guide(self) -> None:
        """Begin a new experiment step by step, or go on with it."""
        if self._guided is not None:
            self._guided()

    def do_rename(self, id: str, name: str) -> None:
        """Give an experiment another name."""
        self._followed[id].rename(name)

    def do_tag(self, id: str, tags: list[str]) -> None:
        """Give an experiment other tags."""
        self._followed[id].annotate(tags=tags)

    def do_duplicate(self, id: str) -> None:
        """Copy an experiment and select the copy."""
        self._select(self._followed[id].duplicate())

    def do_ask_branch(self, id: str) -> None:
        """Show from which checkpoints of an experiment one could branch; an empty id asks nothing any more."""
        self.branching = {"id": id, "checkpoints": checkpoints_of(self._followed[id])} if id else {}

    def do_branch(self, id: str, checkpoint: str | int) -> None:
        """Make an experiment that goes on from a checkpoint of this one, and select it."""
        self.branching = {}
        self._select(self._followed[id].branch(checkpoint))

    def do_shift(self, id: str, by: int) -> None:
        """Move a waiting experiment by so many places in the queue; -1 is one up."""
        self.model.queue.shift(self._followed[id], by)

    def do_start_held(self, id: str) -> None:
        """Let an experiment start that somebody else has queued."""
        self.model.queue.start(self._followed[id])

    def do_delete(self, id: str) -> None:
        """Move an experiment to the trash; one that runs is stopped first, which takes a moment."""
        experiment = self._followed[id]
        self.aside("delete", experiment.delete)

    def do_digits(self) -> None:
        """Fill the project with the handwritten digits that nbtrain brings along."""
        self._work("Writing 1 797 images…", self._add_digits)

    def do_look(self, path: str, root: str = "", reading: str = "") -> None:
        """Say what lies at a path, read as was chosen, before it is used; an empty one asks nothing any more."""
        self.adder.look(path, root, reading)

    def do_add(self, path: str, root: str = "", reading: str = "") -> None:
        """Add the images at a path, and make a first experiment with them."""
        self.adder.add(path, root=root, reading=reading)

    def do_stop_adding(self) -> None:
        """Give up looking or adding."""
        self.adder.cancel()

    def _select(self, experiment: Experiment) -> None:
        self.redraw()
        self.selected = experiment.id

    def _work(self, text: str, job: Callable[[], str]) -> None:
        """Run a job of seconds on a thread of its own: handlers share one thread and must return at once."""
        self._found = {"text": text, "busy": True}
        self.aside("add", lambda: self._finish(job))

    def _finish(self, job: Callable[[], str]) -> None:
        found: dict[str, Any] = {}
        try:
            found = {"text": job(), "ok": True}
        except NbtrainError as error:
            found = {"text": str(error), "ok": False}
        finally:
            self._found = found  # whatever went wrong, it is over

    def _add_digits(self) -> str:
        from nbtrain import demo

        project = demo.digits(self.model.path)
        if not project.cards:
            project.new("Quickstart")
        self._opened(project)
        return "The digits are ready."

    def _added(self, _: str) -> None:
        if not self.model.cards:
            self.model.new()


def checkpoints_of(experiment: Experiment) -> list[dict[str, Any]]:
    """Return the checkpoints of an experiment's newest run, each with the watched metric at its time."""
    metric = str(experiment.best.get("metric", "")) or "loss"
    return [
        {**{name: one[name] for name in ("step", "epoch", "best")}, "metric": metric,
         "value": finite(one["metrics"].get(metric))}
        for one in branches.offered(experiment.run)
    ]  # fmt: skip
