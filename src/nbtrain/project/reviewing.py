"""The review of a guided start: its configuration beside the defaults, its data by set and class, advice, what is left.

Nothing is measured and nothing written: steps and room are worked out from what is known. It reads a guide; it draws
nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nbtrain.advice import Evidence, Finding, advise
from nbtrain.data.splits import SETS, Split
from nbtrain.errors import Problem
from nbtrain.project.counsel import machine
from nbtrain.project.gathering import Gathered
from nbtrain.project.merging import Counts
from nbtrain.project.rows import side_by_side

if TYPE_CHECKING:
    from nbtrain.project.guiding import Guide

_DATA = ("data.dataset",)
"""Paths whose difference from the defaults goes without saying."""


@dataclass(frozen=True)
class Row:
    """Images of one data set, or of one class: in all, and by set."""

    name: str
    n_images: int
    sets: dict[str, int]
    """Images that train, validate and test; empty where no split can be drawn."""


@dataclass(frozen=True)
class Review:
    """A draft as it would become an experiment."""

    name: str
    data_name: str
    made: bool
    """Whether a data set of that name is made, and none used as it is."""
    changes: list[dict[str, Any]]
    """Every setting that differs from the defaults: path, label, and both values in words."""
    data: list[Row]
    classes: list[Row]
    findings: list[Finding]
    """Advice about it, the gravest first."""
    missing: list[Problem]
    """What keeps it from being made; the path of each is the step that mends it."""
    facts: list[tuple[str, str]]
    """What the run will come to, as label and value."""

    @property
    def ready(self) -> bool:
        """Whether it can be made."""
        return not self.missing

    def __str__(self) -> str:
        lines = [f"{self.name} on {self.data_name}{' (made now)' if self.made else ''}"]
        lines += [
            f"  {row.name}: {row.n_images} images {row.sets or ''}".rstrip() for row in (*self.data, *self.classes)
        ]
        lines += [f"  {row['label']}: {row['values'][1]} (default {row['values'][0]})" for row in self.changes]
        lines += [f"  {label}: {value}" for label, value in self.facts]
        lines += [f"  {finding.level}: {finding.text}" for finding in self.findings]
        return "\n".join([*lines, *(map(str, self.missing) if self.missing else ("ready",))])


def review(guide: Guide) -> Review:
    """Return the review of a guide as it stands; looks at its data where nobody has yet."""
    return review_of(guide, guide.look())


def review_of(guide: Guide, gathered: Gathered) -> Review:
    """Return the review of a guide, with its data as ``gathered``."""
    config, split, counts = guide.config, guide.split_of(gathered), gathered.counts
    missing = [problem for step in guide.steps_of(gathered)[:-1] for problem in step.missing]
    changes = [row for row in side_by_side([guide.defaults, config]) if row["path"] not in _DATA]
    names = [piece.name for piece in gathered.pieces]
    data, classes = _rows(names, counts, split, gathered) if counts else ([], [])
    findings = [] if counts is None else advise(config, _evidence(guide, gathered, classes, split))
    return Review(
        name=guide.name,
        data_name=guide.data_name,
        made=not guide.as_it_is,
        changes=changes,
        data=data,
        classes=classes,
        findings=findings,
        missing=missing,
        facts=list(_facts(guide, split)),
    )


def step_of(path: str) -> str:
    """Return the step that changes what stands at a configuration path."""
    return "task" if path == "task.kind" else "data" if path == "data.dataset" else "configuration"


def _rows(names: list[str], counts: Counts, split: Split | None, gathered: Gathered) -> tuple[list[Row], list[Row]]:
    """Return images by merged set, and by class."""
    listing, merged = counts.listing, gathered.merged
    assert merged is not None
    n_classes = len(listing.classes)
    by_set = [dict.fromkeys(SETS, 0) for _ in names]
    by_class = [dict.fromkeys(SETS, 0) for _ in range(n_classes)]
    places = {file: name for name in SETS for file in split.files.get(name, ())} if split else {}
    for record in listing.records:
        part = places.get(record.file)
        if part is None:
            continue
        by_set[merged.owner(record.file)][part] += 1
        for label in record.labels:
            by_class[label][part] += 1
    none = split is None
    data = [Row(n, counts.images[i], {} if none else by_set[i]) for i, n in enumerate(names)]
    return data, [Row(n, total, {} if none else by_class[i]) for i, (n, total, _) in enumerate(counts.by_class())]


def _evidence(guide: Guide, gathered: Gathered, classes: list[Row], split: Split | None) -> Evidence:
    counts = gathered.counts
    assert counts is not None
    n = {name: len(files) for name, files in split.files.items()} if split else {}
    free, shared, cores = machine(guide.project.path)
    return Evidence(
        n_train=n.get("train") if split else None,
        n_val=n.get("val", 0) if split else None,
        n_images=len(counts.listing),
        class_counts={row.name: row.sets["train"] if row.sets else row.n_images for row in classes},
        own_split=bool(gathered.merged and gathered.merged.found.listing.own_split),
        disk_free_bytes=free,
        shared_memory_bytes=shared,
        cores=cores,
    )


def _facts(guide: Guide, split: Split | None) -> list[tuple[str, str]]:
    """Return what the run will come to, as far as arithmetic tells."""
    config = guide.config
    entry = getattr(config.model, "entry", None)
    rows = [
        ("Task", config.task.label),
        ("Model", f"{entry.variant} · {entry.summary}" if entry else config.model.label),
    ]
    if split is not None:
        told = {"train": "to learn from", "val": "to validate", "test": "to test"}
        sets = [f"{len(split.files[name])} {word}" for name, word in told.items() if split.files.get(name)]
        rows.append(("Images", ", ".join(sets)))
        steps, epochs = config.steps_per_epoch(len(split.files.get("train", ()))), config.training.epochs
        if steps and epochs != "auto":
            rows.append(("Steps", f"{steps} × {epochs} epochs = {steps * int(epochs)}"))
    return rows
