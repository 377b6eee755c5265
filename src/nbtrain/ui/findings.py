"""What is noticed in a run while it trains, as cards between the run bar and the charts, each with its fix.

The rules are nbtrain.advice.running's, asked through ``experiment.advice``; a fix goes into a copy, because what has
been trained stays as it is.
"""

from __future__ import annotations

from typing import Any

from traitlets import Dict, List

from nbtrain.errors import NbtrainError
from nbtrain.project import counsel
from nbtrain.ui.following import Following


class Findings(Following, twin="findings"):
    """What the rules say about an experiment's run."""

    GAP_S, COMPANY_S = 1.0, 0.5
    WATCHED = ("epoch", "status")

    findings = List(Dict(), help="Suggestions: rule, level, path, text, why, source, fix and the fix in words.").tag(
        sync=True
    )

    def state(self) -> dict[str, Any]:
        """Return what is noticed now."""
        experiment = self.experiment
        if experiment is None or experiment.status == "created":
            return {"findings": []}
        return {"findings": [counsel.plain(one) for one in experiment.advice]}

    def do_copy(self, rule: str) -> None:
        """Make a copy of the experiment that has the fix of ``rule``; the list selects what is new."""
        if self.experiment is None:
            return
        found = next((one for one in self.experiment.advice if one.rule == rule and one.fix), None)
        if found is None:
            raise NbtrainError("this is no longer so", value=rule, advice="The run has gone on since.")
        found.apply()
