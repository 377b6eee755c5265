"""The form's tools: notes, presets, files, scripts, comparison, and a file that somebody else has changed.

Each wish is one method of the experiment; the form draws what :meth:`Tools.tools` returns beside its fields.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import count
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from traitlets import Dict, List, Unicode

from nbtrain import files
from nbtrain.presets import preset, presets_for
from nbtrain.project.experiment import Experiment
from nbtrain.project.rows import changed, side_by_side
from nbtrain.ui.autos import autos_of
from nbtrain.ui.panel import Panel

if TYPE_CHECKING:
    from nbtrain.project.exchange import Style


class Tools(Panel):
    """The half of the form that is not fields."""

    name = Unicode(help="The experiment's name.").tag(sync=True)
    description = Unicode(help="What the experiment is about.").tag(sync=True)
    tags = List(Unicode(), help="Words to find it by.").tag(sync=True)
    known_tags = List(Unicode(), help="Every tag of the project, to complete what is typed.").tag(sync=True)
    autos = Dict(help="What each auto became: value, reason, source; and the number to start from.").tag(sync=True)
    outside = Dict(help="A file changed by somebody else: reason, or rows of both versions; else empty.").tag(sync=True)
    presets = List(Dict(), help="Key, label and purpose of the task's presets.").tag(sync=True)
    preset = Dict(help="The preset that is looked at: key, label, about, and rows of what it changes.").tag(sync=True)
    compared = Dict(help="Names of the compared experiments, and rows of what differs.").tag(sync=True)
    sheet = Dict(help="A text that was asked for: number, style, file name, text.").tag(sync=True)
    said = Unicode(help="What a wish has done, where nothing else shows it.").tag(sync=True)

    FREE = frozenset({"catalog", "look", "picture", "again", "preview", "dismiss"})

    experiment: Experiment | None
    _looked_at = _said = ""
    _sheet: Mapping[str, Any] = MappingProxyType({})
    _compared: tuple[Experiment, ...] = ()
    _numbers = count(1)

    def subject(self) -> str:
        """Return the id of the experiment."""
        return self.experiment.id if self.experiment is not None else ""

    def tools(self, experiment: Experiment) -> dict[str, Any]:
        """Return the state of everything beside the fields."""
        return {
            "name": experiment.name,
            "description": experiment.description,
            "tags": list(experiment.tags),
            "known_tags": experiment.project.tags(),
            "autos": autos_of(experiment),
            "outside": outside_of(experiment),
            "presets": [
                {"key": one.key, "label": one.label, "about": one.about} for one in presets_for(experiment.config)
            ],
            "preset": preset_of(experiment, self._looked_at),
            "compared": compared_of(experiment, self._compared),
            "sheet": dict(self._sheet),
            "said": self._said,
        }

    def compare(self, others: Sequence[Experiment]) -> None:
        """Set the settings of ``others`` beside those of the experiment."""
        before, self._compared = self._compared, tuple(others)
        if self._compared == before:
            return
        gone = [other for other in before if other not in self._compared and other is not self.experiment]
        if gone:
            self.unfollow(*gone)
        for other in self._compared:
            self.follow(other, "config", "name")
        self.soon()

    # -- clicks -------------------------------------------------------------------------------------------------

    def do_annotate(self, **notes: Any) -> None:
        """Change name, description or tags."""
        self._shown.annotate(**notes)

    def do_preset(self, key: str) -> None:
        """Look at a preset, or at none."""
        self._looked_at = key

    def do_apply_preset(self, key: str) -> None:
        """Lay a preset over the configuration."""
        self._shown.preset(key)
        self._looked_at = ""

    def do_python(self) -> None:
        """Send the script that makes this experiment again."""
        self._hand_out("python", f"{files.slug(self._shown.name)}.py", self._shown.as_python())

    def do_export(self, style: Style) -> None:
        """Send the configuration as JSON or YAML."""
        from nbtrain.project import exchange

        self._hand_out(style, f"{files.slug(self._shown.name)}.{style}", exchange.text_of(self._shown.config, style))

    def do_import(self, text: str, name: str = "") -> None:
        """Lay a configuration that was pasted, or read from the file ``name`` by the browser, over this one."""
        from nbtrain.project import exchange

        style = exchange.style_of(name) if name else None
        values = exchange.parse(text, style, name or "The text")
        experiment = self._shown
        before = experiment.config
        experiment.config = exchange.laid_over(before, values, name or "The text")
        self._hand_out("imported", name, "")
        same = experiment.config == before
        self._said = "Nothing is different from before." if same else "Imported. Undo takes it back."

    def do_dismiss(self) -> None:
        """Take the last message away, as every wish does."""

    def do_defaults(self, where: str) -> None:
        """Let new experiments start like this one: in this project, or all of this person's."""
        self._shown.use_as_defaults("user" if where == "user" else "project")
        whose = "all your projects that have no defaults of their own" if where == "user" else "this project"
        self._said = f"New experiments in {whose} start like this one."

    def do_keep_mine(self) -> None:
        """Write this version over the file that somebody else has changed."""
        self._shown.keep_mine()

    def do_take_theirs(self) -> None:
        """Take over the file that somebody else has changed."""
        self._shown.take_theirs()

    @property
    def _shown(self) -> Experiment:
        assert self.experiment is not None
        return self.experiment

    def _hand_out(self, style: str, name: str, text: str) -> None:
        self._sheet = {"number": next(self._numbers), "style": style, "name": name, "text": text}


def outside_of(experiment: Experiment) -> dict[str, Any]:
    """Return what to ask about a file that somebody else has changed; nothing where nobody has."""
    found = experiment.outside
    if found is None:
        return {}
    if found.theirs is None:
        return {"reason": found.reason, "rows": []}
    mine, theirs = experiment, found.theirs
    rows = side_by_side([mine.config, theirs.config])
    notes = (
        ("Name", mine.name, theirs.name),
        ("Description", mine.description, theirs.description),
        ("Tags", ", ".join(mine.tags), ", ".join(theirs.tags)),
    )
    told = [{"path": "", "label": label, "values": [here, there]} for label, here, there in notes if here != there]
    return {"reason": "", "rows": [*told, *rows]}


def preset_of(experiment: Experiment, key: str) -> dict[str, Any]:
    """Return what a preset would change here; nothing without one, or once it is trained."""
    if not key or experiment.status != "created":
        return {}
    one, config = preset(key, experiment.config), experiment.config
    rows = changed(config, one.on(config), one.rows(config))
    return {"key": one.key, "label": one.label, "about": one.about, "rows": rows}


def compared_of(experiment: Experiment, others: Sequence[Experiment]) -> dict[str, Any]:
    """Return the settings that differ between ``experiment`` and ``others``; nothing without others."""
    beside = [other for other in others if other is not experiment]
    if not beside:
        return {}
    rows = side_by_side([experiment.config, *(other.config for other in beside)])
    return {"names": [experiment.name, *(other.name for other in beside)], "rows": rows}
