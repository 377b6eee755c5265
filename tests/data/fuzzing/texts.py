"""Mutations of texts: bytes of any file, and lines, JSON, XML and YAML of those that are so written.

Each takes a pen and the file's bytes, and returns other bytes with what the reader promises then.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from data.fuzzing.promises import ANY, NONE, SAME, Pen, Promise

Mutation = Callable[[Pen, bytes], tuple[bytes, Promise]]

# -- bytes of any file ----------------------------------------------------------------------------------------------


def truncated(pen: Pen, data: bytes) -> tuple[bytes, Promise]:
    """Cut off; a file of known structure shows it, and of lines nobody knows how many there were."""
    kind = pen.seed.annotations[pen.file]
    cut = pen.inside(len(data.rstrip().rstrip(b"\0") if kind == "tar" else data.rstrip()))
    if kind in ("csv", "tsv"):
        return data[:cut], _cut_table(pen, data, cut)
    if kind in ("lines", "boxes", "names", "yaml"):
        return data[:cut], Promise(touched=pen.about(_text(data)), silent=None)
    if kind == "tar" and pen.rng.random() < 0.5:
        cut -= cut % 512  # between two entries it looks like a whole one
    alone = list(pen.seed.annotations.values()).count(kind) == 1
    if alone and kind in ("json", "parquet", "zip", "tar.gz"):
        return data[:cut], Promise(refuses=True)
    return data[:cut], Promise(touched=pen.about(_text(data)), told=kind in ("json", "xml", "tar"))


def _cut_table(pen: Pen, data: bytes, cut: int) -> Promise:
    """Rows behind the cut are gone, and of the row that was cut something must be said."""
    head, _, broken = data[:cut].rpartition(b"\n")
    rest = data[len(head) :].lstrip(b"\n").split(b"\n")
    whole = broken in (b"", rest[0])
    behind = _text(b"\n".join(rest[0 if not broken else 1 :]))
    after = pen.about(behind) or NONE if behind.strip() else NONE
    if not head:
        return Promise(silent=None)
    told = not whole and _shows(_text(broken), data)
    return Promise(touched=after | (pen.about(_text(rest[0])) or NONE), silent=after, told=told)


def _shows(broken: str, data: bytes) -> bool:
    """Return whether part of a row can be told from a whole one: by its length, or by a label of its own."""
    separator = _separator(data)
    header, *rows = data.decode().splitlines()
    cells = broken.split(separator)
    last = cells[-1].split("|")[-1]
    labels = {label for row in rows for label in row.split(separator)[-1].split("|")}
    return len(cells) <= header.count(separator) or (
        header.split(separator)[-1].startswith("label") and last and last not in labels
    )


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _changed(pen: Pen, data: bytes, at: int) -> Promise:
    """In the first line of a table stands what its columns are; what is packed may say anything of anything."""
    kind = pen.seed.annotations[pen.file]
    header = kind in ("csv", "tsv") and at <= data.index(b"\n")
    packed = kind in ("parquet", "arrow", "zip", "tar", "tar.gz")
    return ANY if header else Promise(grows=True) if packed else Promise(pen.about(_text(data)))


def byte_changed(pen: Pen, data: bytes) -> tuple[bytes, Promise]:
    at = pen.inside(len(data))
    return data[:at] + bytes([pen.rng.randrange(256)]) + data[at + 1 :], _changed(pen, data, at)


def byte_inserted(pen: Pen, data: bytes) -> tuple[bytes, Promise]:
    at = pen.inside(len(data))
    byte = pen.rng.choice(b"\0\n\r\t ,;\"'{}[]<>&:/\\#-0\xff\xc3")
    return data[:at] + bytes([byte]) + data[at:], _changed(pen, data, at)


def bytes_dropped(pen: Pen, data: bytes) -> tuple[bytes, Promise]:
    at, n = pen.inside(len(data)), pen.rng.choice((1, 2, 7, 40))
    return data[:at] + data[at + n :], ANY


def block_of_zeros(pen: Pen, data: bytes) -> tuple[bytes, Promise]:
    """What a disk gives back after a crash."""
    at = pen.inside(len(data))
    return data[:at] + b"\0" * (len(data) - at), replace(ANY, grows=pen.seed.annotations[pen.file] == "arrow")


def emptied(pen: Pen, data: bytes) -> tuple[bytes, Promise]:
    return pen.rng.choice((b"", b"\n", b" \n \n", b"\xef\xbb\xbf")), ANY


def something_else(pen: Pen, data: bytes) -> tuple[bytes, Promise]:
    """Another file under this name: a picture, noise, a web page, a pointer of Git LFS."""
    noise = bytes(pen.rng.randrange(256) for _ in range(300))
    page = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body>404</body></html>"
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"
    png = b"\x89PNG\r\n\x1a\n" + noise
    return pen.rng.choice((noise, page, pointer, png, b"PK\x03\x04" + noise, b"null", b"0", b"[]", b"{}", b'""')), ANY


def written_twice(pen: Pen, data: bytes) -> tuple[bytes, Promise]:
    return data + data, Promise()


BYTES: tuple[Mutation, ...] = (
    *(truncated, truncated, byte_changed, byte_changed, byte_inserted, byte_inserted),
    *(bytes_dropped, block_of_zeros, emptied, something_else, written_twice),
)

# -- encodings of a text ----------------------------------------------------------------------------------------------


def with_mark(pen: Pen, data: bytes) -> tuple[bytes, Promise]:
    return b"\xef\xbb\xbf" + data, SAME


def carriage_returns(pen: Pen, data: bytes) -> tuple[bytes, Promise]:
    return data.replace(b"\n", pen.rng.choice((b"\r\n", b"\r"))), SAME


def spaces_behind(pen: Pen, data: bytes) -> tuple[bytes, Promise]:
    return data + pen.rng.choice((b"\n", b"\n\n\n", b" \n", b"\r\n")), SAME


def utf_16(pen: Pen, data: bytes) -> tuple[bytes, Promise]:
    coding = pen.rng.choice(("utf-16", "utf-16-le", "utf-16-be", "utf-32"))
    return data.decode().encode(coding), Promise(touched=pen.about(_text(data)))


def latin_1(pen: Pen, data: bytes) -> tuple[bytes, Promise]:
    coded = data.decode().encode(pen.rng.choice(("latin-1", "cp1252", "cp437")), "replace")
    return coded, SAME if coded == data else Promise(touched=pen.about("zoé café"))


ENCODINGS: tuple[Mutation, ...] = (with_mark, carriage_returns, spaces_behind, utf_16, latin_1)

# -- rows of tables ---------------------------------------------------------------------------------------------------


def _rows(pen: Pen, data: bytes) -> list[list[str]]:
    return [line.split(_separator(data)) for line in data.decode().splitlines()]


def _separator(data: bytes) -> str:
    header = data.decode().splitlines()[0]
    return max(",;\t", key=header.count)


def _written(rows: list[list[str]], separator: str, **how: Any) -> bytes:
    sink = io.StringIO()
    csv.writer(sink, delimiter=separator, lineterminator="\n", **how).writerows(rows)
    return sink.getvalue().encode("utf-8", "surrogatepass")


def _one(pen: Pen, rows: list[list[str]]) -> int:
    return 1 + pen.inside(len(rows) - 1)


def _others(pen: Pen, rows: list[list[str]], at: int) -> frozenset[str]:
    """Return the images of a row, where no other row is about them; in long tables others are."""
    stems = pen.about(",".join(rows[at])) or NONE
    left = pen.about("\n".join(",".join(row) for place, row in enumerate(rows) if place != at)) or NONE
    return stems - left


def row_dropped(pen: Pen, data: bytes) -> tuple[bytes, Promise]:
    rows = _rows(pen, data)
    at = _one(pen, rows)
    touched = pen.about(",".join(rows[at]))
    gone = _others(pen, rows, at)
    made = [row for place, row in enumerate(rows) if place != at]
    return _written(made, _separator(data)), Promise(touched, silent=touched, gone=gone, reads=True)


def row_doubled(pen: Pen, data: bytes) -> tuple[bytes, Promise]:
    rows = _rows(pen, data)
    rows.insert(_one(pen, rows), rows[_one(pen, rows)])
    return _written(rows, _separator(data)), Promise(NONE, reads=True, told=True)


def rows_shuffled(pen: Pen, data: bytes) -> tuple[bytes, Promise]:
    header, *rows = _rows(pen, data)
    pen.rng.shuffle(rows)
    return _written([header, *rows], _separator(data)), SAME


def blank_lines(pen: Pen, data: bytes) -> tuple[bytes, Promise]:
    rows = _rows(pen, data)
    for _ in range(pen.rng.randrange(1, 4)):
        rows.insert(_one(pen, rows), pen.rng.choice(([], [" "], [""] * len(rows[0]))))
    return _written(rows, _separator(data)), SAME


def row_of_other_length(pen: Pen, data: bytes) -> tuple[bytes, Promise]:
    rows = _rows(pen, data)
    at = _one(pen, rows)
    rows[at] = rows[at] + ["more"] if pen.rng.random() < 0.5 else rows[at][:-1]
    return _written(rows, _separator(data)), Promise(pen.about(",".join(rows[at])), told=True)


def cell_replaced(pen: Pen, data: bytes) -> tuple[bytes, Promise]:
    rows = _rows(pen, data)
    at = _one(pen, rows)
    touched = pen.about(",".join(rows[at]))
    rows[at][pen.inside(len(rows[at]))] = str(pen.evil())
    return _written(rows, _separator(data)), Promise(touched)


def header_replaced(pen: Pen, data: bytes) -> tuple[bytes, Promise]:
    rows = _rows(pen, data)
    rows[0][pen.inside(len(rows[0]))] = str(pen.evil())
    return _written(rows, _separator(data)), ANY


def header_dropped(pen: Pen, data: bytes) -> tuple[bytes, Promise]:
    return _written(_rows(pen, data)[1:], _separator(data)), Promise()


def column_added(pen: Pen, data: bytes) -> tuple[bytes, Promise]:
    """One more column of texts that nothing else is named like."""
    rows = _rows(pen, data)
    at = pen.inside(len(rows[0]) + 1)
    for place, row in enumerate(rows):
        row.insert(at, f"remark {place}" if place else "remarks")
    return _written(rows, _separator(data)), Promise(NONE)


def column_dropped(pen: Pen, data: bytes) -> tuple[bytes, Promise]:
    rows = _rows(pen, data)
    at = pen.inside(len(rows[0]))
    return _written([row[:at] + row[at + 1 :] for row in rows], _separator(data)), ANY


def columns_shuffled(pen: Pen, data: bytes) -> tuple[bytes, Promise]:
    columns = list(zip(*_rows(pen, data), strict=True))
    pen.rng.shuffle(columns)
    return _written([list(row) for row in zip(*columns, strict=True)], _separator(data)), SAME


def unused_column_renamed(pen: Pen, data: bytes) -> tuple[bytes, Promise]:
    first, _, rest = data.decode().partition("\n")
    return f"{first.replace('patient', 'person').replace('lead_time', 'seconds')}\n{rest}".encode(), SAME


def separated_otherwise(pen: Pen, data: bytes) -> tuple[bytes, Promise]:
    return _written(_rows(pen, data), pen.rng.choice(",;\t")), SAME


def quoted(pen: Pen, data: bytes) -> tuple[bytes, Promise]:
    return _written(_rows(pen, data), _separator(data), quoting=csv.QUOTE_ALL), SAME


def quoted_singly(pen: Pen, data: bytes) -> tuple[bytes, Promise]:
    return _written(_rows(pen, data), _separator(data), quoting=csv.QUOTE_ALL, quotechar="'"), Promise()


def quote_left_open(pen: Pen, data: bytes) -> tuple[bytes, Promise]:
    rows = _rows(pen, data)
    at = _one(pen, rows)
    cell = pen.inside(len(rows[at]))
    lines = data.decode().splitlines(keepends=True)
    rows[at][cell] = f'"{rows[at][cell]}'
    lines[at] = _separator(data).join(rows[at]) + "\n"
    return "".join(lines).encode(), Promise()


def spaces_around(pen: Pen, data: bytes) -> tuple[bytes, Promise]:
    rows = _rows(pen, data)
    return _written([[f" {cell} " for cell in row] for row in rows], _separator(data)), SAME


def comment_above(pen: Pen, data: bytes) -> tuple[bytes, Promise]:
    return pen.rng.choice((b"# made by hand\n", b"sep=,\n", b"\n\n", b"labels of 2024\n")) + data, Promise()


def names_of_elsewhere(pen: Pen, data: bytes) -> tuple[bytes, Promise]:
    """Names as another machine has written them; the images are found by the ends of their paths."""
    before = pen.rng.choice(("C:\\data\\", "/content/", "./", "/kaggle/input/x/", "file:///srv/x/", "\\\\server\\x\\"))
    text = re.sub(r"[\w/]+(-\w+)?\.png", lambda found: before + found.group(), data.decode())
    return text.encode(), SAME


def many_rows(pen: Pen, data: bytes) -> tuple[bytes, Promise]:
    header, *rows = data.decode().splitlines(keepends=True)
    return (header + "".join(rows) * 100).encode(), Promise(NONE, reads=True)


ROWS: tuple[Mutation, ...] = (
    *(row_dropped, row_doubled, rows_shuffled, blank_lines, row_of_other_length, cell_replaced, cell_replaced),
    *(header_replaced, header_dropped, column_added, column_dropped, columns_shuffled, unused_column_renamed),
    *(separated_otherwise, quoted, quoted_singly, quote_left_open, spaces_around, comment_above),
    *(names_of_elsewhere, many_rows),
)

# -- lines of text: boxes of YOLO, lists of images, names of classes --------------------------------------------------


def line_dropped(pen: Pen, data: bytes) -> tuple[bytes, Promise]:
    lines = data.decode().splitlines()
    line = lines.pop(pen.inside(len(lines)))
    return "\n".join(lines).encode(), Promise(pen.about(line), silent=None)


def line_doubled(pen: Pen, data: bytes) -> tuple[bytes, Promise]:
    lines = data.decode().splitlines()
    line = lines[pen.inside(len(lines))]
    lines.insert(pen.inside(len(lines)), line)
    return "\n".join(lines).encode(), Promise(pen.about(line))


def lines_shuffled(pen: Pen, data: bytes) -> tuple[bytes, Promise]:
    lines = data.decode().splitlines()
    pen.rng.shuffle(lines)
    return "\n".join(lines).encode(), ANY if pen.seed.annotations[pen.file] == "names" else SAME


def line_replaced(pen: Pen, data: bytes) -> tuple[bytes, Promise]:
    lines = data.decode().splitlines() or [""]
    at = pen.inside(len(lines))
    was, lines[at] = lines[at], str(pen.evil())
    about = pen.about(was)
    return "\n".join(lines).encode("utf-8", "surrogatepass"), Promise(
        about, silent=NONE if lines[at].strip() else about
    )


def word_replaced(pen: Pen, data: bytes) -> tuple[bytes, Promise]:
    words = re.split(r"(\s+)", data.decode())
    at = 2 * pen.inside((len(words) + 1) // 2)
    was, words[at] = words[at], str(pen.evil())
    about = pen.about(was)
    return "".join(words).encode("utf-8", "surrogatepass"), Promise(about, silent=NONE if words[at].strip() else about)


def word_dropped(pen: Pen, data: bytes) -> tuple[bytes, Promise]:
    words = data.decode().split(" ")
    was = words.pop(pen.inside(len(words)))
    return " ".join(words).encode(), Promise(pen.about(was))


def blanks_between(pen: Pen, data: bytes) -> tuple[bytes, Promise]:
    if pen.seed.annotations[pen.file] == "names":
        return data, SAME
    return data.replace(b"\n", b"\n\n \n").replace(b" ", pen.rng.choice((b"  ", b"\t", b" "))), SAME


LINES: tuple[Mutation, ...] = (
    *(line_dropped, line_doubled, lines_shuffled, line_replaced, word_replaced, word_dropped, blanks_between),
)

# -- JSON -------------------------------------------------------------------------------------------------------------


def _nodes(plain: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of every value inside."""
    pairs = plain.items() if isinstance(plain, dict) else enumerate(plain) if isinstance(plain, list) else ()
    for key, value in pairs:
        yield (*above, key)
        yield from _nodes(value, (*above, key))


