"""Annotations beside folders of images that may be classes themselves: which of both says what the images show.

``instances.json`` beside ``cat/`` and ``dog/`` may be about cats and dogs, or about something else: then a person is
asked. This file knows names and labels; how annotations are read, their formats know.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from nbtrain.data.questions import Answer, Question
from nbtrain.data.records import Listing, first
from nbtrain.data.sources.folder import classes_in
from nbtrain.data.sources.named import name_key

_ENOUGH = 0.5
"""Share of the labelled images whose folder is called as one of their labels: then both say the same."""


def answer(file: Path, kind: str, label: str) -> Answer:
    """Return the reading of a file of annotations in a folder that may be read otherwise."""
    return Answer(f"{label}: {file.name}", f"{file.name} says what the images show.", {"kind": kind, "path": str(file)})


def doubt(folder: Path, file: Path, listing: Listing, this: Answer, named: str = "") -> Question | None:
    """Return what to ask where ``file``, read as ``listing``, says something else than the folders in ``folder``.

    ``named`` is what says so in place of one file: "the text files beside the images".
    """
    folders = classes_in(folder)
    if not _told_apart(folders):
        return None
    labelled = [record for record in listing.records if record.labels]
    names = [name_key(name) for name in listing.classes]
    n_same = sum(
        not {names[label] for label in one.labels}.isdisjoint(map(name_key, one.file.split("/")[:-1]))
        for one in labelled
    )
    if n_same >= _ENOUGH * len(labelled) and labelled:
        return None
    classes = Answer("Class folders", f"Each folder is a class: {first(folders)}.", {"kind": "folder"})
    says = f"Do {named}" if named else f"Does {file.name}"
    text = f"{says} say what the images show, or do the folders {first(folders, 3)}?"
    return Question(text, (replace(this, why=f"Its classes are {first(listing.classes)}."), classes))


def may_be_classes(folder: Path) -> bool:
    """Return whether there are class folders in ``folder`` that annotations may contradict."""
    return _told_apart(classes_in(folder))


def _told_apart(folders: list[str]) -> bool:
    """Return whether folders have names of their own; ``batch1`` and ``batch2``, 2021 and 2022 are parts."""
    return len({re.sub(r"[0-9]+", "", name_key(name)) for name in folders}) > 1
