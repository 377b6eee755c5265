"""The root of the rules that read a configuration before its run."""

from __future__ import annotations

from collections.abc import Iterator

from nbtrain.advice.case import Case
from nbtrain.advice.findings import Finding, Rule


class Static(Rule):
    """A rule about a configuration, the data it is meant for, and this machine."""

    def findings(self, case: Case) -> Iterator[Finding]:
        """Yield what is found in ``case``."""
        raise NotImplementedError
