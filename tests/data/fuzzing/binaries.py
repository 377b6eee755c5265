"""Mutations of Parquet and Arrow tables by their rows and columns, of archives by their entries, and of masks."""

from __future__ import annotations

import gzip
import io
import stat
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from data.fuzzing.promises import ANY, NONE, SAME, Pen, Promise
from data.fuzzing.seeds import arrow_stream, parquet, tarred, zipped
from data.fuzzing.texts import Mutation

# -- tables -----------------------------------------------------------------------------------------------------------


def _table(data: bytes) -> pa.Table:
    if data.startswith(b"PAR1"):
        return pq.read_table(io.BytesIO(data))
    return pa.ipc.open_stream(io.BytesIO(data)).read_all()


def _packed(made: pa.Table, was: bytes) -> bytes:
    return parquet(made) if was.startswith(b"PAR1") else arrow_stream(made)


def _key(made: pa.Table) -> str:
    return "file" if "file" in made.column_names else "name"


def _stem(made: pa.Table, row: int) -> str:
    return str(made[_key(made)][row].as_py()).removesuffix(".png")


def rows_taken(pen: Pen, data: bytes) -> tuple[bytes, Promise]:
    made = _table(data)
    at = pen.inside(made.num_rows)
    gone = frozenset({_stem(made, at)})
    made = made.take([row for row in range(made.num_rows) if row != at])
    return _packed(made, data), Promise(gone, silent=gone, gone=gone, reads=True)


def table_rows_doubled(pen: Pen, data: bytes) -> tuple[bytes, Promise]:
    made = _table(data)
    again = made.take([pen.inside(made.num_rows)])
    return _packed(pa.concat_tables([made, again]), data), Promise(NONE, reads=True, told=_key(made) == "file")


def table_rows_shuffled(pen: Pen, data: bytes) -> tuple[bytes, Promise]:
    made = _table(data)
    order = list(range(made.num_rows))
    pen.rng.shuffle(order)
    return _packed(made.take(order), data), SAME


def no_rows(pen: Pen, data: bytes) -> tuple[bytes, Promise]:
    return _packed(_table(data).slice(0, 0), data), Promise(silent=None, refuses=True)


def column_renamed(pen: Pen, data: bytes) -> tuple[bytes, Promise]:
    made = _table(data)
    names = list(made.column_names)
    names[pen.inside(len(names))] = pen.rng.choice(("", "x", "\0", "é", "label", "y" * 5000, *names))
    return _packed(made.rename_columns(names), data), replace(ANY, grows=True)


def column_of_other_type(pen: Pen, data: bytes) -> tuple[bytes, Promise]:
    """The values of one column in another type; strings that mean the same are the same."""
    made = _table(data)
    name = pen.rng.choice([column for column in made.column_names if column != "image"])
    values = made[name].to_pylist()
    column, same = pen.rng.choice(_TYPES)(values)
    return _packed(made.set_column(made.column_names.index(name), name, column), data), SAME if same else replace(
        ANY, grows=True
    )


Typed = Callable[[list[Any]], tuple[pa.Array, bool]]
_TYPES: tuple[Typed, ...] = (
    lambda v: (pa.array(v).dictionary_encode(), True),
    lambda v: (pa.array(v, pa.large_string() if isinstance(v[0], str) else pa.int8()), True),
    lambda v: (pa.array([None] * len(v)), False),
    lambda v: (pa.array([None, *v[1:]]), False),
    lambda v: (pa.array([[x] for x in v]), False),
    lambda v: (pa.array([[x, None] for x in v]), False),
    lambda v: (pa.array([{"a": x} for x in v]), False),
    lambda v: (pa.array([str(x).encode() for x in v]), False),
    lambda v: (pa.array([float("nan")] * len(v)), False),
    lambda v: (pa.array([1e308, *range(1, len(v))], pa.float64()), False),
    lambda v: (pa.array(range(len(v)), pa.timestamp("ns")), False),
    lambda v: (pa.array(range(len(v)), pa.duration("s")), False),
    lambda v: (pa.array([2**62] * len(v), pa.timestamp("us")), False),
    lambda v: (pa.array(range(len(v)), pa.decimal128(38, 2)), False),
    lambda v: (pa.array([i % 2 == 0 for i in range(len(v))]), False),
    lambda v: (pa.array([f"\0{x}\u202e" for x in v]), False),
    lambda v: (pa.array(["x" * 100_000] * len(v)), False),
    lambda v: (pa.array(range(2**64 - len(v), 2**64), pa.uint64()), False),
)


