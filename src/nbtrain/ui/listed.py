"""What panels share that list every experiment of a project: the list of cards, and the small news of one.

The whole list is sent when experiments come or go; a tick of one of them is sent as a patch of its card alone, and
is written into the list in place, so that a page that reloads finds it current. A redraw looks at what has changed,
however long the list is. What a card says, each panel decides.
"""

from __future__ import annotations

from typing import Any, ClassVar

from traitlets import Bool, Dict, List

from nbtrain.project.experiment import Experiment
from nbtrain.project.project import Project
from nbtrain.ui.panel import Panel

_SEARCHED = 2000
"""Characters of a description that the list can be searched by."""


class Listed(Panel):
    """Base of panels with one card per experiment, newest first."""

    GAP_S, COMPANY_S = 0.5, 0.25

    cards = List(Dict(), help="One card per experiment, newest first.").tag(sync=True)
    visible = Bool(True, help="Whether anybody sees the page; the browser tells.").tag(sync=True)

    WATCHED: ClassVar[tuple[str, ...]] = ("name", "description", "tags", "beat", "status", "edited")
    """Traits of an experiment whose changes are drawn."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.observe(self.soon, "visible")

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

    def redraw(self) -> None:
        """Send the whole list where experiments came or went, else only the cards that changed."""
        with self._drawing:
            listed = self.model.cards
            if listed is self._listed:
                self._patch()
                with self.hold_sync():
                    super().redraw()
            else:
                with self.hold_sync():
                    self._list(listed)
                    self.arrived(listed)
                    super().redraw()

    def arrived(self, listed: list[Experiment]) -> None:
        """Set what hangs on which experiments there are."""

    def patched(self, changed: dict[str, Any]) -> None:
        """Set what hangs on these values of one card."""

    def _list(self, listed: list[Experiment]) -> None:
        self._listed = listed
        for experiment in listed:
            if experiment.id not in self._followed:
                self.follow(experiment, *self.WATCHED, call=self._ticked)
        self._followed = {e.id: e for e in listed}
        stale = {self._stale.pop() for _ in range(len(self._stale))}  # first: what changes now is drawn again
        kept = {id: card for id, card in self._shown.items() if id not in stale}
        self.cards = [kept.get(e.id) or self.card(e) for e in listed]
        self._shown = {card["id"]: card for card in self.cards}

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
        "held": bool(experiment.held),
        "metric": best.get("metric", ""),
        "value": best.get("value"),
        "duration_s": _rounded(experiment.duration_s) or None,
        "cause": error.get("cause", ""),
    }


def is_unsaved(experiment: Experiment) -> bool:
    """Return whether leaving an experiment leaves something that a person has changed and not saved."""
    return experiment.edited and experiment.status == "created"


def _rounded(seconds: float | None) -> float | None:
    """Whole seconds, and fives above a minute: a card need not tick with every message."""
    if seconds is None:
        return None
    return float(round(seconds)) if seconds < 60 else float(round(seconds / 5) * 5)
