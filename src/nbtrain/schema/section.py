"""A section: one frozen, closed, documented part of a configuration.

A section is a value. An edit makes a new one, which is validated whole, so no half-edited section can exist. The
string under a field is its help text everywhere: tooltip, command line, reference page. What a number may look like
is decided here, once: ``"3e-4"`` is a float, ``True`` is not 1, NaN and infinity are nothing.

This file knows how values are checked and changed; it does not know families of kinds (family.py), how a field is
described to a form (fields.py) or how a file looks (codec.py).
"""

from __future__ import annotations

import re
import types
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar, Literal, Self, Union, get_args, get_origin

import pydantic
from pydantic import ConfigDict, ValidationError, ValidationInfo, field_validator
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError

from nbtrain.errors import ConfigError, Problem, shown

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_MAX_TEXT = 4096
_TAGS = frozenset({"int", "float", "bool", "str"})


@dataclass(frozen=True, slots=True)
class Choice:
    """One value that a field may take, as a person sees it."""

    value: str
    label: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Limits:
    """The numbers that a field may hold: at least ``ge``, above ``gt``, at most ``le``, below ``lt``."""

    ge: float | None = None
    gt: float | None = None
    le: float | None = None
    lt: float | None = None

    def allow(self, number: float) -> bool:
        """Return whether ``number`` lies within all four."""
        return (
            (self.ge is None or number >= self.ge)
            and (self.gt is None or number > self.gt)
            and (self.le is None or number <= self.le)
            and (self.lt is None or number < self.lt)
        )

    def __str__(self) -> str:
        words = (("at least", self.ge), ("above", self.gt), ("at most", self.le), ("below", self.lt))
        return ", ".join(f"{word} {limit:.10g}" for word, limit in words if limit is not None)


_NO_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Hints:
    """What is known of a field beyond its type; set through :func:`field`."""

    limits: Limits
    unit: str = ""
    soft: tuple[float, float] | None = None
    log: bool = False
    live: bool = False
    advanced: bool = False
    label: str = ""
    choices: Callable[[Any], Sequence[Choice]] | None = None
    when: Callable[[Any], bool] | None = None
    labels: tuple[tuple[str, str], ...] = ()


def field(
    default: Any,
    *,
    unit: str = "",
    soft: tuple[float, float] | None = None,
    log: bool = False,
    live: bool = False,
    advanced: bool = False,
    label: str = "",
    choices: Callable[[Any], Sequence[Choice]] | None = None,
    labels: dict[str, str] | None = None,
    when: Callable[[Any], bool] | None = None,
    ge: float | None = None,
    gt: float | None = None,
    le: float | None = None,
    lt: float | None = None,
) -> Any:
    """Define one field of a section: its default, its limits and its hints.

    ``unit`` names what is counted ("epochs", "px", "ratio"); ``soft`` is the range that a slider shows; ``log`` says
    that the slider is logarithmic; ``live`` that the value may change during training; ``choices(section)`` lists
    values that depend on the others; ``labels`` names the values of a ``Literal``; ``when(section)`` says whether the
    field applies at all.
    """
    named = tuple((labels or {}).items())
    hints = Hints(Limits(ge, gt, le, lt), unit, soft, log, live, advanced, label, choices, when, named)
    return pydantic.Field(default, json_schema_extra={"hints": hints})  # type: ignore[dict-item]


