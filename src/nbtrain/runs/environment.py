"""What a process that has imported hangs on, and whether one that starts now would be the same.

Two questions with one answer each: which warm process serves this interpreter (:func:`key`), and whether what a process
has imported is still what lies on the disk (:func:`stamp`). Known here: variables that are read while libraries load,
the files of nbtrain and of the libraries, the folders that packages are installed into. Not known here: who asks.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import site
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

_READ_WHILE_LOADING = ("OMP_", "KMP_", "MKL_", "GOMP_", "OPENBLAS_", "TORCH_", "PYTORCH_", "LD_", "PYTHON")
_LIBRARIES = ("torch", "torchvision", "timm", "numpy")


def key() -> str:
    """Return a text that changes when a process that imported before would not be the same any more."""
    variables = sorted((k, v) for k, v in os.environ.items() if k.startswith(_READ_WHILE_LOADING))
    return _digest([sys.executable, sys.prefix, sys.version, variables, stamp()])


def stamp() -> str:
    """Return a text that changes with nbtrain's source, with the libraries, and with whatever is installed or removed.

    Installing, updating and removing a package each make, rename or delete a folder beside it, so the time at which
    the folder of all packages changed tells of them; a library that is installed in place is asked for itself.
    """
    sources = Path(__file__).resolve().parents[1].rglob("*.py")
    return _digest(sorted(filter(None, map(_seen, [*sources, *_library_files(), *_package_folders()]))))


def _seen(path: Path) -> tuple[str, int, int] | None:
    try:
        found = path.stat()
    except OSError:  # removed between two looks, or never there
        return None
    return str(path), found.st_mtime_ns, found.st_size


def _library_files() -> Iterator[Path]:
    for name in _LIBRARIES:
        spec = importlib.util.find_spec(name) if name not in sys.modules else sys.modules[name].__spec__
        if spec and spec.origin:
            yield Path(spec.origin)


def _package_folders() -> set[Path]:
    folders = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    own = {site.getusersitepackages()} if site.ENABLE_USER_SITE else set()
    return {Path(folder) for folder in folders | own}


def _digest(plain: object) -> str:
    return hashlib.sha256(json.dumps(plain).encode()).hexdigest()[:16]
