"""What the form says beside its fields: advice with its fix, the learning-rate band, the schedule to come, cards.

:class:`Advised` is the form's part for it: traits, and the wishes that go with them. Rules and cards come from
nbtrain.advice, evidence from project/counsel.py; this file only brings them into plain JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from traitlets import Dict, List

from nbtrain.advice import Case, cards, preview, rates
from nbtrain.advice.machine import checkpoint_bytes, kept_checkpoints, states_per_weight
from nbtrain.advice.plan import lines
from nbtrain.advice.words import counted, gigabytes
from nbtrain.config import Config
from nbtrain.errors import ConfigError
from nbtrain.plans import Plan
from nbtrain.project import counsel, pixels
from nbtrain.project.experiment import Experiment
from nbtrain.ui.form_tools import Tools
from nbtrain.ui.pulse import PULSE
from nbtrain.ui.run_bar import plain

_LOOK_S = 1.0
"""How long after a painting the images are looked at."""
_MANY_CLASSES = 40
"""Classes that the table shows; with more, the rarest and the commonest."""


class Advised(Tools):
    """A form that also gives advice about the experiment it shows."""

    advice = List(Dict(), help="Suggestions: rule, level, path, text, why, source, fix and the fix in words.").tag(
        sync=True
    )
    band = Dict(help="Learning rates for this optimizer, batch and model; empty where no rule is known.").tag(sync=True)
    schedule = Dict(help="The learning rate over the run: curve, and its values at some epochs.").tag(sync=True)
    cards = Dict(help="Cache, class balance, optimizers, regularisation, timeline and early stops.").tag(sync=True)
    resources = List(List(), help="Label and value of what the run will need.").tag(sync=True)

    _tried: tuple[Config, Config] | None = None
    """The configuration from which somebody is trying a value, and what it would be with it."""

    def advised(self, experiment: Experiment) -> dict[str, Any]:
        """Return the advice about ``experiment``, as the form's traits hold it."""
        case = counsel.case(experiment, looking=False)
        if experiment.data_info and not counsel.looked_at(experiment.data_info):
            PULSE.later(self.look, _LOOK_S)
        base, tried = self._tried or (None, None)
        shown = Case(tried, case.evidence) if tried is not None and base is experiment.config else case
        found = counsel.suggestions_of(case, experiment) if experiment.status == "created" else []
        return {
            "advice": [counsel.plain(one) for one in found],
            "cards": {
                **cards_of(case, counsel.early_stops(experiment).text),
                "cache": pixels.outlook(
                    experiment.project.path, experiment.config, experiment.data_info, case.evidence.image_px
                ),
            },
            "resources": resources_of(case, experiment.data_info, experiment.planning.plan),
            "band": band_of(shown),
            "schedule": schedule_of(shown),
        }

    @staticmethod
    def unadvised() -> dict[str, Any]:
        """Return the same traits, empty."""
        return {"advice": [], "band": {}, "schedule": {}, "cards": {}, "resources": []}

    def look(self) -> None:
        """Look at the sizes of the images, once, after the form has been painted: the first look takes a moment."""
        info = self.experiment.data_info if self.experiment is not None else {}
        if info and not counsel.looked_at(info):
            self.aside("look", lambda: self._look(info))

    def _look(self, info: Mapping[str, Any]) -> bool:
        """Return whether there is anything new to draw: what cannot be looked at is not looked at again."""
        with self.telling("look"):
            return bool(counsel.sizes_of(info))
        return False

    # -- clicks -------------------------------------------------------------------------------------------------

    def do_fix(self, fix: dict[str, Any]) -> None:
        """Set several values at once, as a suggestion or a card offers them; one step to undo."""
        if len(fix) == 1:
            self._shown.set(*next(iter(fix.items())))  # a kind brings its earlier values back
        else:
            self._shown.set_all(fix)

    def do_clear_cache(self) -> None:
        """Remove what is kept of the data set's images in decoded form."""
        pixels.clear(pixels.caches_of(self._shown.project.path, self._shown.data_info))

    def do_preview(self, path: str, value: Any) -> None:
        """Draw curve and band as they would be with ``value``, while somebody is still typing or dragging."""
        self._tried = None
        with suppress(ConfigError):  # half typed: told when it is set
            self._tried = (self._shown.config, self._shown.config.set(path, value))