class Section(pydantic.BaseModel):
    """Base of every part of a configuration: frozen, closed to unknown fields, comparable by value."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False, str_max_length=_MAX_TEXT
    )
    label: ClassVar[str] = ""
    leading: ClassVar[tuple[str, ...]] = ()
    """Fields that stand first where all are listed."""

    def __init__(self, /, **values: Any) -> None:
        """Build the section from keyword values; raises ConfigError with one problem per failing field."""
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise ConfigError(problems_of(error)) from None

    @field_validator("*", mode="before")
    @classmethod
    def _decide(cls, value: Any, info: ValidationInfo) -> Any:
        if not isinstance(value, bool | str | list | tuple) or not _counts(cls, info.field_name or ""):
            return value  # nothing to decide, as for most of what a list of experiments reads
        return decided(value, cls.model_fields[info.field_name or ""].annotation)

    @field_validator("*", mode="after")
    @classmethod
    def _within_limits(cls, value: Any, info: ValidationInfo) -> Any:
        limits = _limits(cls, info.field_name or "")
        if limits is _NO_LIMITS:
            return value
        numbers = value if isinstance(value, tuple) else (value,)
        if all(limits.allow(n) for n in numbers if isinstance(n, int | float) and not isinstance(n, bool)):
            return value
        raise PydanticCustomError("limits", "{limits}", {"limits": str(limits)})

    @classmethod
    def parse(cls, plain: Any, path: str = "") -> Self:
        """Return the section that ``plain`` (from JSON) describes; ``path`` prefixes the paths of its problems."""
        if not isinstance(plain, dict):
            raise ConfigError([Problem(path or cls.__name__, "is not a group of fields", "Give an object.")])
        try:
            return cls(**{str(name): value for name, value in plain.items()})
        except ConfigError as error:
            raise ConfigError([under(path, problem) for problem in error.problems]) from None

    def plain(self) -> dict[str, Any]:
        """Return the section as plain JSON values."""
        return self.model_dump(mode="json")

    def get(self, path: str) -> Any:
        """Return the value at a dotted ``path`` such as ``optimizer.lr``; raises ConfigError for an unknown one."""
        value: Any = self
        for name in path.split("."):
            value = child_of(value, name, path)
        return value

    def set(self, path: str, value: Any) -> Self:
        """Return a copy with ``value`` at the dotted ``path``, validated whole; the original stays as it is."""
        name, _, rest = path.partition(".")
        child = child_of(self, name, path)
        return self.replace(**{name: _edited(child, rest, value, path) if rest else value})

    def replace(self, **changes: Any) -> Self:
        """Return a copy with several fields changed at once, validated whole."""
        return type(self)(**{**self._values(), **changes})

    def _values(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in type(self).model_fields}


def child_of(parent: Any, name: str, path: str) -> Any:
    """Return the part of ``parent`` called ``name``; raises ConfigError naming ``path`` and near misses."""
    if isinstance(parent, tuple) and name.isascii() and name.isdigit() and int(name) < len(parent):
        return parent[int(name)]
    if isinstance(parent, Section):
        if name in type(parent).model_fields or (name == "kind" and hasattr(parent, "kind")):
            return getattr(parent, name)
        raise ConfigError([unknown(path, name, [*type(parent).model_fields, *(["kind"] * hasattr(parent, "kind"))])])
    raise ConfigError([Problem(path, "there is no such field.", "`nbtrain fields` lists them all.")])


def _edited(parent: Any, path: str, value: Any, whole: str) -> Any:
    """Return ``parent`` (a section or a tuple of sections) with ``value`` at ``path`` below it."""
    prefix = whole[: len(whole) - len(path)].rstrip(".")
    if isinstance(parent, Section):
        try:
            return parent.set(path, value)
        except ConfigError as error:
            raise ConfigError([under(prefix, p) for p in error.problems]) from None
    name, _, rest = path.partition(".")
    child = child_of(parent, name, whole)
    changed = _edited(child, rest, value, whole) if rest else value
    return tuple(changed if index == int(name) else kept for index, kept in enumerate(parent))


def under(prefix: str, problem: Problem) -> Problem:
    """Return ``problem`` with its path below ``prefix``."""
    if not prefix or problem.path.startswith(f"{prefix}."):
        return problem
    return Problem(f"{prefix}.{problem.path}", problem.message, problem.advice)


def limits_of(info: FieldInfo) -> Limits:
    """Return the limits that :func:`field` attached, or none."""
    extra = info.json_schema_extra
    hints: Any = extra.get("hints") if isinstance(extra, dict) else None
    return hints.limits if isinstance(hints, Hints) and hints.limits != _NO_LIMITS else _NO_LIMITS


@cache
def _counts(section: type[Section], name: str) -> bool:
    """Tell whether a field may hold numbers, itself or as items of a list."""
    return _holds_numbers(section.model_fields[name].annotation)


def _holds_numbers(annotation: Any) -> bool:
    inner = [get_args(member)[0] for member in members(annotation) if get_origin(member) is tuple]
    return bool({int, float} & set(members(annotation))) or any(map(_holds_numbers, inner))


@cache
def _limits(section: type[Section], name: str) -> Limits:
    return limits_of(section.model_fields[name])


def unknown(path: str, name: str, known: Sequence[str]) -> Problem:
    """Return the problem for a ``name`` that is not among ``known``, with the nearest ones."""
    from difflib import get_close_matches

    near = get_close_matches(name, known, n=3)
    hint = f"Did you mean {', '.join(near)}?" if near else f"Known: {', '.join(sorted(known)[:12])}."
    return Problem(path, f"{shown(name)} is not known.", hint)


def decided(value: Any, annotation: Any) -> Any:
    """Return ``value`` as the number that ``annotation`` wants, refusing what only looks like one.

    A bool is no number, a text is one only in plain ASCII notation, and an int may be written ``64.0`` or ``"64"``.
    """
    wanted = members(annotation)
    if get_origin(annotation) is tuple and isinstance(value, list | tuple):
        inner = get_args(annotation)[0]
        return tuple(decided(item, inner) for item in value)
    if int not in wanted and float not in wanted:
        return value
    if isinstance(value, bool) and bool not in wanted:
        raise PydanticCustomError("bool_number", "true and false are not numbers")
    if isinstance(value, str) and value.strip() not in literals(annotation):
        return _number(value.strip())
    return value.strip() if isinstance(value, str) else value


def _number(text: str) -> float:
    if len(text) > 40 or not _NUMBER.fullmatch(text):
        raise PydanticCustomError("not_number", "this text is not a number")
    return float(text)


def members(annotation: Any) -> tuple[Any, ...]:
    """Return the types that a union annotation allows, or the annotation alone."""
    return get_args(annotation) if get_origin(annotation) in (Union, types.UnionType) else (annotation,)


def literals(annotation: Any) -> tuple[Any, ...]:
    """Return the literal values that an annotation allows besides its types."""
    return tuple(v for m in members(annotation) if get_origin(m) is Literal for v in get_args(m))


def problems_of(error: ValidationError) -> list[Problem]:
    """Translate pydantic's errors into problems, one per path, in words that name what is allowed."""
    found: dict[str, Problem] = {}
    for item in error.errors(include_url=False):
        path = ".".join(str(part) for part in item["loc"] if not _is_tag(part))
        cause = item.get("ctx", {}).get("error")
        told = cause.problems if isinstance(cause, ConfigError) else [_problem(path, item)]
        for problem in told:
            problem = under(path, problem) if problem.path != path else problem
            found.setdefault(problem.path, problem)
    return list(found.values())


