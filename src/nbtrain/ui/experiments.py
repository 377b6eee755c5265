"""The list of experiments, and what an empty project offers.

The whole list is sent when experiments come or go; a tick of one of them is sent as a patch of its card alone, and
is written into the list in place, so that a page that reloads finds it current. A redraw looks at what has changed,
however long the list is. Selecting sets ``selected``; whoever
shows the selected experiment observes that.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Thread
from typing import Any

from traitlets import Bool, Dict, List, Unicode

from nbtrain.errors import NbtrainError
from nbtrain.project import branches
from nbtrain.project.experiment import Experiment
from nbtrain.project.project import Project
from nbtrain.ui.details import finite
from nbtrain.ui.drafts import draft_of
from nbtrain.ui.panel import Panel

_WATCHED = ("name", "description", "tags", "beat", "status", "edited")
_SEARCHED = 2000
"""Characters of a description that the list can be searched by."""


class Experiments(Panel, twin="experiments"):
    """Cards to select, rename, duplicate, delete and compare."""

    GAP_S, COMPANY_S = 0.5, 0.25

    cards = List(Dict(), help="One card per experiment, newest first.").tag(sync=True)
    selected = Unicode(help="Id of the selected experiment, empty for none.").tag(sync=True)
    overlay = List(Unicode(), help="Ids of the experiments that are compared with the selected one.").tag(sync=True)
    known_tags = List(Unicode(), help="Every tag of the project, to complete what is typed.").tag(sync=True)
    asking = Dict(help="What becomes of unsaved edits: id of their experiment; empty without a question.").tag(
        sync=True
    )
    blank = Bool(help="Whether the project has no images yet.").tag(sync=True)
    branching = Dict(
        help="The question from where to branch: id, and step, epoch, metric, value and best of each checkpoint."
    ).tag(sync=True)
    notices = List(Unicode(), help="What of the project could not be read, and why.").tag(sync=True)
    found = Dict(help="What was found at the place that a person named: text, ok, busy.").tag(sync=True)
    visible = Bool(True, help="Whether anybody sees the page; the browser tells.").tag(sync=True)

    def __init__(self, project: Project, opened: Callable[[Project], None] | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._opened = opened or self.show
        self.show(project)
        self.observe(self.soon, "visible")

    def show(self, project: Project) -> None:
        """Follow ``project`` from now on, with its newest experiment selected; images alone get a first one."""
        self.unfollow()
        if project.datasets() and not project.cards:
            project.new()
        self.model, self._followed = project, dict[str, Experiment]()
        self._listed: list[Experiment] | None = None
        self._shown: dict[str, dict[str, Any]] = {}
        self._stale: set[str] = set()
        """Ids of experiments that have changed since they were drawn."""
        self.follow(project, "cards", "notices")
        self._found: dict[str, Any] = {}
        self._asking: dict[str, str] = {}
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

    def redraw(self) -> None:
        """Send the whole list where experiments came or went, else only the cards that changed."""
        with self._drawing:
            listed = self.model.cards
            if listed is self._listed:
                self._patch()
                with self.hold_sync():
                    self._show()
            else:
                with self.hold_sync():
                    self._list(listed)
                    self._show()

    def _list(self, listed: list[Experiment]) -> None:
        self._listed = listed
        for experiment in listed:
            if experiment.id not in self._followed:
                self.follow(experiment, *_WATCHED, call=self._ticked)
        self._followed = {e.id: e for e in listed}
        stale = {self._stale.pop() for _ in range(len(self._stale))}  # first: what changes now is drawn again
        kept = {id: card for id, card in self._shown.items() if id not in stale}
        self.cards = [kept.get(e.id) or card_of(e) for e in listed]
        self._shown = {card["id"]: card for card in self.cards}
        self.known_tags = self.model.tags()
        if self.selected not in self._followed:
            self.selected = listed[0].id if listed else ""
        self.overlay = [id for id in self.overlay if id in self._followed]

    def _show(self) -> None:
        self.asking, self.blank = self._still_asking(), not self.model.datasets()
        self.found, self.notices = self._found, list(self.model.notices)

    def _patch(self) -> None:
        while self._stale:
            id = self._stale.pop()
            if id not in self._shown:
                continue
            old, new = self._shown[id], card_of(self._followed[id])
            changed = {name: value for name, value in new.items() if old.get(name) != value}
            if "tags" in changed:
                self.known_tags = self.model.tags()
            if changed:
                old.update(changed)
                self.send({"patch": {"id": id, **changed}})

    def _ticked(self, change: Any) -> None:
        if change["owner"].id in self._followed:
            self._stale.add(change["owner"].id)
        self.soon(change)

    # -- clicks -------------------------------------------------------------------------------------------------

    def do_select(self, id: str) -> None:
        """Select another experiment, after asking what becomes of unsaved edits."""
        if id in self._followed and not self._ask("select", id):
            self.selected = id

    def do_new(self) -> None:
        """Make an experiment and select it, after asking what becomes of unsaved edits."""
        if not self._ask("new"):
            self._select(self.model.new())

    def do_leave(self, how: str) -> None:
        """Answer the question about unsaved edits: save, discard, or anything else to stay."""
        asked, self._asking = self._asking, {}
        experiment = self._followed.get(asked.get("id", ""))
        if experiment is None or how not in ("save", "discard"):
            return
        if how == "save":
            experiment.save()
        else:
            draft_of(experiment).refused = {}
            experiment.revert()
        if asked["then"] == "new":
            self._select(self.model.new())
        elif asked["to"] in self._followed:
            self.selected = asked["to"]

    def _ask(self, then: str, to: str = "") -> bool:
        """Ask about the selected experiment's edits; return whether there is anything to ask."""
        experiment = self.experiment
        if experiment is None or experiment.id == to or not is_unsaved(experiment):
            return False
        self._asking = {"id": experiment.id, "then": then, "to": to}
        return True

    def _still_asking(self) -> dict[str, str]:
        asked = self._followed.get(self._asking.get("id", ""))
        if asked is None or asked.id != self.selected or not is_unsaved(asked):
            self._asking = {}
        return dict(self._asking)

    def do_rename(self, id: str, name: str) -> None:
        """Give an experiment another name."""
        self._followed[id].rename(name)

    def do_tag(self, id: str, tags: list[str]) -> None:
        """Give an experiment other tags, at once on disk where it has been saved."""
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

    def do_delete(self, id: str) -> None:
        """Move an experiment to the trash; one that runs is stopped first, which takes a moment."""
        Thread(target=self._delete, args=(self._followed[id],), name="nbtrain-delete", daemon=True).start()

    def do_digits(self) -> None:
        """Fill the project with the handwritten digits that nbtrain brings along."""
        self._work("Writing 1 797 images…", self._add_digits)

    def do_add_images(self, path: str) -> None:
        """Add the images at ``path`` and make a first experiment with them."""
        self._work(f"Looking at {path}…", lambda: self._add_images(path))

    def _select(self, experiment: Experiment) -> None:
        self.redraw()
        self.selected = experiment.id

    def _delete(self, experiment: Experiment) -> None:
        try:
            experiment.delete()
        except NbtrainError as error:
            self.tell(str(error))
        self.soon()

    def _work(self, text: str, job: Callable[[], str]) -> None:
        """Run a job of seconds on a thread of its own: handlers share one thread and must return at once."""
        self._found = {"text": text, "busy": True}
        Thread(target=self._finish, args=(job,), name="nbtrain-add", daemon=True).start()

    def _finish(self, job: Callable[[], str]) -> None:
        try:
            self._found = {"text": job(), "ok": True}
        except NbtrainError as error:
            self._found = {"text": str(error), "ok": False}
        self.soon()

    def _add_digits(self) -> str:
        from nbtrain import demo

        project = demo.digits(self.model.path)
        if not project.cards:
            project.new("Quickstart")
        self._opened(project)
        return "The digits are ready."

    def _add_images(self, path: str) -> str:
        made = self.model.add_images(path)
        if not self.model.cards:
            self.model.new()
        return f"Found {made.n_images} images in {len(made.classes)} classes."