def _at(plain: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        plain = plain[key]
    return plain


def _about(pen: Pen, plain: Any, path: tuple[Any, ...]) -> frozenset[str] | None:
    """Return the images that the list item around a value is about: by its text, or by COCO's id of the image."""
    entry = next((depth for depth, key in enumerate(path) if isinstance(key, int)), None)
    if entry is None or path[0] == "categories" or path[-1] in ("id", "image_id"):
        return None  # an id may become another entry's
    item = _at(plain, path[: entry + 1])
    if isinstance(item, dict) and "image_id" in item:
        item = next((named for named in plain["images"] if named["id"] == item["image_id"]), item)
    return pen.about(json.dumps(item))


def _chosen(pen: Pen, data: bytes, *kinds: type) -> tuple[Any, tuple[Any, ...], frozenset[str] | None]:
    """Return the tree, the path of a value whose container is of one of these kinds, and what it is about."""
    plain = json.loads(data)
    paths = [path for path in _nodes(plain) if not kinds or isinstance(_at(plain, path[:-1]), kinds)]
    path = pen.rng.choice(paths)
    return plain, path, _about(pen, plain, path)


def _dumped(plain: Any, **how: Any) -> bytes:
    return json.dumps(plain, **how).encode("utf-8", "surrogatepass")


def value_replaced(pen: Pen, data: bytes) -> tuple[bytes, Promise]:
    plain, path, about = _chosen(pen, data)
    made = _at(plain, path[:-1])[path[-1]] = pen.evil()
    moved = path[-1] == "image_id" and str(made).removesuffix(".0").isdecimal()  # it may be another image's from now on
    return _dumped(plain, ensure_ascii=pen.rng.random() < 0.5), Promise(about, silent=about if moved else NONE)


def value_dropped(pen: Pen, data: bytes) -> tuple[bytes, Promise]:
    plain, path, about = _chosen(pen, data)
    del _at(plain, path[:-1])[path[-1]]
    return _dumped(plain), Promise(about, silent=about)


def item_doubled(pen: Pen, data: bytes) -> tuple[bytes, Promise]:
    plain, path, about = _chosen(pen, data, list)
    items = _at(plain, path[:-1])
    items.insert(pen.inside(len(items) + 1), items[path[-1]])
    return _dumped(plain), Promise(about)


def items_shuffled(pen: Pen, data: bytes) -> tuple[bytes, Promise]:
    """Shuffle the outermost lists, whose order means nothing."""
    plain = json.loads(data)
    for items in (plain,) if isinstance(plain, list) else plain.values():
        if isinstance(items, list):
            pen.rng.shuffle(items)
    return _dumped(plain), SAME


def key_renamed(pen: Pen, data: bytes) -> tuple[bytes, Promise]:
    plain, path, about = _chosen(pen, data, dict)
    entry = _at(plain, path[:-1])
    entry[pen.rng.choice((f"{path[-1]}_", path[-1].upper(), "", "\0", "x" * 3000))] = entry.pop(path[-1])
    return _dumped(plain), Promise(about)


def key_doubled(pen: Pen, data: bytes) -> tuple[bytes, Promise]:
    """A key that stands twice with other values: JSON keeps the last, and nobody sees it."""
    plain, path, about = _chosen(pen, data, dict)
    entry, key, value = _at(plain, path[:-1]), path[-1], pen.evil()
    entry["\0twice"] = value
    return _dumped(plain).replace(b'"\\u0000twice"', json.dumps(key).encode()), Promise(about, told=value != entry[key])


def id_shared(pen: Pen, data: bytes) -> tuple[bytes, Promise]:
    """Two images, or two classes, of one id, as after merging by hand."""
    plain = json.loads(data)
    if not isinstance(plain, dict):
        return data, SAME
    entries = plain[pen.rng.choice(("images", "categories"))]
    one, other = pen.rng.sample(entries, 2)
    one["id"] = other["id"]
    return _dumped(plain), Promise(refuses=True)


def unknown_key_added(pen: Pen, data: bytes) -> tuple[bytes, Promise]:
    plain = json.loads(data)
    at = pen.inside(len(plain))
    entry = {"licence of ours": pen.evil(), **(plain if isinstance(plain, dict) else plain[at])}
    return _dumped(entry if isinstance(plain, dict) else [*plain[:at], entry, *plain[at + 1 :]]), Promise(NONE)


def laid_out_otherwise(pen: Pen, data: bytes) -> tuple[bytes, Promise]:
    how = pen.rng.choice(({"indent": 4}, {"ensure_ascii": False}, {"separators": (",", ":")}, {"indent": "\t"}))
    return _dumped(json.loads(data), **how), SAME


def nested_deeply(pen: Pen, data: bytes) -> tuple[bytes, Promise]:
    plain, path, about = _chosen(pen, data)
    _at(plain, path[:-1])[path[-1]] = "\0deep"
    n = pen.rng.choice((50, 900, 1100, 20_000))
    start, end = pen.rng.choice((("[", "]"), ('{"a":', "}")))
    return _dumped(plain).replace(b'"\\u0000deep"', (start * n + "0" + end * n).encode()), Promise(about)


def wrapped(pen: Pen, data: bytes) -> tuple[bytes, Promise]:
    plain = json.loads(data)
    return _dumped(pen.rng.choice(({"data": plain}, [plain], {"result": [plain]}, str(plain)))), Promise()


JSON: tuple[Mutation, ...] = (
    *(value_replaced, value_replaced, value_replaced, value_dropped, value_dropped, item_doubled, items_shuffled),
    *(key_renamed, key_doubled, id_shared, unknown_key_added, laid_out_otherwise, nested_deeply, wrapped),
)

# -- XML --------------------------------------------------------------------------------------------------------------

_ELEMENT = re.compile(r"<(\w+)>([^<]*)</\1>|<(\w+)>|</(\w+)>")
_LEAF = re.compile(r"<(\w+)>([^<]*)</\1>")
_INNER = re.compile(r"<(object|bndbox|size)>.*?</\1>|<(\w+)>[^<]*</\2>", re.DOTALL)


def _found(pen: Pen, pattern: re.Pattern[str], text: str) -> re.Match[str]:
    return pen.rng.choice(list(pattern.finditer(text)))


def text_replaced(pen: Pen, data: bytes) -> tuple[bytes, Promise]:
    text = data.decode()
    found = _found(pen, _LEAF, text)
    value = str(pen.evil())
    value = value.replace("&", "&amp;").replace("<", "&lt;") if pen.rng.random() < 0.8 else value
    made = f"{text[: found.start(2)]}{value}{text[found.end(2) :]}"
    return made.encode("utf-8", "surrogatepass"), Promise(pen.about(text))


def element_dropped(pen: Pen, data: bytes) -> tuple[bytes, Promise]:
    text = data.decode()
    found = _found(pen, _INNER, text)
    return (text[: found.start()] + text[found.end() :]).encode(), Promise(pen.about(text), silent=pen.about(text))


def element_doubled(pen: Pen, data: bytes) -> tuple[bytes, Promise]:
    text = data.decode()
    found = _found(pen, _INNER, text)
    return (text[: found.end()] + found.group() + text[found.end() :]).encode(), Promise(pen.about(text))


def element_renamed(pen: Pen, data: bytes) -> tuple[bytes, Promise]:
    text = data.decode()
    name = pen.rng.choice([found.group(1) for found in re.finditer(r"<(\w+)>", text)])
    made = re.sub(rf"(</?){name}>", rf"\g<1>{name}_>", text)
    return made.encode(), Promise(pen.about(text))


def tag_dropped(pen: Pen, data: bytes) -> tuple[bytes, Promise]:
    text = data.decode()
    found = _found(pen, re.compile(r"</?\w+>"), text)
    return (text[: found.start()] + text[found.end() :]).encode(), Promise(pen.about(text))


def declared(pen: Pen, data: bytes) -> tuple[bytes, Promise]:
    """With a declaration of its encoding, which says the truth or does not."""
    name = pen.rng.choice(("utf-8", "UTF-8", "us-ascii", "iso-8859-1", "utf-16", "windows-1252", "x-none", "gbk"))
    true = name in ("utf-8", "UTF-8")
    return f'<?xml version="1.0" encoding="{name}"?>\n'.encode() + data, SAME if true else Promise(
        pen.about(_text(data))
    )


def harmless_between(pen: Pen, data: bytes) -> tuple[bytes, Promise]:
    text = data.decode()
    more = pen.rng.choice(("<!-- a remark -->", "<?php x ?>", "\n\n   ", "<!-- <object> -->"))
    return re.sub(r"(<size>|<object>|</annotation>)", rf"{more}\1", text).encode(), SAME


def attributes_added(pen: Pen, data: bytes) -> tuple[bytes, Promise]:
    return re.sub(rb"<(object|annotation|size)>", rb'<\1 verified="yes" id="7">', data), SAME


def in_character_data(pen: Pen, data: bytes) -> tuple[bytes, Promise]:
    return _LEAF.sub(r"<\1><![CDATA[\2]]></\1>", data.decode()).encode(), SAME


def in_a_name_space(pen: Pen, data: bytes) -> tuple[bytes, Promise]:
    return data.replace(b"<annotation>", b'<annotation xmlns="http://x.org/voc">'), Promise(pen.about(_text(data)))


def billion_laughs(pen: Pen, data: bytes) -> tuple[bytes, Promise]:
    lines = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "ha"}">' for n in range(10))
    text = f"<!DOCTYPE annotation [{lines}]>" + data.decode().replace("<size>", "&l9;<size>")
    return text.encode(), Promise(pen.about(text), told=True)


