"""Findings and rules: what advice is made of.

A rule is a class: its docstring's first line says what it looks for, ``source`` where that comes from, ``findings``
looks at one case and yields what it has found. Defining the class is the whole registration; what a case is, each root
says (static.py's rules read a configuration, running.py's a history). A finding names the number that triggered it.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, TypeAlias

Level: TypeAlias = Literal["info", "warning", "problem"]
LEVELS: tuple[Level, ...] = ("problem", "warning", "info")
"""All levels, the gravest first."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a rule has found."""

    rule: str
    """Name of the rule."""
    level: Level
    """problem: it will not work; warning: it will probably go badly; info: worth knowing."""
    path: str
    """Configuration path that it belongs to."""
    text: str
    """One sentence, with the number that triggered it."""
    fix: Mapping[str, Any] = field(default_factory=dict)
    """Configuration values, by path, that put it right; empty where only a person can."""
    why: str = ""
    """What the rule looks for."""
    source: str = ""
    """The paper, or the arithmetic, behind the rule."""


class Rule:
    """Base of all rules. A direct subclass is a root with rules of its own; a named subclass of that is a rule."""

    name: ClassVar[str] = ""
    source: ClassVar[str] = ""
    _registry: ClassVar[dict[str, type[Rule]]]

    def __init_subclass__(cls, name: str = "", source: str = "", **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if Rule in cls.__bases__:
            cls._registry = {}
        if name:
            cls.name, cls.source = name, source
            cls._registry[name] = cls

    @classmethod
    def all(cls) -> Mapping[str, type[Rule]]:
        """Return the rules of this root by name."""
        return dict(cls._registry)

    @classmethod
    def why(cls) -> str:
        """Return the sentence that says what this rule looks for."""
        return (inspect.getdoc(cls) or "").split("\n")[0]

    def findings(self, case: Any) -> Iterator[Finding]:
        """Yield what is found in ``case``."""
        raise NotImplementedError

    def found(self, level: Level, path: str, text: str, fix: Mapping[str, Any] | None = None) -> Finding:
        """Return a finding of this rule."""
        return Finding(self.name, level, path, text, fix or {}, self.why(), self.source)


def findings_of(root: type[Rule], case: Any) -> list[Finding]:
    """Return what all rules of ``root`` find in ``case``, the gravest first, in the order of the rules otherwise."""
    found = [finding for rule in root.all().values() for finding in rule().findings(case)]
    return sorted(found, key=lambda finding: LEVELS.index(finding.level))
