"""Files and folders that programs leave among images: thumbnails, caches, bins, runs of trainers, partial downloads.

One list for every reader. What is on it is never read and never a class; it is counted under "not used".
"""

from __future__ import annotations

import re

HIDDEN = (".", "~$")
"""What names of hidden files and folders begin with; "~$" marks the lock of an office program."""
_FOLDERS = frozenset(
    (
        # Network drives (Synology, QNAP, NetApp) and their bins, snapshots and thumbnails.
        *("#recycle", "#snapshot", "@eadir", "@recycle", "@recently-snapshot", "@tmp", "@sharebin", ".@__thumb"),
        *(".snapshot", ".snapshots", "~snapshot"),
        # Windows, macOS, Linux, cameras.
        *("$recycle.bin", "recycler", "system volume information", "lost.dir", "lost+found"),
        *("__macosx", ".appledouble", ".appledb", ".spotlight-v100", ".fseventsd", ".temporaryitems", ".trashes"),
        *("network trash folder", "temporary items", ".documentrevisions-v100", ".trash"),
        *("thumbnails", ".thumbnails", ".cache", ".picasaoriginals", ".xvpics", ".comments"),
        # Notebooks, version control, packages, trackers of runs.
        *(".ipynb_checkpoints", "__pycache__", ".git", ".hg", ".svn", ".dvc", ".venv", "node_modules"),
        *("site-packages", "lightning_logs", "mlruns", "tb_logs", "wandb", ".aim", ".neptune", "multirun"),
        *("venv", "virtualenv", "_vti_cnf", "_vti_pvt", "onedrivetemp", "ipod photo cache", "captureone"),
    )
)
"""Folders, in lower case, that are never a person's images. Other hidden ones need no entry."""
_NUMBERED = re.compile(
    r"\.trash-\d+|found\.\d{3}|.*\.(lrdata|lrcat-data|lrlibrary|photoslibrary|photolibrary|aplibrary|cocatalog)"
)
"""The same, where a number or an ending tells them: bins, and the libraries of programs for photographs."""
_TRAINER_FOLDERS = frozenset(("runs", "checkpoints", "logs", "tensorboard", "outputs"))
"""Folders, in lower case, of trainers: left out only where no image lies directly in them, as it does in a class."""
_FILES = frozenset(
    (
        *("thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini", "icon\r", ".ds_store", ".localized"),
        *(".directory", "picasa.ini", ".picasa.ini", ".bridgesort", ".bridgecache", ".bridgecachet"),
    )
)
_FILE = re.compile(
    r"~\$.*|\._.*|\.~lock\..*|\.nfs[0-9a-f]+|\.fuse_hidden.*|.*~|.*@syno(eastream|resource)"
    r"|.*zone\.identifier|.*\.icloud"
    r"|.*\.(part|partial|crdownload|download|opdownload|tmp|temp|swp|swo|lock|filepart|!ut|!qb|aria2|bak)",
    re.DOTALL,
)
"""Locks, partial downloads, backups, and what macOS and Synology keep beside each file."""


def is_machine_folder(name: str) -> bool:
    """Return whether a folder of this name is made by a program, whatever is in it."""
    folded = name.casefold()
    return folded in _FOLDERS or _NUMBERED.fullmatch(folded) is not None


def is_trainer_folder(name: str) -> bool:
    """Return whether a folder of this name holds a trainer's runs, unless images lie in it directly."""
    return name.casefold() in _TRAINER_FOLDERS


def is_machine_file(name: str) -> bool:
    """Return whether a file of this name is a lock, a partial download, a backup or a cache of thumbnails."""
    folded = name.casefold()
    return folded in _FILES or _FILE.fullmatch(folded) is not None