def images_of_other_type(pen: Pen, data: bytes) -> tuple[bytes, Promise]:
    """Cells of images that are empty, broken, or no bytes."""
    made = _table(data)
    if "image" not in made.column_names:
        return data, SAME
    cells = made["image"].to_pylist()
    at = pen.inside(len(cells))
    stem = frozenset({_stem(made, at)})
    other = pen.rng.choice((None, {"bytes": None, "path": "a.png"}, {"bytes": b"", "path": None}, {"bytes": b"x"}))
    cells[at] = other
    bytes_alone = [cell and cell["bytes"] for cell in cells]
    column = pa.array(cells) if pen.rng.random() < 0.7 else pa.array(bytes_alone, pa.binary())
    broken = isinstance(other, dict) and bool(other["bytes"])
    made = made.set_column(made.column_names.index("image"), "image", column)
    return _packed(made, data), Promise(NONE if broken else stem, reads=True, told=not broken)


def other_notes(pen: Pen, data: bytes) -> tuple[bytes, Promise]:
    """What Hugging Face notes of the columns is broken, or of other columns."""
    notes = (b"", b"{", b"[]", b'{"info": {"features": []}}', b'{"info": {"features": {"label": {"names": 7}}}}')
    one = b'{"info":{"features":{"label":{"_type":"ClassLabel","names":["a"]},"image":{"_type":"Image"}}}}'
    deep = b'{"info":{"features":{"label":' + b'{"feature":' * 5000 + b"1" + b"}" * 5000 + b"}}}"
    made = _table(data).replace_schema_metadata({b"huggingface": pen.rng.choice((*notes, one, deep))})
    return _packed(made, data), ANY


TABLES: tuple[Mutation, ...] = (
    *(rows_taken, table_rows_doubled, table_rows_shuffled, no_rows, column_renamed, column_of_other_type),
    *(column_of_other_type, images_of_other_type, other_notes),
)

# -- archives ---------------------------------------------------------------------------------------------------------


def _entries(data: bytes, kind: str) -> dict[str, bytes]:
    if kind == "zip":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return {name: archive.read(name) for name in archive.namelist()}
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        return {entry.name: archive.extractfile(entry).read() for entry in archive}  # type: ignore[union-attr]


def _again(entries: dict[str, bytes], kind: str) -> bytes:
    return zipped({**entries}) if kind == "zip" else tarred({**entries}, "w:gz" if kind == "tar.gz" else "w")


def _of(pen: Pen, data: bytes) -> tuple[dict[str, bytes], str]:
    kind = pen.seed.annotations[pen.file]
    return _entries(data, kind), kind


def entry_dropped(pen: Pen, data: bytes) -> tuple[bytes, Promise]:
    """An image or the annotations inside are not there: nothing says that they were, where folders are classes."""
    entries, kind = _of(pen, data)
    name = pen.rng.choice(list(entries))
    del entries[name]
    gone = pen.about(name) if name.endswith(".png") else None
    return _again(entries, kind), Promise(gone, silent=gone, gone=gone or NONE)


def entries_shuffled(pen: Pen, data: bytes) -> tuple[bytes, Promise]:
    entries, kind = _of(pen, data)
    names = list(entries)
    pen.rng.shuffle(names)
    return _again({name: entries[name] for name in names}, kind), SAME


def wrapped_in_folders(pen: Pen, data: bytes) -> tuple[bytes, Promise]:
    entries, kind = _of(pen, data)
    return _again({f"My data set/v1/{name}": content for name, content in entries.items()}, kind), SAME


def unwanted_beside(pen: Pen, data: bytes) -> tuple[bytes, Promise]:
    entries, kind = _of(pen, data)
    more = {"__MACOSX/._x.png": b"x", ".DS_Store": b"x", "Thumbs.db": b"x"}
    return _again({**entries, **more}, kind), SAME


def names_that_lead_out(pen: Pen, data: bytes) -> tuple[bytes, Promise]:
    entries, kind = _of(pen, data)
    odd = (
        "../evil.png",
        "/tmp/nbtrain-evil.png",
        "C:\\evil.png",
        "a/../../evil.png",
        "..\\evil.png",
        "\\\\s\\evil.png",
    )
    more = {
        pen.rng.choice(odd): b"x",
        pen.rng.choice(("x" * 300 + ".png", "a:b?.png", "con ", "a/" * 1500 + "b")): b"x",
    }
    return _again({**entries, **more}, kind), Promise(NONE, told=True, grows=True)