def external_entity(pen: Pen, data: bytes) -> tuple[bytes, Promise]:
    kind = pen.rng.choice(('SYSTEM "file:///etc/passwd"', 'SYSTEM "http://127.0.0.1:1/x"', 'PUBLIC "x" "/dev/zero"'))
    text = f"<!DOCTYPE annotation [<!ENTITY x {kind}>]>" + data.decode().replace("<size>", "&x;<size>")
    return text.encode(), Promise(pen.about(text), told=True)


def document_type(pen: Pen, data: bytes) -> tuple[bytes, Promise]:
    """A document type that declares nothing, or by reference to another file that is never read."""
    head = pen.rng.choice(("<!DOCTYPE annotation>", '<!DOCTYPE annotation SYSTEM "http://127.0.0.1:1/x.dtd">'))
    return head.encode() + data, SAME


def elements_nested_deeply(pen: Pen, data: bytes) -> tuple[bytes, Promise]:
    n = pen.rng.choice((50, 99, 5000, 100_000))
    return data.replace(b"<size>", b"<a>" * n + b"</a>" * n + b"<size>"), Promise(pen.about(_text(data)))


XML: tuple[Mutation, ...] = (
    *(text_replaced, text_replaced, element_dropped, element_doubled, element_renamed, tag_dropped, declared),
    *(harmless_between, attributes_added, in_character_data, in_a_name_space, billion_laughs, external_entity),
    *(document_type, elements_nested_deeply),
)