def is_unsaved(experiment: Experiment) -> bool:
    """Return whether leaving an experiment leaves something that a person has changed and not saved."""
    return experiment.edited and experiment.status == "created"


def checkpoints_of(experiment: Experiment) -> list[dict[str, Any]]:
    """Return the checkpoints of an experiment's newest run, each with the watched metric at its time."""
    metric = str(experiment.best.get("metric", "")) or "loss"
    return [
        {**{name: one[name] for name in ("step", "epoch", "best")}, "metric": metric,
         "value": finite(one["metrics"].get(metric))}
        for one in branches.offered(experiment.run)
    ]  # fmt: skip


def card_of(experiment: Experiment) -> dict[str, Any]:
    """Return what the list shows of an experiment: plain values, the words are the view's."""
    best = experiment.best
    error = experiment.error if experiment.status == "failed" else {}  # reading it costs the journal
    return {
        "id": experiment.id,
        "name": experiment.name,
        "status": experiment.status,
        "tags": list(experiment.tags),
        "description": experiment.description[:_SEARCHED],
        "edited": is_unsaved(experiment),
        "runs": 1 if experiment.run_path else 0,
        "evaluations": len(experiment.evaluations) if experiment.run_path else 0,
        "created_s": experiment.created_s,
        "progress": round(experiment.progress, 3),
        "epoch": experiment.epoch,
        "epochs": experiment.epochs,
        "eta_s": _rounded(experiment.eta_s),
        "phase": experiment.phase,
        "place": experiment.place,
        "queued": experiment.queued,
        "metric": best.get("metric", ""),
        "value": best.get("value"),
        "duration_s": _rounded(experiment.duration_s) or None,
        "cause": error.get("cause", ""),
    }


def _rounded(seconds: float | None) -> float | None:
    """Whole seconds, and fives above a minute: a card need not tick with every message."""
    if seconds is None:
        return None
    return float(round(seconds)) if seconds < 60 else float(round(seconds / 5) * 5)