def names_doubled(pen: Pen, data: bytes) -> tuple[bytes, Promise]:
    """The same name twice, or a name that is a file and a folder."""
    entries, kind = _of(pen, data)
    name = pen.rng.choice(list(entries))
    if kind == "zip":
        sink = io.BytesIO(data)
        with zipfile.ZipFile(sink, "a") as archive:
            archive.fp.seek(archive.start_dir)  # type: ignore[union-attr]
            archive.NameToInfo.clear()
            archive.writestr(name, b"other")
        return sink.getvalue(), Promise(NONE, told=True)
    return _again({**entries, f"{name}/inner.png": b"other"}, kind), Promise(NONE, told=True)


def links_inside(pen: Pen, data: bytes) -> tuple[bytes, Promise]:
    entries, kind = _of(pen, data)
    if "evil.png" in entries:
        return data, ANY
    target = pen.rng.choice(("/etc/passwd", "..", ".", "evil.png", "/dev/zero"))
    if kind == "zip":
        sink = io.BytesIO(data)
        info = zipfile.ZipInfo("evil.png")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        with zipfile.ZipFile(sink, "a") as archive:
            archive.writestr(info, target)
        return sink.getvalue(), Promise(NONE, told=True)
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w:gz" if kind == "tar.gz" else "w") as archive:
        odd = tarfile.TarInfo("evil.png")
        odd.type = pen.rng.choice((tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE))
        odd.linkname = target
        archive.addfile(odd)
        for name, content in entries.items():
            made = tarfile.TarInfo(name)
            made.size = len(content)
            archive.addfile(made, io.BytesIO(content))
    return sink.getvalue(), Promise(NONE, told=True)


def bomb_inside(pen: Pen, data: bytes) -> tuple[bytes, Promise]:
    """A file of zeros that is packed a thousandfold: beyond what is read for nothing, and below."""
    entries, kind = _of(pen, data)
    if kind == "tar":
        return data, SAME
    if pen.rng.random() < 0.9:
        return _again({**entries, "zeros.txt": bytes(2**20)}, kind), SAME
    return _again({**entries, "zeros.txt": bytes(2**28 + 1)}, kind), Promise(refuses=True)


def lies_of_sizes(pen: Pen, data: bytes) -> tuple[bytes, Promise]:
    """The archive's own list says other sizes, places, sums, methods or flags than there are."""
    kind = pen.seed.annotations[pen.file]
    changed = bytearray(data)
    sign = data.rfind(b"PK\x01\x02", 0, 1 + pen.inside(len(data))) if kind == "zip" else -1
    start = sign if sign >= 0 else (data.rfind(b"PK\x01\x02") if kind == "zip" else 512 * pen.inside(len(data) // 512))
    for _ in range(pen.rng.choice((1, 4))):
        changed[min(len(data) - 1, start + pen.inside(46))] = pen.rng.choice((0, 1, 255, pen.rng.randrange(256)))
    return bytes(changed), Promise()


def otherwise_packed(pen: Pen, data: bytes) -> tuple[bytes, Promise]:
    """An archive of another kind than its ending says, or packed once more."""
    entries, _ = _of(pen, data)
    other = pen.rng.choice((zipped({**entries}), tarred({**entries}), gzip.compress(data), zipped({"inner.zip": data})))
    return other, Promise()


ARCHIVES: tuple[Mutation, ...] = (
    *(entry_dropped, entries_shuffled, wrapped_in_folders, unwanted_beside, names_that_lead_out, names_doubled),
    *(links_inside, bomb_inside, lies_of_sizes, lies_of_sizes, otherwise_packed),
)

# -- masks ------------------------------------------------------------------------------------------------------------


def mask_of_other_kind(pen: Pen, data: bytes) -> tuple[bytes, Promise]:
    """A mask in colours, in bits, of another size, or without a class."""
    with Image.open(io.BytesIO(data)) as opened:
        made = opened.convert(pen.rng.choice(("RGB", "RGBA", "1", "P", "LA", "I;16", "L")))
    if pen.rng.random() < 0.3:
        made = made.resize((7, 300))
    sink = io.BytesIO()
    made.save(sink, "PNG")
    return sink.getvalue(), ANY


def mask_of_noise(pen: Pen, data: bytes) -> tuple[bytes, Promise]:
    drawn = np.random.default_rng(pen.rng.randrange(2**32)).integers(0, 256, (30, 40)).astype(np.uint8)
    sink = io.BytesIO()
    Image.fromarray(drawn).save(sink, "PNG")
    return sink.getvalue(), ANY


MASKS: tuple[Mutation, ...] = (mask_of_other_kind, mask_of_noise)
