"""The form: an experiment's configuration, described field by field so that the browser can draw any of it.

What the fields are comes from :mod:`nbtrain.schema`; an edit goes through ``experiment.set`` and is kept or refused
there. A refused text stays in the form and in the draft, and never reaches the configuration. Structure and values are
separate traits, so that an edit sends little.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from traitlets import Bool, Dict, List, Unicode

from nbtrain.config import Config
from nbtrain.errors import NbtrainError
from nbtrain.project.experiment import Experiment
from nbtrain.schema import Choice, Field, Section, fields
from nbtrain.ui.live_fields import changed_words, refused_live, shown_config
from nbtrain.ui.machine import gpus
from nbtrain.ui.plan import Planned, plan_of
from nbtrain.ui.preview import Illustrated
from nbtrain.ui.starting import start_of

_WATCHED = (
    *("config", "refused", "dirty", "edited", "unkept", "can_undo", "can_redo", "outside", "problems", "status"),
    *("name", "description", "tags", "data_info", "changes", "asked", "refusals"),
)
_MANY = 40
_OPEN = ("model", "optimizer", "training")
"""Sections that are open at first; the others say in a line what they hold."""


class Form(Planned, Illustrated, twin="form"):
    """The configuration of one experiment, to read, edit, save and train."""

    sections = List(Dict(), help="Key, title and fields of every section, without values.").tag(sync=True)
    values = Dict(help="Every field's value, by path.").tag(sync=True)
    hidden = List(Unicode(), help="Paths of the fields that do not apply now.").tag(sync=True)
    refused = Dict(help="What was typed and refused, by path: text, message, advice.").tag(sync=True)
    problems = List(Dict(), help="What keeps the configuration from training: path, message, advice.").tag(sync=True)
    catalog = Dict(help="Choices of long lists, by path: the present one; all once looked at.").tag(sync=True)
    status = Unicode(help="The experiment's status, empty without an experiment.").tag(sync=True)
    editable = Bool(help="Whether the configuration can be edited.").tag(sync=True)
    live = Bool(help="Whether the run trains, so that the fields which may change live can be edited.").tag(sync=True)
    changed = Dict(help="What became of the fields that were changed since the run began, in words, by path.").tag(
        sync=True
    )
    dirty = Bool(help="Whether there are edits that are not saved.").tag(sync=True)
    can_undo = Bool(help="Whether there is an edit to take back.").tag(sync=True)
    can_redo = Bool(help="Whether there is an edit to bring back.").tag(sync=True)
    can_train = Bool(help="Whether Train can be pressed.").tag(sync=True)
    starting = Bool(help="Whether a start is under way.").tag(sync=True)
    reason = Unicode(help="Why Train cannot be pressed.").tag(sync=True)
    footer = Dict(help="Effective batch size and what it is made of; steps per epoch.").tag(sync=True)

    def __init__(self, experiment: Experiment | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.show(experiment)

    def show(self, experiment: Experiment | None) -> None:
        """Show another experiment, or none."""
        self.unfollow()
        self.experiment = experiment
        self._opened: set[str] = set()
        self.forget_pictures()
        self._looked_at, self._said, self._compared, self._sheet = "", "", (), {}
        if experiment is not None:
            self.follow(experiment, *_WATCHED)
            self.follow(start_of(experiment), "starting", "trouble")
            self.follow_plan(experiment)
        self.hear(experiment)
        with self.hold_sync():
            self.tell("")
            self.redraw()

    # -- drawing ------------------------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """Return the form of the present configuration."""
        experiment = self.experiment
        if experiment is None:
            empty = {"status": "", "sections": [], "values": {}, "name": "", "compared": {}, "said": ""}
            return {**empty, **self.unadvised(), **self.unillustrated(), "measured": {}, "plan": {}}
        start, reason, editable = start_of(experiment), why_not(experiment), experiment.status == "created"
        described = describe(shown_config(experiment), choices_here(experiment))
        described["catalog"] |= {path: self._choices(path) for path in self._opened if path in described["catalog"]}
        return {
            **described,
            **self.tools(experiment),
            **self.advised(experiment),
            "measured": self.measured_now(experiment),
            "plan": plan_of(experiment),
            **self.illustrated(experiment),
            "trouble": start.trouble or self.told or experiment.unkept,
            "refused": {**refused_live(experiment), **experiment.refused},
            "problems": list(experiment.problems),
            "status": experiment.status,
            "editable": editable,
            "live": experiment.status in ("preparing", "training") or bool(experiment.place),
            "changed": changed_words(experiment),
            "dirty": experiment.dirty,
            "can_undo": editable and experiment.can_undo,
            "can_redo": editable and experiment.can_redo,
            "can_train": not reason and not start.starting,
            "starting": start.starting,
            "reason": reason,
            "footer": footer_of(experiment),
        }

    # -- clicks -------------------------------------------------------------------------------------------------

    def perform(self, what: str, of: str | None = None, **wish: Any) -> None:
        """Do what a click asks for; what was said about the last one is over."""
        if what not in ("catalog", "look", "picture"):
            self._said = ""
        super().perform(what, of, **wish)

    def do_set(self, path: str, value: Any, join: str = "") -> None:
        """Set one field; a refused text stays in the form with its message. Edits of one ``join`` are one to undo."""
        start_of(self._shown).trouble = ""
        self._shown.enter(path, value, join=join)

    def do_undo(self) -> None:
        """Take back the last edit, or the last refused text."""
        self._shown.undo()

    def do_redo(self) -> None:
        """Bring back the edit that was taken back last."""
        self._shown.redo()

    def do_revert(self) -> None:
        """Go back to what was saved."""
        self._shown.revert()

    def do_save(self) -> None:
        """Make what is edited the configuration; what has problems is named instead."""
        try:
            self._shown.save()
        except NbtrainError as error:
            self.tell(f"Not saved: {error}")

    def do_train(self) -> None:
        """Save and start training."""
        if not why_not(self._shown):
            start_of(self._shown).go()

    def do_duplicate(self) -> None:
        """Make a copy that can be edited; the list selects what is new."""
        self._shown.duplicate()

    def do_catalog(self, path: str) -> None:
        """Send the long list of choices at ``path`` from now on."""
        self._opened.add(path)

    def _choices(self, path: str) -> list[dict[str, str]]:
        found = next(f for f in fields(self._shown.config) if f.path == path)
        return [plain_choice(choice) for choice in found.choices]


def why_not(experiment: Experiment) -> str:
    """Return why ``experiment`` cannot be trained with what stands in its form; empty where it can."""
    problems = experiment.problems
    if problems:  # each is named at its field, and in the list above the button
        return f"Train is off: {'1 value needs' if len(problems) == 1 else f'{len(problems)} values need'} attention."
    if experiment.outside is not None:
        return "Train is off: the experiment's file was changed by somebody else. Choose a version first."
    return ""


def describe(config: Config, known: Mapping[str, tuple[Choice, ...]]) -> dict[str, Any]:
    """Return sections, values and hidden paths of ``config``, as plain JSON.

    ``known`` are choices, by path, that only the project or the machine knows.
    """
    sections = {key: section_of(key) for key in type(config).model_fields}
    values, hidden, now = {}, [], {}
    for described in fields(config):
        found = replace(described, choices=known[described.path]) if described.path in known else described
        key = found.path.partition(".")[0]
        sections[key]["fields"].append(plain_field(found))
        if len(found.choices) > _MANY:
            now[found.path] = [plain_choice(c) for c in found.choices if c.value == config.get(found.path)]
        values[found.path] = plain_value(config.get(found.path))
        if not found.shown:
            hidden.append(found.path)
    for section in sections.values():
        section["fields"].sort(key=_rank)
    return {"sections": list(sections.values()), "values": values, "hidden": hidden, "catalog": now}


def _rank(field: dict[str, Any]) -> int:
    """What decides about the others stands first: the kind, then what is chosen from a long list."""
    return 0 if field["type"] == "kind" else 1 if "searchable" in field else 2


def choices_here(experiment: Experiment) -> dict[str, tuple[Choice, ...]]:
    """Return the choices that no definition of a field can know: the project's data sets, this machine's devices."""
    found = [Choice(d.name, d.name, f"{d.n_images} images") for d in experiment.project.datasets()]
    devices = [Choice(f"cuda:{i}", f"GPU {i} · {gpu['name']}") for i, gpu in enumerate(gpus())]
    usual = [Choice("auto", "automatic: first GPU, else CPU"), Choice("cpu", "CPU")]
    return {"data.dataset": tuple(found), "hardware.device": (*usual, *devices)}


def section_of(key: str) -> dict[str, Any]:
    """Return a section without its fields, under the family's name, not the present kind's."""
    title = key[:1].upper() + key[1:].replace("_", " ")
    return {"key": key, "title": title, "open": key in _OPEN, "fields": []}


def plain_field(found: Field) -> dict[str, Any]:
    """Return a field's description without what changes with every edit; a long list of choices stays behind."""
    plain = {name: value for name, value in found.plain().items() if name != "shown"}
    plain["default"] = plain_value(found.default)
    choices = [plain_choice(choice) for choice in found.choices]
    if len(choices) > _MANY:
        return {**{n: v for n, v in plain.items() if n != "choices"}, "searchable": True}
    return {**plain, "choices": choices} if choices else plain


def plain_choice(choice: Any) -> dict[str, str]:
    """Return a choice as plain JSON, without an empty hint."""
    hint = {"hint": choice.hint} if choice.hint else {}
    return {"value": choice.value, "label": choice.label, **hint}


def plain_value(value: Any) -> Any:
    """Return a configuration value as plain JSON."""
    if isinstance(value, Section):
        return value.plain()
    return [plain_value(item) for item in value] if isinstance(value, tuple | list) else value


def footer_of(experiment: Experiment) -> dict[str, Any]:
    """Return what the form's foot says of an experiment: its effective batch size and steps per epoch."""
    training, n_train = experiment.config.training, experiment.data_info.get("train")
    return {
        "batch": str(training.batch or "auto"),
        "multiplier": training.batch_multiplier,
        "effective": str(experiment.config.effective_batch_size or "auto"),
        "n_train": n_train,
        "steps_per_epoch": experiment.config.steps_per_epoch(n_train) if n_train else None,
    }
