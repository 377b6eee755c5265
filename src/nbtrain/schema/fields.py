"""Fields: what a form, a command line and a reference page need to know of a configuration. The only reader of
pydantic's internals: whoever wants a field's type, limits, text or choices asks here.

It describes fields; it does not change or draw them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias, get_args, get_origin

from pydantic.fields import FieldInfo

from nbtrain.schema.family import Family
from nbtrain.schema.section import Choice, Hints, Limits, Section, literals, members

FieldType: TypeAlias = Literal["float", "int", "bool", "choice", "text", "numbers", "parts", "kind"]


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a configuration, described for people and programs."""

    path: str
    label: str
    help: str
    type: FieldType
    default: Any
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    above: float | None = None
    """Exclusive lower limit."""
    below: float | None = None
    """Exclusive upper limit."""
    soft: tuple[float, float] | None = None
    log: bool = False
    live: bool = False
    advanced: bool = False
    auto: bool = False
    """Whether the word "auto" is allowed in place of a value."""
    length: int | None = None
    """Number of values of a "numbers" field, None where it is free."""
    choices: tuple[Choice, ...] = ()
    shown: bool = True
    """Whether the field applies to the present values of its section."""

    def plain(self) -> dict[str, Any]:
        """Return the description as plain JSON values, without what is empty."""
        empty = (None, "", ())
        return {k: v for k, v in asdict(self).items() if k == "default" or (v is not False and v not in empty)}


def fields(config: Section, prefix: str = "") -> Iterator[Field]:
    """Yield every field of ``config`` in its present shape: nested sections and the parts of lists included."""
    if isinstance(config, Family):
        yield kind_field(type(config), prefix)
    for name, info in in_order(type(config)):
        path = f"{prefix}.{name}" if prefix else name
        value = getattr(config, name)
        if isinstance(value, Section):
            yield from fields(value, path)
            continue
        yield described(path, info, config)
        if isinstance(value, tuple):
            for index, part in enumerate(value):
                if isinstance(part, Section):
                    yield from fields(part, f"{path}.{index}")


def in_order(made: type[Section]) -> list[tuple[str, FieldInfo]]:
    """Return the fields of a section by name: those that lead, then the others as they are written."""
    rank = {name: place for place, name in enumerate(made.leading)}
    return sorted(made.model_fields.items(), key=lambda item: rank.get(item[0], len(rank)))


def kind_field(made: type[Family], prefix: str) -> Field:
    """Return the description of the choice of a family's kind."""
    choices = tuple(Choice(kind, part.label, summary_of(part)) for kind, part in made.root.kinds().items())
    return Field(f"{prefix}.kind", "Kind", summary_of(made), "kind", made.kind, choices=choices)


def described(path: str, info: FieldInfo, section: Section | None) -> Field:
    """Return the description of one field; ``section`` gives its present choices and whether it applies."""
    hints, name = hints_of(info), path.rpartition(".")[2]
    kind = type_of(info.annotation)
    return Field(
        path=path,
        label=hints.label or name.replace("_", " ").capitalize(),
        help=" ".join((info.description or "").split()),
        type=kind,
        default=_plain(info.get_default(call_default_factory=True)),
        unit=hints.unit,
        soft=hints.soft,
        log=hints.log,
        live=hints.live,
        advanced=hints.advanced,
        auto="auto" in literals(info.annotation) and kind in ("int", "float"),
        length=_length(info.annotation),
        choices=_choices(info, hints, section),
        shown=hints.when is None or section is None or bool(hints.when(section)),
        minimum=hints.limits.ge,
        maximum=hints.limits.le,
        above=hints.limits.gt,
        below=hints.limits.lt,
    )


def type_of(annotation: Any) -> FieldType:
    """Return the form type of an annotation; raises TypeError for one that no form can show."""
    if get_origin(annotation) is tuple:
        inner = get_args(annotation)[0]
        return "parts" if isinstance(inner, type) and issubclass(inner, Section) else "numbers"
    found = members(annotation)
    for type_, name in ((bool, "bool"), (int, "int"), (float, "float"), (str, "text")):
        if type_ in found:
            return name  # type: ignore[return-value]
    if literals(annotation):
        return "choice"
    raise TypeError(f"a section's field cannot be of type {annotation!r}")


def part_kinds(config: Section, path: str) -> dict[str, type[Family]]:
    """Return the kinds that the list at ``path`` may hold."""
    parent, _, name = path.rpartition(".")
    owner = config.get(parent) if parent else config
    return get_args(type(owner).model_fields[name].annotation)[0].kinds()  # type: ignore[no-any-return]


def hints_of(info: FieldInfo) -> Hints:
    """Return the hints that :func:`nbtrain.schema.section.field` attached."""
    extra = info.json_schema_extra
    hints = extra.get("hints") if isinstance(extra, dict) else None
    return hints if isinstance(hints, Hints) else Hints(Limits())


def summary_of(made: type[Section]) -> str:
    """Return the first line of a section's docstring."""
    return (made.__doc__ or "").strip().split("\n")[0]


def _length(annotation: Any) -> int | None:
    inner = get_args(annotation)
    return len(inner) if get_origin(annotation) is tuple and Ellipsis not in inner else None


def _choices(info: FieldInfo, hints: Hints, section: Section | None) -> tuple[Choice, ...]:
    if hints.choices is not None and section is not None:
        return tuple(hints.choices(section))
    if type_of(info.annotation) == "parts":
        return tuple(Choice(k, c.label, summary_of(c)) for k, c in get_args(info.annotation)[0].kinds().items())
    if type_of(info.annotation) != "choice":
        return ()
    names = dict(hints.labels)
    words = (str(value) for value in literals(info.annotation))
    return tuple(Choice(word, names.get(word, word.replace("_", " "))) for word in words)


def _plain(value: Any) -> Any:
    if isinstance(value, Section):
        return value.plain()
    return [_plain(item) for item in value] if isinstance(value, tuple) else value
