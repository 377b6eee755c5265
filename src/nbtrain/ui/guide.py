"""The guided start as a panel: task, data, classes, configuration and review, over the one draft of a project.

Looking at images takes seconds, so a thread of its own does it, and the panel says so meanwhile. What a step means and
lacks, the draft says (project/guiding.py); this file knows widgets, and which step is open.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from traitlets import Bool, Dict, List, Unicode

from nbtrain.data import names
from nbtrain.data.records import counted
from nbtrain.errors import ConfigError
from nbtrain.presets import presets_for
from nbtrain.project.experiment import Experiment
from nbtrain.project.gathering import Gathered
from nbtrain.project.guiding import STEPS
from nbtrain.project.offers import Offer, is_project, project_name
from nbtrain.project.project import Project
from nbtrain.project.reviewing import Review, review_of, step_of
from nbtrain.ui.adding import Adding, Turn
from nbtrain.ui.form import plain_choice, plain_field, plain_value
from nbtrain.ui.panel import Panel

_SHOWN = 6
_TOLD = 8
"""Findings that a review shows."""


class Choosing(Adding):
    """Adding images to a draft: they are looked at, and become a data set only with the experiment."""

    def _looked(self, turn: Turn) -> dict[str, Any]:
        folder = Path(turn.path).expanduser()
        if is_project(folder):
            told = [f"Project: {project_name(folder)}", "Its data sets can be chosen from the list."]
            return {"lines": told, "ok": True}
        return super()._looked(turn)

    def _used(self, turn: Turn, name: str, into: str) -> dict[str, Any]:
        guide, folder = self.project.guide(), Path(turn.path).expanduser()
        if is_project(folder):
            guide.offer(folder)
        else:
            guide.use(self._ready(turn))
        return {"path": "", "done": ""}


class GuidePanel(Panel, twin="guide"):
    """From a task to an experiment, step by step."""

    steps = List(Dict(), help="Key, label, summary and what is missing of each step.").tag(sync=True)
    step = Unicode("task", help="Key of the step that is open.").tag(sync=True)
    busy = Unicode(help="What is going on; empty for nothing.").tag(sync=True)
    touched = Bool(help="Whether discarding loses anything.").tag(sync=True)
    tasks = List(Dict(), help="Kind, label and meaning of each task.").tag(sync=True)
    task = Unicode(help="Kind of the chosen task.").tag(sync=True)
    offers = List(Dict(), help="Data sets within reach, by project.").tag(sync=True)
    merging = Dict(help="Name of the data set, whether it is made, and the sets that it is made of.").tag(sync=True)
    classes = Dict(help="Rows of name, images and images by set; dropped ones; what can be undone.").tag(sync=True)
    notices = List(Unicode(), help="What a person should know of the data, in sentences.").tag(sync=True)
    adding = Dict(help="What was found at a path, as ui/adding.py has it.").tag(sync=True)
    name = Unicode(help="Name of the experiment.").tag(sync=True)
    presets = List(Dict(), help="Key, label and purpose of each preset, and whether it is chosen.").tag(sync=True)
    fields = List(Dict(), help="The fields that matter most.").tag(sync=True)
    values = Dict(help="Their values, by path.").tag(sync=True)
    own = List(Unicode(), help="Paths of the values that were set here.").tag(sync=True)
    refused = Dict(help="What was typed and refused, by path: text, message, advice.").tag(sync=True)
    catalog = Dict(help="Choices of long lists, by path.").tag(sync=True)
    review = Dict(help="The whole draft, while its step is open.").tag(sync=True)

    def __init__(
        self,
        project: Project,
        made: Callable[[Experiment, bool], None] | None = None,
        closed: Callable[[], None] | None = None,
        **kwargs: Any,
    ) -> None:
        """Show the draft of ``project``.

        ``made`` hears of the experiment and whether to train it, ``closed`` of Close.
        """
        super().__init__(**kwargs)
        self._made, self._closed = made or (lambda experiment, train: None), closed or (lambda: None)
        self._working = threading.Lock()
        self.show(project)

    def show(self, project: Project) -> None:
        """Follow the draft of ``project`` from now on."""
        self.unfollow()
        self.model, self.guide = project, project.guide()
        self._offered: list[Offer] = []
        self._gathered = self.guide.looked or Gathered()
        self._step, self._doing, self._looking, self._again = STEPS[0], "", False, False
        self._refused: dict[str, Any] = {}
        self._opened: set[str] = set()
        self._adding = Choosing(project, self.soon, lambda name: None)
        self.follow(self.guide, "changed", call=self._changed)
        self._look()
        self.redraw()

    # -- looking ------------------------------------------------------------------------------------------------

    def _changed(self, _: Any = None) -> None:
        self._look()
        self.soon()

    def _look(self) -> None:
        """Look at what was chosen on a thread of its own, once more where something changes meanwhile."""
        with self._working:
            self._again = True
            if self._looking:
                return
            self._looking = True
        self.aside("guide", self._looked)

    def _looked(self) -> None:
        while True:
            with self._working:
                if not self._again:
                    self._looking = False
                    break
                self._again, guide = False, self.guide
            with self.telling("looking at the images"):
                self._offered = guide.offered
                found = guide.look()
                guide.split_of(found)
                self._gathered = found

    # -- drawing ------------------------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """Return the draft as it stands; while it is being looked at, the data as they were seen last."""
        guide, gathered = self.guide, self._gathered
        looking = "Looking at the images…" if guide.looked is None else ""
        config = guide.config
        return {
            "steps": [
                {"key": one.key, "label": one.label, "summary": one.summary, "missing": [_told(p) for p in one.missing]}
                for one in guide.steps_of(gathered)
            ],
            "step": self._step,
            "busy": self._doing or looking,
            "touched": guide.touched,
            "tasks": [{"kind": one.kind, "label": one.label, "about": one.about} for one in guide.tasks],
            "task": guide.task,
            "offers": self._offers(),
            "merging": self._merging(gathered),
            "classes": self._classes(gathered),
            "notices": names.without_notices(guide.data_notices(gathered), _class_names(gathered)),
            "adding": self._adding.state,
            "name": guide.name,
            "presets": [
                {"key": one.key, "label": one.label, "about": one.about, "on": one.key == guide.preset_key}
                for one in presets_for(config)
            ],
            **self._fields(),
            "own": list(guide.values),
            "refused": self._refused,
            "review": plain_review(review_of(guide, gathered)) if self._step == "review" else {},
        }

    def _offers(self) -> list[dict[str, Any]]:
        """Return every data set within reach, then the images that were chosen by a path."""
        chosen, counts = self.guide.chosen, self._gathered.counts
        places = {one.key: place for place, one in enumerate(chosen, start=1)}
        known = {offer.choice.key for offer in self._offered}
        images = counts.images if counts and len(counts.images) == len(chosen) else [None] * len(chosen)
        none: dict[str, Any] = {"project": "", "classes": [], "n_classes": 0, "several": False, "loose": True}
        loose = [
            {**none, "key": one.key, "name": one.name, "images": n, "place": places[one.key],
             "where": one.source.path if one.source else str(one.folder)}
            for one, n in zip(chosen, images, strict=True) if one.key not in known
        ]  # fmt: skip
        return [*(_offer(offer, places.get(offer.choice.key, 0)) for offer in self._offered), *loose]

    def _merging(self, gathered: Gathered) -> dict[str, Any]:
        guide, counts = self.guide, gathered.counts
        sets = [piece.name for piece in gathered.pieces]
        n_images = len(counts.listing) if counts else None
        return {"name": guide.data_name, "made": not guide.as_it_is, "sets": sets, "images": n_images}

    def _classes(self, gathered: Gathered) -> dict[str, Any]:
        guide, counts = self.guide, gathered.counts
        rows = [{"name": name, "count": n, "per": list(own)} for name, n, own in counts.by_class()] if counts else []
        dropped = [name for name, to in gathered.merged.edits.names.items() if not to] if gathered.merged else []
        per_class = {name: n for name, n, _ in counts.by_class()} if counts else {}
        return {
            "rows": rows, "dropped": dropped, "undo": guide.edited_classes, "leave_out": guide.leave_out,
            "alike": [group.plain(per_class) for group in names.alike(tuple(per_class))],
        }  # fmt: skip

    def _fields(self) -> dict[str, Any]:
        described, values, catalog = [], {}, {}
        config = self.guide.config
        for field in self.guide.main_fields:
            kind = field.path == "model.kind"
            plain = plain_field(replace(field, label="Network from") if kind else field)
            described.append(plain)
            value = values[field.path] = plain_value(config.get(field.path))
            if plain.get("searchable"):
                every = field.path in self._opened
                catalog[field.path] = [plain_choice(c) for c in field.choices if every or c.value == value]
        return {"fields": described, "values": values, "catalog": catalog}

    # -- clicks -------------------------------------------------------------------------------------------------

    def do_go(self, step: str) -> None:
        """Open a step."""
        if step in STEPS:
            self._step = step

    def do_task(self, kind: str) -> None:
        """Choose a task."""
        self.guide.task = kind

    def do_use(self, key: str) -> None:
        """Choose a data set, or no longer."""
        chosen = next((one for one in self.guide.chosen if one.key == key), None)
        if chosen is not None:
            self.guide.unuse(chosen)
        else:
            self.guide.use(next(offer.choice for offer in self._offered if offer.choice.key == key))

    def do_look(self, path: str, root: str = "", reading: str = "") -> None:
        """Say what lies at a path, read as was chosen; an empty one asks nothing any more."""
        self._adding.look(path, root, reading)

    def do_add(self, path: str, into: bool = False, root: str = "", reading: str = "") -> None:
        """Choose the images at a path, or offer the data sets of the project there."""
        self._adding.add(path, root=root, reading=reading)

    def do_stop(self) -> None:
        """Give up looking at a path."""
        self._adding.cancel()

    def do_data_name(self, name: str) -> None:
        """Name the data set that will be made."""
        self.guide.data_name = name

    def do_rename(self, name: str, to: str) -> None:
        """Call a class otherwise, or make two one."""
        self.guide.rename(name, to)

    def do_merge(self, names: list[str], into: str) -> None:
        """Make classes one."""
        self.guide.merge(names, into)

    def do_drop(self, name: str) -> None:
        """Leave a class out."""
        self.guide.drop(name)

    def do_take(self, name: str) -> None:
        """Take a class in again."""
        self.guide.as_found(name)

    def do_move(self, name: str, by: int) -> None:
        """Move a class up or down."""
        order = list(self.guide.classes)
        at = order.index(name)
        order.insert(max(0, min(len(order) - 1, at + by)), order.pop(at))
        self.guide.reorder(order)

    def do_undo(self) -> None:
        """Take back the newest edit of a class."""
        self.guide.undo()

    def do_leave_out(self, wanted: bool) -> None:
        """Leave out what the task cannot use, or no longer."""
        self.guide.leave_out = wanted

    def do_name(self, name: str) -> None:
        """Name the experiment."""
        self.guide.name = name

    def do_preset(self, key: str) -> None:
        """Choose a preset, or none."""
        self.guide.preset(key)

    def do_set(self, path: str, value: Any, join: str = "") -> None:
        """Set a field; a refused text stays with its message."""
        kept = {p: told for p, told in self._refused.items() if p != path}
        try:
            self.guide.set(path, value)
        except ConfigError as error:
            told = next((p for p in error.problems if p.path == path), error.problems[0])
            kept[path] = {"text": value, "message": told.message, "advice": told.advice}
        self._refused = kept

    def do_unset(self, path: str) -> None:
        """Take a field as preset and defaults have it."""
        self._refused = {p: told for p, told in self._refused.items() if p != path}
        self.guide.unset(path)

    def do_catalog(self, path: str) -> None:
        """Send a long list of choices whole from now on."""
        self._opened.add(path)

    def do_discard(self) -> None:
        """Begin anew."""
        self._refused = {}
        self._adding.look("")
        self.guide.discard()
        self._step = STEPS[0]

    def do_close(self) -> None:
        """Put the guide away; the draft stays."""
        self._closed()

    def do_create(self, train: bool = False) -> None:
        """Make the experiment, and train it where that is wanted."""
        if self._doing:
            return
        self._doing = "Creating…"
        self.aside("create", lambda: self._create(train))

    def _create(self, train: bool) -> None:
        try:
            made = self.guide.create()
            self.show(self.model)
            self._made(made, train)
        finally:
            self._doing = ""


def _class_names(gathered: Gathered) -> tuple[str, ...]:
    return gathered.counts.listing.classes if gathered.counts else ()


def _offer(offer: Offer, place: int) -> dict[str, Any]:
    """Return a data set as plain JSON, with its place among the chosen, 0 where it is not."""
    return {
        "key": offer.choice.key, "name": offer.name, "project": offer.project, "where": str(offer.choice.folder),
        "images": offer.n_images, "classes": list(offer.classes[:_SHOWN]), "n_classes": len(offer.classes),
        "several": offer.multilabel, "place": place,
    }  # fmt: skip


def plain_review(found: Review) -> dict[str, Any]:
    """Return a review as plain JSON."""
    return {
        "ready": found.ready,
        "name": found.name,
        "data": found.data_name,
        "made": found.made,
        "facts": [{"label": label, "value": value} for label, value in found.facts],
        "changes": [{"label": r["label"], "default": r["values"][0], "value": r["values"][1]} for r in found.changes],
        "sets": [{"name": row.name, "images": row.n_images, **row.sets} for row in found.data],
        "classes": [{"name": row.name, "images": row.n_images, **row.sets} for row in found.classes],
        "findings": [{"level": f.level, "text": f.text, "step": step_of(f.path)} for f in found.findings[:_TOLD]],
        "missing": [_told(problem) for problem in found.missing],
    }


def _told(problem: Any) -> dict[str, str]:
    text = problem.message[:1].upper() + problem.message[1:]
    return {"step": problem.path, "message": text, "advice": problem.advice}


def said_of(experiment: Experiment) -> str:
    """Return what a toast says of an experiment that was made."""
    info = experiment.data_info
    return f"“{experiment.name}” is created, with {counted(info.get('n_images', 0), 'image', 'images')}."
