"""What was typed into an experiment's form and refused: kept while the kernel lives, so that leaving loses nothing.

Every form of one experiment shares it. It knows texts and messages; it does not know any panel.
"""

from __future__ import annotations

from weakref import WeakKeyDictionary

from traitlets import Dict, HasTraits

from nbtrain.project.experiment import Experiment


class Draft(HasTraits):
    """The refused texts of one experiment."""

    refused = Dict(help="By path: text, message and advice.")


_DRAFTS: WeakKeyDictionary[Experiment, Draft] = WeakKeyDictionary()


def draft_of(experiment: Experiment) -> Draft:
    """Return the one draft of ``experiment``."""
    if experiment not in _DRAFTS:
        _DRAFTS[experiment] = Draft()
    return _DRAFTS[experiment]
