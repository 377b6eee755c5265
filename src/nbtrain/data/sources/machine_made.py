"""Files and folders that programs leave among images: thumbnails, caches, bins, runs of trainers, partial downloads.

One list for every reader. What is on it is never read and never a class; a reader reports it under "not used".
"""

from __future__ import annotations

import re

_FOLDERS = frozenset(
    (
        "$recycle.bin",
        "#recycle",
        "#snapshot",
        "@eadir",
        "@recycle",
        "@recently-snapshot",
        "@tmp",
        "__macosx",
        "__pycache__",
        "lightning_logs",
        "lost+found",
        "lost.dir",
        "mlruns",
        "node_modules",
        "site-packages",
        "system volume information",
        "tb_logs",
        "thumbnails",
        "wandb",
    )
)
"""Folders, in lower case, that are never a person's images. Hidden ones (``.thumbnails``) need no entry."""
_TRAINER_FOLDERS = frozenset(("runs",))
"""Folders, in lower case, of trainers: left out only where no image lies directly in them, as it does in a class."""
_FILE = re.compile(r"~\$.*|.*~|.*\.(part|partial|crdownload|download|tmp|temp|swp|lock|filepart|!ut|aria2)", re.DOTALL)
_FILES = frozenset(("thumbs.db", "desktop.ini", "ehthumbs.db", "icon\r"))


def is_machine_folder(name: str) -> bool:
    """Return whether a folder of this name is made by a program, whatever is in it."""
    return name.casefold() in _FOLDERS


def is_trainer_folder(name: str) -> bool:
    """Return whether a folder of this name holds a trainer's runs, unless images lie in it directly."""
    return name.casefold() in _TRAINER_FOLDERS


def is_machine_file(name: str) -> bool:
    """Return whether a file of this name is a lock, a partial download, a backup or a cache of thumbnails."""
    folded = name.casefold()
    return folded in _FILES or _FILE.fullmatch(folded) is not None
