"""Promises: what a reader owes after a mutation, and the pen that mutations write with."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from data.fuzzing.seeds import Seed

Stems = frozenset[str] | None
"""Some of the images by their stems; None for all of them."""
NONE: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Promise:
    """What must be true of the result, whatever the reader makes of the mutated file."""

    touched: Stems = None
    """Images that may come out otherwise; all others are as in the valid file."""
    silent: Stems = NONE
    """Images of which nobody can know any more that something was there: they may be missing without a word."""
    gone: frozenset[str] = NONE
    """Images that must be missing."""
    reads: bool = False
    """Whether the file is still valid, so that refusing it is wrong."""
    refuses: bool = False
    """Whether it must be refused."""
    told: bool = False
    """Whether something must be said that is not said of the valid file."""
    grows: bool = False
    """Whether there may be images that the valid set has not."""


SAME = Promise(touched=NONE, reads=True)
ANY = Promise(silent=None)
"""Nothing but a right kind of end: the mutation may have made anything of it."""


@dataclass
class Pen:
    """What a mutation of one annotation file draws from, and asks what it touches."""

    rng: random.Random
    seed: Seed
    file: str

    def about(self, text: str) -> Stems:
        """Return the images that a part of the file is about."""
        own = PurePosixPath(self.file).stem
        if own in self.seed.truth:
            return frozenset({own})
        return frozenset(stem for stem in self.seed.truth if stem in text or json.dumps(stem)[1:-1] in text) or None

    def inside(self, size: int) -> int:
        """Return a place in something of this size."""
        return self.rng.randrange(max(1, size))

    def evil(self) -> Any:
        """Return a value that few readers expect."""
        return self.rng.choice(EVIL)


EVIL: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 1.0, -0.0, 0.5, 1e308, -1e308, 10**18, 10**25, 2**63, -(2**63) - 1,
    float("nan"), float("inf"), float("-inf"),
    "", " ", "0", "1", "-1", "nan", "NaN", "null", "None", "true", "1e999", "0x10", "007", "1,5", "١", "½",
    "x" * 5000, "\0", "a\0b", "\ud800", "\u200b", "\u202e", "\x1b[31m", "é", "e\u0301", "😀", "\u2028", "a\nb",
    "../../etc/passwd", "/etc/passwd", "/", ".", "..", "~", "~nobody", "C:\\x\\y.png", "\\\\server\\x.png", "//",
    "a/" * 3000, "http://[::1", "http://x.org/a.png", "file:///etc/passwd", "data:image/png;base64,AA", "s3://b/a.png",
    "%00", "%2e%2e/", "=1+1", "<b>", "&amp;", "{}", "[]", "[[[[", "]]>", "'; --", "\"", "'", "`", "$(x)", "{0}", "%s",
    [], {}, [[]], [None], [1, 2, 3], ["a"], {"a": 1}, [{}], {"": ""}, [float("nan")], [[1, 2], [3]], ["\ud800"],
)  # fmt: skip
"""Values of other types, of other sizes, and that mean something elsewhere."""
