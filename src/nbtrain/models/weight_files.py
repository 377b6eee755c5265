"""What is wrong with a file of weights, from its first bytes and its table of contents: told before a run needs it.

It knows the outside of safetensors files and of torch checkpoints. It reads no weight and never imports torch; which
network the weights fit is known once that is built (weights.py).
"""

from __future__ import annotations

import os
import stat
import zipfile
from pathlib import Path

import orjson

from nbtrain.errors import Problem, shown
from nbtrain.files import ordinary

PATH = "model.weights_file"
_CHOOSE = "Choose another under Model › Weights file."
_MOST_HEADER_BYTES = 100_000_000
"""What the format of safetensors allows."""
_POINTER = b"version https://git-lfs"
_ZIP, _PICKLE = b"PK\x03\x04", b"\x80"


def problem_of(path: str | Path) -> Problem | None:
    """Return why the weights at ``path`` cannot be loaded, None where nothing can be seen against it."""
    where = Path(path).expanduser()
    try:
        found = where.stat()
    except OSError:
        return Problem(PATH, f"weights file not found: {shown(str(path))}.", _CHOOSE)
    if not stat.S_ISREG(found.st_mode):
        return Problem(PATH, f"the weights file {shown(str(path))} is no file.", _CHOOSE)
    if not os.access(where, os.R_OK):
        return Problem(
            PATH, f"there is no permission to read the weights file {shown(str(path))}.", "Give yourself permission."
        )
    try:
        reason = _reason(where, found.st_size)
    except OSError as error:
        reason = f"it cannot be read ({error.strerror or error})"
    told = f"the weights file {shown(str(path))} cannot be used: {reason}."
    return Problem(PATH, told, _CHOOSE) if reason else None


def _reason(path: Path, n_bytes: int) -> str:
    with open(path, "rb", opener=ordinary) as file:
        head = file.read(64)
        if not head:
            return "the file is empty"
        if head.startswith(_POINTER):
            return "it only points to a file in Git LFS; fetch that with git lfs pull"
        if path.suffix == ".safetensors":
            file.seek(0)
            return _wrong_safetensors(file.read(8), file.read(min(n_bytes, _MOST_HEADER_BYTES)), n_bytes)
    if head.startswith(_ZIP):
        return _wrong_archive(path)
    if head.startswith(_PICKLE):  # as torch saved before 1.6: only reading it all would tell more
        return ""
    return "it is neither a torch checkpoint nor named .safetensors"


def _wrong_safetensors(length: bytes, rest: bytes, n_bytes: int) -> str:
    n_header = int.from_bytes(length, "little")
    if len(length) < 8 or not 2 <= n_header <= _MOST_HEADER_BYTES:
        return "it is no safetensors file"
    if n_header > n_bytes - 8:
        return "it is cut off"
    try:
        header = orjson.loads(rest[:n_header])
        ends = [one["data_offsets"][1] for name, one in header.items() if name != "__metadata__"]
    except (ValueError, AttributeError, KeyError, TypeError, IndexError):
        return "it is no safetensors file"
    if not ends:
        return "it holds no tensors"
    return "" if 8 + n_header + max(ends) <= n_bytes else "it is cut off"


def _wrong_archive(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            names = {name.rpartition("/")[2] for name in archive.namelist()}
    except (zipfile.BadZipFile, ValueError, NotImplementedError, EOFError):
        return "it is cut off or damaged"
    if "constants.pkl" in names:
        return "it is a TorchScript program; give a state dict"
    return "" if "data.pkl" in names else "it is an archive, and no torch checkpoint"