def band_of(case: Case) -> dict[str, Any]:
    """Return the learning-rate band, and where the present learning rate lies in it."""
    found = rates.band(case)
    if found is None:
        return {}
    limits = {name: float(f"{getattr(found, name):.2g}") for name in ("low", "high", "far_low", "far_high", "usual")}
    return {**limits, "zone": found.zone(case.config.optimizer.lr), "what": found.what, "source": found.source}


def schedule_of(case: Case) -> dict[str, Any]:
    """Return the curve that the run will follow, and its values at the epochs that people ask for."""
    config, n_train = case.config, case.evidence.n_train
    drawn = preview.curve(config, n_train)
    return {
        "epochs": [round(epoch, 3) for epoch in drawn.epochs],
        "lrs": [float(f"{lr:.4g}") for lr in drawn.lrs],
        "told": [[epoch, lr] for epoch, lr in preview.told(config, n_train)],
        "total": config.training.most_epochs,
        "most": config.training.epochs == "auto",
        "warmup": config.scheduler.warmup_epochs,
        "still": round(preview.share_below(config, n_train), 4),
        "highest": config.scheduler.kind == "plateau",
    }


def cards_of(case: Case, stops: str) -> dict[str, Any]:
    """Return all cards as plain JSON; ``stops`` says how runs like this have ended."""
    balance = cards.balance(case)
    return {
        "balance": _balance(balance) if balance else {},
        "optimizers": [_optimizer(row) for row in cards.optimizers(case)],
        "regularisation": plain(asdict(cards.regularisation(case))),
        "timeline": [asdict(event) for event in cards.timeline(case)],
        "stops": stops,
    }


def _balance(found: cards.Balance) -> dict[str, Any]:
    ordered = sorted(found.rows, key=lambda row: row.count)
    half = _MANY_CLASSES // 2
    shown = [*ordered[:half], *ordered[-half:]] if len(ordered) > _MANY_CLASSES else list(found.rows)
    rows = [[row.name, row.count, round(row.weight, 3), round(row.share_now, 5)] for row in shown]
    options = [asdict(option) for option in found.options]
    return {"rows": rows, "left_out": len(ordered) - len(shown), "ratio": round(found.ratio, 2), "options": options}


def _optimizer(row: cards.OptimizerRow) -> dict[str, Any]:
    known: Mapping[str, Any] = asdict(row.character) if row.character else {}
    memory = "" if row.memory_bytes is None else gigabytes(row.memory_bytes) if row.memory_bytes else "none"
    told = {"kind": row.kind, "label": row.label, "memory": memory, "moved": row.moved, "chosen": row.chosen}
    return {**told, "stability": "", "best_for": "", "source": "", **known}


def resources_of(case: Case, info: Mapping[str, Any], plan: Plan | None = None) -> list[list[str]]:
    """Return what the run will need, as label and value: measured where there is a ``plan``, else estimated.

    What is not known is left out.
    """
    config, entry, size = case.config, case.entry, checkpoint_bytes(case)
    steps, free, states = case.steps_per_epoch, case.evidence.disk_free_bytes, states_per_weight(config.optimizer)
    rows = [("Model", f"{entry.variant} · {entry.summary}" if entry else str(config.model.label))]
    if info:
        sets = " · ".join(f"{info[key]} {word}" for key, word in _SETS if info.get(key))
        rows.append(
            ("Data", f"{info.get('name')}: {sets}, {counted(len(info.get('classes', ())), 'class', 'classes')}")
        )
    if plan:
        rows += [(line.label, line.value) for line in lines(plan) if line.label in _MEASURED]
    if steps and not plan:
        epochs = config.training.most_epochs
        most = "at most " if config.training.epochs == "auto" else ""
        rows.append(("Steps", f"{steps} × {most}{counted(epochs, 'epoch')} = {steps * epochs}"))
    if size is not None and not plan:
        kept, room = kept_checkpoints(case), f", {gigabytes(free)} free" if free is not None else ""
        told = f"{kept} at once, estimated by the number of weights: {kept} × {gigabytes(size)}{room}"
        rows.append(("Checkpoints", told))
    if states and entry and entry.parameters and not case.frozen:
        rows.append(("Optimizer states", gigabytes(4 * states * entry.parameters)))
    rows.append(("Device", config.hardware.device if config.hardware.device != "auto" else "first GPU, else CPU"))
    return [list(row) for row in rows]


_MEASURED = frozenset({"Steps", "Time in all", "Peak memory", "Checkpoints"})
_SETS = (("train", "training"), ("val", "validation"), ("test", "test images"))
