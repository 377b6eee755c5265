"""Advice: what a configuration, its data and this machine, or a run's history, let one expect; with a fix for each.

:func:`advise` looks at a configuration before its run, :func:`observe` at a run. Rules are classes with a source, one
per thing looked for; defining one is its registration. Nothing here is measured but what was handed in, and nothing
imports torch. Who gathers evidence, and who applies a fix, is not known here (project/counsel.py).
"""

from __future__ import annotations

from nbtrain.advice import labels, lengths, machine, networks, rates, running, static, strength
from nbtrain.advice.case import Case, Evidence
from nbtrain.advice.findings import Finding, findings_of
from nbtrain.advice.running import Course, Running
from nbtrain.advice.static import Static
from nbtrain.config import Config

ROOMS = (rates, lengths, labels, networks, strength, machine, running, static)
"""The files that hold rules."""

__all__ = ["ROOMS", "Case", "Course", "Evidence", "Finding", "Running", "Static", "advise", "observe"]


def advise(config: Config, evidence: Evidence | None = None) -> list[Finding]:
    """Return what the rules find in ``config`` before a run, the gravest first."""
    return findings_of(Static, Case(config, evidence or Evidence()))


def observe(course: Course) -> list[Finding]:
    """Return what the rules find in a run, the gravest first."""
    return findings_of(Running, course)
