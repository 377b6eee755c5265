"""Arrow: columns of Parquet files and of data sets that Hugging Face saved, through pyarrow, an extra of nbtrain.

It knows columns, their types, and Hugging Face's notes on them; it knows no classes and writes nothing.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from nbtrain.errors import DataError
from nbtrain.files import ordinary

_LOOKED_AT = 32
"""Cells of a column of bytes that are looked at for the first that is not empty."""


def library() -> Any:
    """Return pyarrow; raises DataError where it is not installed."""
    try:
        import pyarrow as pa
        import pyarrow.ipc
        import pyarrow.parquet
    except ImportError:
        advice = "Install it with: pip install nbtrain[parquet]"
        raise DataError("Parquet and Arrow files are read with pyarrow, which is missing", advice=advice) from None
    return pa


def columns(path: Path) -> dict[str, str]:
    """Return by name what each column holds: "image" (bytes), "plain" (texts, numbers and lists of them), "other"."""
    pa = library()
    found = {column.name: _kind(pa, column.type) for column in _schema(path)}
    texts = (name for name, kind in found.items() if kind == "image" and _holds_texts(path, name))
    return {**found, **dict.fromkeys(texts, "plain")}


def features(path: Path) -> dict[str, Any]:
    """Return Hugging Face's notes on the columns of a file, empty where there are none."""
    noted = (_schema(path).metadata or {}).get(b"huggingface", b"")
    try:
        found = json.loads(noted)["info"]["features"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def table(paths: Sequence[Path], names: Sequence[str]) -> Any:
    """Return these columns of all files, one after the other."""
    pa = library()
    parts = []
    for path in paths:
        with told(path):
            if _is_parquet(path):
                parts.append(pa.parquet.read_table(path, columns=list(names), partitioning=None))
            else:
                part = _stream(pa, path).read_all().select(list(names))
                part.validate(full=True)  # what a damaged stream says of its texts would be read from anywhere
                parts.append(part)
    with told(paths[0]):
        return pa.concat_tables([_as_texts(pa, part) for part in parts], promote_options="permissive")


def values(path: Path, name: str, at_once: int = 32) -> Iterator[Any]:
    """Yield the cells of one column, a few of them in memory at a time."""
    pa = library()
    with told(path):
        if _is_parquet(path):
            batches = pa.parquet.ParquetFile(path).iter_batches(at_once, columns=[name])
        else:
            batches = iter(_stream(pa, path))
        for batch in batches:
            column = batch.column(name)
            column.validate(full=True)
            for start in range(0, len(column), at_once):
                yield from column.slice(start, at_once).to_pylist()


def _kind(pa: Any, kind: Any) -> str:
    types = pa.types
    if types.is_binary(kind) or types.is_large_binary(kind):
        return "image"
    if types.is_struct(kind):
        return "image" if kind.get_field_index("bytes") >= 0 else "other"
    if types.is_list(kind) or types.is_large_list(kind):
        return "plain" if _kind(pa, kind.value_type) == "plain" else "other"
    plain = types.is_string(kind) or types.is_large_string(kind) or types.is_boolean(kind) or types.is_integer(kind)
    texts = types.is_dictionary(kind) and _kind(pa, kind.value_type) == "plain"
    return "plain" if plain or texts or types.is_floating(kind) or types.is_temporal(kind) else "other"


def _holds_texts(path: Path, name: str) -> bool:
    """Return whether the first bytes in a column are text: Spark and Impala may write it without saying so."""
    first = next((value for value in islice(values(path, name), _LOOKED_AT) if value), b"")
    try:
        return isinstance(first, bytes) and first.decode().isprintable() and bool(first)
    except UnicodeDecodeError:
        return False


def _as_texts(pa: Any, part: Any) -> Any:
    """Return a table whose columns of bytes are texts; raises ValueError where they are none."""
    for place, column in enumerate(part.schema):
        if pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type):
            part = part.set_column(place, column.name, part.column(place).cast(pa.large_string()))
    return part


def _schema(path: Path) -> Any:
    pa = library()
    with told(path):
        with open(path, "rb", opener=ordinary):  # a pipe would be waited for
            pass
        return pa.parquet.read_schema(path) if _is_parquet(path) else _stream(pa, path).schema


def _is_parquet(path: Path) -> bool:
    return path.suffix.lower() == ".parquet"


def _stream(pa: Any, path: Path) -> Any:
    return pa.ipc.open_stream(pa.memory_map(str(path)))


@contextlib.contextmanager
def told(path: Path) -> Iterator[None]:
    """Turn pyarrow's errors, which are of kinds that Python has, into one that says where."""
    try:
        yield
    except (ValueError, KeyError, NotImplementedError, OSError, OverflowError) as error:
        why = " ".join(str(error).split())[:200]
        advice = "Save the file again, or copy it again."
        raise DataError(f"{path.name} cannot be read ({why})", value=str(path), advice=advice) from None