def _is_tag(part: int | str) -> bool:
    # A union error carries the member's name ("int", "literal['auto']") behind the field: no part of the path.
    return isinstance(part, str) and (part in _TAGS or part.startswith(("literal[", "function-")))


def _problem(path: str, item: Any) -> Problem:
    seen = shown(item["input"])
    match item["type"]:
        case "extra_forbidden":
            return Problem(path, f"this field is not known (got {seen}).", "`nbtrain fields` lists all.")
        case "missing":
            return Problem(path, "this value is missing.")
        case "limits":
            return Problem(path, f"{seen} is out of range.", f"Allowed: {item['msg']}.")
        case "value_error" | "unknown_kind":
            return Problem(path, f"{item['msg'].removeprefix('Value error, ')} (got {seen}).")
        case "literal_error":
            return Problem(path, f"{seen} is not a choice here.", f"Allowed: {item['ctx']['expected']}.")
        case "string_too_long":
            return Problem(path, f"the text is too long ({len(item['input'])} characters).", f"Allowed: {_MAX_TEXT}.")
    wanted = next((words for start, words in _WANTED.items() if item["type"].startswith(start)), "another type")
    return Problem(path, f"{seen} is not {wanted}.")


_WANTED = {
    "float": "a number",
    "finite": "a finite number",
    "not_number": "a number (such as 0.001 or 1e-3)",
    "bool_number": "a number",
    "int": "a whole number",
    "bool": "true or false",
    "string": "a text",
    "tuple": "a list",
    "model": "a group of fields",
    "dict": "a group of fields",
    "too_short": "long enough: a value is missing",
    "too_long": "short enough: a value is too many",
}
