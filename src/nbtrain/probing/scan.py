"""The deep scan of a data set: every image opened once, problems listed (data/inspection).

The request holds ``dataset`` (as DataSet.frozen() gives it) and ``folder``, where the scan keeps what it sees. One scan
of a data set runs at a time; who comes second waits, and then finds that nearly all has been seen. The result tells how
much there was; the problems lie in the folder.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nbtrain import files
from nbtrain.data import assembly
from nbtrain.data.inspection.problems import problems_of
from nbtrain.data.inspection.store import PROBLEMS, Store
from nbtrain.data.inspection.sweep import sweep, workers
from nbtrain.data.records import Listing
from nbtrain.probing.desk import Desk

KIND = "scan"
_WAIT_S = 0.2


def work(desk: Desk) -> dict[str, Any]:
    """Scan, and keep what was found."""
    folder, began_s = Path(desk.request["folder"]), time.monotonic()
    files.make_folder(folder)
    store = Store(folder)
    while not store.lock.acquire():
        desk.progress("another notebook scans it already: waits for what it finds")
        time.sleep(_WAIT_S)
    desk.progress("listing the images")
    listing = _listing(desk.request["dataset"], desk.project / "datasets")
    names = [record.file for record in listing.records]
    pool = workers(apart=True)
    swept = sweep(listing.root, names, store, pool=pool, tell=desk.progress)
    found = problems_of(listing, swept.looks, swept.groups)
    result = {
        "n_images": len(names),
        "n_fresh": swept.n_fresh,
        "n_bad": sum(not look.usable for look in swept.looks),
        "counts": found.counts(),
        "hash": listing.content_hash,
        "took_s": round(time.monotonic() - began_s, 2),
        "done_s": time.time(),
    }
    files.write_json(folder / PROBLEMS, {**result, "rows": found.plain()}, durable=False)
    store.lock.release()
    return result


def _listing(frozen: Mapping[str, Any], kept: Path) -> Listing:
    """Return all images of a data set, those that are left out of it too."""
    return assembly.look(assembly.parse(frozen["sources"]), kept).listing
