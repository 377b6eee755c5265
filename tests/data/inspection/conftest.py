"""The planted folder and what a scan has seen of it, once per session."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from data.planted import Planted, plant, vanish
from nbtrain.data.inspection.store import Store
from nbtrain.data.inspection.sweep import Swept, sweep
from nbtrain.data.records import Listing
from nbtrain.data.sources.folder import Folder


@dataclass
class Scanned:
    planted: Planted
    listing: Listing
    swept: Swept
    store: Store


@pytest.fixture(scope="session")
def scanned(tmp_path_factory) -> Scanned:
    planted = plant(tmp_path_factory.mktemp("planted"))
    listing = Folder(path=str(planted.root)).listing()
    vanish(planted)
    folder = tmp_path_factory.mktemp("scan")
    store = Store(folder)
    swept = sweep(listing.root, [record.file for record in listing.records], store)
    return Scanned(planted, listing, swept, store)
