"""Making a source ready: what lies inside an archive or tables is unpacked, an own Dataset is run and written.

The request holds ``source``, placed: it says itself where its images go. What goes wrong is told with the error's own
parts, so that whoever asked raises the very same. A person's code runs here and nowhere else; caps on what is unpacked
are data/unpack's, which also sees to it that a killed job leaves nothing that could be taken for whole.
"""

from __future__ import annotations

import os
from typing import Any

from nbtrain.data.scan import share
from nbtrain.data.sources import Source
from nbtrain.errors import DataError
from nbtrain.probing.desk import Desk

KIND = "prepare"


def work(desk: Desk) -> dict[str, Any]:
    """Prepare the source; return nothing, or the error's ``what``, ``value`` and ``advice``."""
    source = Source.parse(desk.request["source"], "source")
    desk.progress("running its code" if source.foreign else "unpacking")
    try:
        source.prepare(lambda text: desk.progress(text, share(text)))
    except DataError as error:
        value = None if error.value is None else os.fsdecode(str(error.value))
        return {"what": error.what, "value": value, "advice": error.advice}
    return {}
