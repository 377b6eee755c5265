"""Configurations as files for people: JSON and YAML, whole or in part, written and read.

YAML is read as plainly as JSON: no tags, no anchors, no dates, no "yes" for true, no key twice. It knows texts and
paths of a configuration; it does not know experiments.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import orjson
import yaml

from nbtrain import files
from nbtrain.config import FORMAT, Config
from nbtrain.errors import ConfigError, FormatError, NbtrainError, Problem, ProjectError

Style = Literal["json", "yaml"]
LIMIT_BYTES = 2**20
_JSON = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
_TAG = "tag:yaml.org,2002:"
_ADVICE = "Use plain keys, texts, numbers, true, false, null and lists."


def style_of(path: str | Path) -> Style:
    """Return how the file at ``path`` is written, by its ending; raises ProjectError for any other ending."""
    ending = Path(path).suffix.lower()
    if ending == ".json":
        return "json"
    if ending in (".yaml", ".yml"):
        return "yaml"
    raise ProjectError("a configuration file ends in .json, .yaml or .yml", value=str(path))


def text_of(config: Config, style: Style) -> str:
    """Return ``config`` whole, as a file holds it."""
    plain = config.encoded()
    if style == "json":
        return orjson.dumps(plain, option=_JSON).decode()
    return yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, width=100)


def write(config: Config, path: str | Path, *, replace: bool = False) -> Path:
    """Write ``config`` to ``path``, as JSON or YAML by its ending; raises ProjectError.

    Another file that stands there is written over only with ``replace``, unless it is a configuration as this wrote it.
    """
    where = Path(path).expanduser()
    style = style_of(where)
    data = text_of(config, style).encode()
    try:
        if not replace:
            files.refuse_other(where, data, lambda there: _is_untouched(there, style))
        files.write_atomic(where, data)
    except OSError as error:
        told = f"the configuration could not be written: {error.strerror or error}"
        raise ProjectError(told, value=str(where), advice=files.where_else(error)) from None
    return where


def _is_untouched(there: bytes, style: Style) -> bool:
    """Return whether a file holds a whole configuration in the very words of :func:`text_of`: no person's edits."""
    try:
        config = Config().set_all(parse(there.decode(), style))
        return text_of(config, style).encode() == there
    except (ValueError, NbtrainError):
        return False


def read(path: str | Path) -> dict[str, Any]:
    """Return the values of the configuration file at ``path``, by path; raises NbtrainError saying what is wrong."""
    where = Path(path).expanduser()
    style = style_of(where)
    try:
        if where.stat().st_size > LIMIT_BYTES:
            raise _refused(str(where), "it has more than 1 MiB", "A configuration is a few kilobytes.")
        text = where.read_text("utf-8")
    except FileNotFoundError:
        raise ProjectError("there is no such configuration file", value=str(where)) from None
    except UnicodeDecodeError:
        raise _refused(str(where), "it is not a text in UTF-8", "Save it as UTF-8.") from None
    except OSError as error:
        raise ProjectError(f"the configuration cannot be read: {error.strerror}", value=str(where)) from None
    return parse(text, style, str(where))


def parse(text: str, style: Style | None = None, where: str = "configuration") -> dict[str, Any]:
    """Return the values in ``text`` by path; without a ``style``, JSON where it begins with a brace.

    It may hold a whole configuration or a part of one, nested or by path. Raises FormatError naming line and reason.
    """
    if len(text) > LIMIT_BYTES:
        raise _refused(where, "it has more than 1 MiB", "A configuration is a few kilobytes.")
    chosen = style or ("json" if text.lstrip()[:1] in ("{", "[") else "yaml")
    plain = _json(text, where) if chosen == "json" else _yaml(text, where)
    if not isinstance(plain, dict) or not plain:
        raise _refused(where, "it holds no configuration", "Give sections with their fields: optimizer: {lr: 0.001}.")
    inner = plain.get("config", plain)
    if not isinstance(inner, dict):
        raise _refused(where, "its config is no group of sections", _ADVICE)
    return dict(_flat(FORMAT.read(inner, where) if "format" in inner else inner))


def laid_over(config: Config, values: dict[str, Any], where: str) -> Config:
    """Return ``config`` with imported ``values``; raises ConfigError naming ``where`` and every failing path."""
    try:
        return config.set_all(values)
    except ConfigError as error:
        raise ConfigError(Problem(f"{where}: {p.path}", p.message, p.advice) for p in error.problems) from None


def _flat(plain: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield nested sections as dotted paths; lists and values stay whole."""
    for name, value in plain.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _json(text: str, where: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}: {error.msg}"
        raise _refused(where, f"it cannot be read as JSON: {place}", "Correct it there.") from None


class _Loader(yaml.SafeLoader):
    """Reads what JSON can say, and refuses the rest by name."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - a copy of its own, filled below

    def compose_node(self, parent: Any, index: Any) -> Any:
        """Refuse anchors and references: a few lines of them can stand for gigabytes."""
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if getattr(event, "anchor", None):
            raise yaml.MarkedYAMLError(
                problem="anchors (&) and references (*) are not read", problem_mark=event.start_mark
            )
        return super().compose_node(parent, index)

    def refuse(self, node: Any) -> Any:
        """Refuse a tag."""
        raise yaml.MarkedYAMLError(
            problem=f"the tag {node.tag.replace(_TAG, '!!')} is not read", problem_mark=node.start_mark
        )

    def mapping(self, node: Any) -> Any:
        """Read a group, whose keys are texts, each once."""
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str) or key in found:
                told = "is there twice" if isinstance(key, str) else "is no text"
                raise yaml.MarkedYAMLError(problem=f"the key {key!r} {told}", problem_mark=key_node.start_mark)
            found[key] = self.construct_object(value_node, deep=True)
        return found

    def listing(self, node: Any) -> Any:
        """Read a list."""
        return self.construct_sequence(node, deep=True)


_EXPONENT = "[eE][-+]?[0-9]+"
_PLAIN = (
    ("null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", list("tTfF")),
    ("int", r"^[-+]?(?:0|[1-9][0-9]*)$", list("-+0123456789")),
    ("float", rf"^[-+]?(?:(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:{_EXPONENT})?|[0-9]+{_EXPONENT})$", list("-+.0123456789")),
)
for _name, _pattern, _first in _PLAIN:
    _Loader.add_implicit_resolver(f"{_TAG}{_name}", re.compile(_pattern), _first)
_Loader.yaml_constructors = {
    **{
        f"{_TAG}{name}": yaml.SafeLoader.yaml_constructors[f"{_TAG}{name}"] for name in ("null", "bool", "int", "float")
    },
    f"{_TAG}str": yaml.SafeLoader.yaml_constructors[f"{_TAG}str"],
    f"{_TAG}seq": _Loader.listing,
    f"{_TAG}map": _Loader.mapping,
    None: _Loader.refuse,
}


def _yaml(text: str, where: str) -> Any:
    try:
        return yaml.load(text, _Loader)  # which reads less than the safe one
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise _refused(where, f"it cannot be read as YAML: {place}{error.problem}", _ADVICE) from None
    except (yaml.YAMLError, ValueError) as error:
        raise _refused(where, f"it cannot be read as YAML: {str(error).splitlines()[0][:200]}", _ADVICE) from None
    except RecursionError:
        raise _refused(where, "its lists and groups are nested too deeply", _ADVICE) from None


def _refused(where: str, told: str, advice: str) -> NbtrainError:
    return FormatError([Problem(where, f"{told}.", advice)])
