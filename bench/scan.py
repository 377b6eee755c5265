"""The deep scan of a data set against a bare decode loop on the same cores, and what else of it has a limit.

The bare loop reads each JPEG file and decodes it whole, and keeps nothing; by threads, and by processes as the scan.
The scan reads the same files, finds damage, hashes, measures and compares; thumbnails are made apart. All in one run,
round by round, each with the start of its workers.
"""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import Executor
from pathlib import Path

import numpy as np
import simplejpeg

from bench import photographs
from bench.table import Row
from nbtrain.data.inspection import alike
from nbtrain.data.inspection.store import Store
from nbtrain.data.inspection.sweep import sweep, workers
from nbtrain.data.thumbnails import Thumbnails

TITLE = "Deep scan: every image opened once (JPEG, 500 × 376 px; as many workers as cores)"
_IMAGES, _ROUNDS = 1200, 5
_HASHES = 100_000
_SHOWN = 60
_DAMAGED = 300


def measure(long: bool = False) -> list[Row]:
    """Return the rows of this benchmark."""
    root = photographs.folder(_IMAGES)
    files = [path.relative_to(root).as_posix() for path in sorted(root.rglob("*.jpg"))]
    threads, bare, ours, again = [], [], [], []
    made, shown = list[float](), list[float]()
    for _ in range(_ROUNDS * (2 if long else 1)):
        with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
            threads.append(_IMAGES / _timed(lambda: _bare(root, files, workers())))
            bare.append(_IMAGES / _timed(lambda: _bare(root, files, workers(apart=True))))
            ours.append(_IMAGES / _timed(lambda: _sweep(root, files, one)))
            again.append(_timed(lambda: _sweep(root, files, one)))
            pictures = Thumbnails(other)
            made.append(1000 * _timed(lambda: pictures.get(files[:_SHOWN], root)))  # noqa: B023
            shown.append(1000 * _timed(lambda: pictures.get(files[:_SHOWN], root)))  # noqa: B023
            pictures.close()
    return [
        Row("bare decode loop, threads", "images/s", tuple(threads)),
        Row("bare decode loop, processes", "images/s", tuple(bare)),
        Row("scan", "images/s", tuple(ours)),
        _ratio("scan ÷ bare loop, threads", ours, threads),
        _ratio("scan ÷ bare loop, processes", ours, bare),
        Row(f"a second scan of {_IMAGES} unchanged images", "s", tuple(again)),
        Row(f"{_SHOWN} thumbnails made", "ms", tuple(made)),
        Row(f"{_SHOWN} thumbnails read back", "ms", tuple(shown), limit=20),
        Row(f"comparing {_HASHES} hashes", "s", tuple(_comparing() for _ in range(2)), limit=10),
        Row("damaged files told alike by full and reduced decoding", "share", (_agreement(root, files),), 1, True),
    ]


def _ratio(name: str, ours: list[float], theirs: list[float]) -> Row:
    return Row(name, "×", tuple(a / b for a, b in zip(ours, theirs, strict=True)), limit=0.8, more_is_better=True)


def _timed(work: Callable[[], object]) -> float:
    began_s = time.perf_counter()
    work()
    return time.perf_counter() - began_s


def _sweep(root: Path, files: list[str], folder: str) -> None:
    sweep(root, files, Store(Path(folder)), pool=workers(apart=True))


def _bare(root: Path, files: list[str], pool: Executor) -> None:
    with pool:
        list(pool.map(_decoded, [str(root / file) for file in files], chunksize=16))


def _decoded(path: str) -> int:
    return int(simplejpeg.decode_jpeg(Path(path).read_bytes(), "RGB").size)


def _comparing() -> float:
    drawn = np.random.default_rng(0)
    hashes = drawn.integers(0, 2**64, _HASHES, dtype=np.uint64)
    pictures = drawn.integers(0, 256, (_HASHES, 256), dtype=np.uint8)
    digests = [number.to_bytes(16, "big") for number in range(1, _HASHES + 1)]
    return _timed(lambda: alike.groups(digests, hashes, pictures))


def _agreement(root: Path, files: list[str]) -> float:
    """Damage files by chance; return the share of which both ways of decoding say the same."""
    drawn, same = random.Random(0), 0
    for file in files[:_DAMAGED]:
        data = bytearray((root / file).read_bytes())
        at = drawn.randrange(700, len(data) - 2)
        n_bytes = drawn.choice((1, 64, 512, len(data)))
        data[at : at + n_bytes] = b"" if n_bytes == len(data) else drawn.randbytes(len(data[at : at + n_bytes]))
        same += _objects(bytes(data), 0) == _objects(bytes(data), 112)
    return same / _DAMAGED


def _objects(data: bytes, least_px: int) -> str:
    try:
        simplejpeg.decode_jpeg(data, "RGB", min_width=least_px, min_height=least_px, strict=True)
    except ValueError as error:
        return str(error)
    return ""
