"""What panels share that list every experiment of a project: the list of cards, and the small news of one.

The whole list is sent when experiments come or go; a tick of one of them is sent as a patch of its card alone, and
is written into the list in place, so that a page that reloads finds it current. A redraw looks at what has changed,
however long the list is. What a card says, each panel decides.
"""

from __future__ import annotations

from typing import Any, ClassVar

from traitlets import Dict, List

from nbtrain.project.experiment import Experiment
from nbtrain.project.project import Project
from nbtrain.ui.panel import Panel
from nbtrain.ui.standing import STEP_S, standing

_SEARCHED = 2000
"""Characters of a description that the list can be searched by."""


class Listed(Panel):
    """Base of panels with one card per experiment, newest first."""

    GAP_S, COMPANY_S = STEP_S, 0.25

    cards = List(Dict(), help="One card per experiment, newest first.").tag(sync=True)

    WATCHED: ClassVar[tuple[str, ...]] = ("name", "description", "tags", "beat", "status", "edited")
    """Traits of an experiment whose changes are drawn."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)

    def follow_project(self, project: Project) -> None:
        """List ``project`` from the next redraw on."""
        self.unfollow()
        self.model, self._followed = project, dict[str, Experiment]()
        self._listed: list[Experiment] | None = None
        self._shown: dict[str, dict[str, Any]] = {}
        self._stale: set[str] = set()
        """Ids of experiments that have changed since they were drawn."""
        self.follow(project, "cards", "notices")

    def card(self, experiment: Experiment) -> dict[str, Any]:
        """Return what the list shows of an experiment: plain values, the words are the view's."""
        raise NotImplementedError

    def draw(self) -> None:
        """Send the whole list where experiments came or went, else only the cards that changed."""
        listed = self.model.cards
        if listed is self._listed:
            self._patch()
            super().draw()
        else:
            with self.hold_sync():
                self._list(listed)
                self.arrived(listed)
                super().draw()

    def arrived(self, listed: list[Experiment]) -> None:
        """Set what hangs on which experiments there are."""

    def patched(self, changed: dict[str, Any]) -> None:
        """Set what hangs on these values of one card."""

    def _list(self, listed: list[Experiment]) -> None:
        before, self._followed = self._followed, {e.id: e for e in listed}
        gone = [experiment for id, experiment in before.items() if self._followed.get(id) is not experiment]
        if gone:
            self.unfollow(*gone)
        for experiment in listed:
            self.follow(experiment, *self.WATCHED, call=self._ticked)
        stale = {self._stale.pop() for _ in range(len(self._stale))}  # first: what changes now is drawn again
        kept = {id: card for id, card in self._shown.items() if id not in stale}
        self.cards = [kept.get(e.id) or self.card(e) for e in listed]
        self._shown = {card["id"]: card for card in self.cards}
        self._listed = listed  # last: a list that could not be drawn is drawn again

    def _patch(self) -> None:
        while self._stale:
            id = self._stale.pop()
            if id not in self._shown:
                continue
            old, new = self._shown[id], self.card(self._followed[id])
            changed = {name: value for name, value in new.items() if old.get(name) != value}
            if changed:
                self.patched(changed)
                old.update(changed)
                self.send({"patch": {"id": id, **changed}})

    def _ticked(self, change: Any) -> None:
        if change["owner"].id in self._followed:
            self._stale.add(change["owner"].id)
        self.soon(change)


def card_of(experiment: Experiment) -> dict[str, Any]:
    """Return what every list shows of an experiment."""
    best, told = experiment.best, standing(experiment)
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
        **{name: told[name] for name in ("progress", "epoch", "epochs", "eta_s", "duration_s")},
        "phase": experiment.phase,
        "place": experiment.place,
        "queued": experiment.queued,
        "held": bool(experiment.held),
        "metric": best.get("metric", ""),
        "value": best.get("value"),
        "cause": error.get("cause", ""),
    }


def is_unsaved(experiment: Experiment) -> bool:
    """Return whether an experiment has a draft in which a person has changed something."""
    return experiment.edited and experiment.status == "created"