# -- YAML -------------------------------------------------------------------------------------------------------------


def yaml_value_replaced(pen: Pen, data: bytes) -> tuple[bytes, Promise]:
    lines = data.decode().splitlines()
    at = pen.inside(len(lines))
    key = lines[at].partition(":")[0]
    value = pen.evil()
    lines[at] = f"{key}: {json.dumps(value) if pen.rng.random() < 0.7 else value}"
    return "\n".join(lines).encode("utf-8", "surrogatepass"), ANY


def yaml_line_dropped(pen: Pen, data: bytes) -> tuple[bytes, Promise]:
    lines = data.decode().splitlines()
    lines.pop(pen.inside(len(lines)))
    return "\n".join(lines).encode(), ANY


def yaml_line_doubled(pen: Pen, data: bytes) -> tuple[bytes, Promise]:
    lines = data.decode().splitlines()
    lines.insert(pen.inside(len(lines)), pen.rng.choice(lines))
    return "\n".join(lines).encode(), ANY


def yaml_extra(pen: Pen, data: bytes) -> tuple[bytes, Promise]:
    """More keys, comments and remarks, which change nothing."""
    more = pen.rng.choice((b"# a remark\n", b"download: https://x.org/a.zip\n", b"author: me\n", b"---\n"))
    return more + data, SAME


