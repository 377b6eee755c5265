"""The reference page: every field of every kind, as Markdown, from the definitions themselves.

It writes text; which configuration it is about, and where the page is kept, its caller says.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args, get_origin

from nbtrain.schema.family import Family
from nbtrain.schema.fields import Field, described, in_order, summary_of
from nbtrain.schema.section import Section


def reference(config: type[Section]) -> str:
    """Return the reference page of ``config``, one table per section and per kind."""
    return "\n".join(_page(config)).rstrip() + "\n"


def limits_text(field: Field) -> str:
    """Return a field's limits in words: ``0 < … ≤ 10``, with what is usual, or its choices."""
    if field.choices:
        return ", ".join(choice.value for choice in field.choices)
    low = _first((field.above, "{:.10g} <"), (field.minimum, "{:.10g} ≤"))
    high = _first((field.below, "< {:.10g}"), (field.maximum, "≤ {:.10g}"))
    text = f"{low} … {high}".strip() if low or high else ""
    text = f"{text} or auto".strip() if field.auto else text
    usual = "usually {:.10g} to {:.10g}".format(*field.soft) if field.soft else ""
    return ", ".join(filter(None, (text, usual)))


def _first(*limits: tuple[float | None, str]) -> str:
    return next((text.format(number) for number, text in limits if number is not None), "")


def _page(config: type[Section]) -> Iterator[str]:
    yield "# Configuration reference\n"
    yield "Generated from the code by `nbtrain fields --markdown`; a test keeps it fresh.\n"
    for name, info in config.model_fields.items():
        made = info.annotation
        if not (isinstance(made, type) and issubclass(made, Section)):
            raise TypeError(f"{name} is no section: a configuration is made of sections only")
        yield f"## {name}\n\n{summary_of(made)}\n"
        if issubclass(made, Family):
            yield from _kinds(made, name)
        else:
            yield from _table(made, name)


def _kinds(family: type[Family], prefix: str) -> Iterator[str]:
    for kind, made in family.kinds().items():
        yield f"### {prefix}.kind = {kind}\n\n{summary_of(made)}\n"
        yield from _table(made, prefix)


def _table(made: type[Section], prefix: str) -> Iterator[str]:
    if not made.model_fields:
        yield "No fields of its own.\n"
        return
    yield "| path | default | unit | allowed | live | what it does |\n|---|---|---|---|---|---|"
    for name, info in in_order(made):
        field = described(f"{prefix}.{name}", info, None)
        live = "yes" if field.live else ""
        yield f"| `{field.path}` | `{_default(field)}` | {field.unit} | {limits_text(field)} | {live} | {field.help} |"
    yield ""
    yield from _lists(made, prefix)


def _lists(made: type[Section], prefix: str) -> Iterator[str]:
    seen: set[type] = set()
    for name, info in made.model_fields.items():
        inner = get_args(info.annotation)[0] if get_origin(info.annotation) is tuple else None
        if isinstance(inner, type) and issubclass(inner, Family) and inner not in seen:
            seen.add(inner)
            yield from _kinds(inner, f"{prefix}.{name}.N")


def _default(field: Field) -> str:
    if field.type == "parts":
        return ", ".join(part["kind"] for part in field.default) or "none"
    return str(field.default) if field.default != "" else "empty"
