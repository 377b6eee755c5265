"""What is decided about reading before a run, and what is measured on the way."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from torchvision.transforms import v2

from data import images
from nbtrain.data import reading
from nbtrain.data.decode import decode
from nbtrain.data.images import Images
from nbtrain.data.reading import MAX_KEPT_BYTES, MAX_WORKERS, choose_kind, choose_workers, mean_and_spread
from nbtrain.data.scan import Interrupted
from nbtrain.data.sources import detect


@pytest.fixture
def root(tmp_path) -> Path:
    return images.folder(tmp_path / "images", {"a": 10, "b": 13})


def read(root: Path, transform) -> Images:
    return Images(root, detect(root).listing().records, transform, seed=5)


def plain(image):
    return image


@pytest.mark.parametrize(
    ("decoded_bytes", "n_cpus", "workers", "reason"),
    [
        (MAX_KEPT_BYTES, 16, 0, "all 9 images fit into memory decoded"),
        (MAX_KEPT_BYTES + 1, 1, 1, "1 core, of which"),
        (MAX_KEPT_BYTES + 1, 2, 1, "one is left to the network"),
        (2**40, 64, MAX_WORKERS, "64 cores"),
    ],
)
def test_workers(decoded_bytes, n_cpus, workers, reason):
    chosen, told = choose_workers(9, decoded_bytes, n_cpus)
    assert chosen == workers
    assert reason in told


def test_somebody_elses_transform_is_read_by_processes(root):
    kind, why = choose_kind(read(root, v2.Compose([v2.Resize(8), plain])), 4)
    assert (kind, why[:19]) == ("processes", "the transform plain")


@pytest.mark.parametrize(
    ("gain", "kind", "told"),
    [(3.4, "threads", "4 threads were 3.4 times as fast"), (1.2, "processes", "hold Python's lock")],
)
def test_threads_that_stand_in_each_others_way_become_processes(root, monkeypatch, gain, kind, told):
    set_ = read(root, v2.Resize((8, 8)))
    assert choose_kind(set_, 3)[0] == "threads"
    assert reading._gain_of_threads(set_, 2) > 0
    monkeypatch.setattr(reading, "_gain_of_threads", lambda *_: gain)
    chosen, why = choose_kind(set_, 4)
    assert chosen == kind
    assert told in why


def test_keeping_can_be_stopped_and_tells_its_progress(root):
    told = []
    read(root, plain).keep(told.append)
    assert told[-1] == "23 of 23 images"
    with pytest.raises(Interrupted):
        read(root, plain).keep(stopped=lambda: True)


def test_colours_are_measured(root):
    set_ = read(root, plain)
    mean, spread = mean_and_spread(set_)
    shown = np.stack([decode(root / r.file) for r in set_.records]).reshape(-1, 3) / 255
    np.testing.assert_allclose(mean, shown.mean(0), atol=1e-6)
    np.testing.assert_allclose(spread, shown.std(0), atol=1e-6)
    (root / "a/0.png").write_bytes(b"")
    assert mean_and_spread(set_)[0] != mean