def yaml_bomb(pen: Pen, data: bytes) -> tuple[bytes, Promise]:
    """Anchors that grow tenfold a line."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    where = pen.rng.choice(("names: *a9", "train: *a9", "path: *a9", "x: *a9"))
    text = re.sub(rf"^{where.split(':')[0]}:.*\n(  .*\n)*", "", data.decode(), flags=re.MULTILINE)
    return "\n".join((*lines, text, where)).encode(), ANY


def yaml_hostile(pen: Pen, data: bytes) -> tuple[bytes, Promise]:
    """What makes other readers run code, loop, or take minutes."""
    more = pen.rng.choice(
        (
            "x: !!python/object/apply:os.system ['true']\n", "x: &x [*x]\n", "x: *nowhere\n", "x: !!binary '%%%'\n",
            "x: !!int 'ten'\n", f"x: {'[' * 3000}\n", f"x: {'{a: ' * 3000}\n", "\tx: 1\n", "x: 2001-99-99\n",
            "? [a, b]\n: c\n",
            "<<: {train: elsewhere}\n", "<<: *a\n", "%YAML 9.9\n---\n", "x: 'open\n",
            f"x: {'9' * 5000}\n",
            "names: &n {0: *n}\n", "--- a\n--- b\n", "x: \"\\ud800\"\n", "{}: []\n", "[a]: b\n", "~: ~\n",
        )
    )  # fmt: skip
    text = data.decode()
    return (more + text if pen.rng.random() < 0.5 else text + more).encode("utf-8", "surrogatepass"), ANY


YAML: tuple[Mutation, ...] = (
    *(yaml_value_replaced, yaml_value_replaced, yaml_line_dropped, yaml_line_doubled, yaml_extra, yaml_bomb),
    *(yaml_hostile, yaml_hostile),
)
