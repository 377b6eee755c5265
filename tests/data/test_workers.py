"""Loader workers that hang: replaced without changing one number, told with where they stood, and not for ever."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import psutil
import pytest
import torch

from data import images
from data.test_loader import batches, noisy, read, same
from nbtrain import processes
from nbtrain.data.loader import Loader, Reading
from nbtrain.data.workers import Vigil
from nbtrain.errors import TrainingError

pytestmark = pytest.mark.skipif(not processes.LINUX, reason="reads /proc")
PATIENCE_S = 0.6


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    return images.folder(tmp_path_factory.mktemp("images"), {"a": 10, "b": 13})


class Hangs:
    """A transform that never comes back from its ``n``-th image, once, or each time that it sees it again."""

    def __init__(self, flag: Path, n: int, *, once: bool) -> None:
        self.flag, self.n, self.once, self.seen = flag, n, once, 0

    def __call__(self, image: torch.Tensor) -> torch.Tensor:
        self.seen += 1
        if self.seen == self.n and not (self.once and self.flag.exists()):
            self.flag.touch()
            never_comes_back()
        return noisy(image)


def never_comes_back() -> None:
    time.sleep(3600)


def watched(root: Path, transform, told: list, workers: int = 1, **settings) -> Loader:
    vigil = Vigil(PATIENCE_S, lambda text, stacks: told.append((text, stacks)))
    return Loader(read(root, transform, **settings), 4, Reading(workers=workers), vigil=vigil)


def test_a_worker_that_hangs_is_replaced_and_not_one_number_differs(root, tmp_path):
    told: list = []
    loader = watched(root, Hangs(tmp_path / "hung", 10, once=True), told)
    assert same(batches(Loader(read(root), 4, Reading()), 0, 8), batches(loader, 0, 8))
    text, stacks = told[-1]
    file = loader.images.records[batches(Loader(read(root), 4, Reading()), 2, 3)[0].positions[1]].file
    assert f"gave nothing for 0.6 s while it read {file}. It was replaced" in text
    assert "never_comes_back" in stacks


def test_an_image_that_no_worker_gets_past_ends_it_with_its_name(root, tmp_path):
    told: list = []
    loader = watched(root, Hangs(tmp_path / "hung", 2, once=False), told)
    file = loader.images.records[batches(Loader(read(root), 4, Reading()), 0, 1)[0].positions[1]].file
    before = {child.pid for child in psutil.Process().children()}
    with pytest.raises(TrainingError, match=f"while it read {file}, 3 times in a row") as caught:
        batches(loader, 0, 8)
    assert (caught.value.cause, len(told)) == ("worker", 2)
    assert "never_comes_back" in str(caught.value.__cause__)
    assert {child.pid for child in psutil.Process().children()} <= before


def test_a_frozen_worker_of_validation_is_replaced_in_every_pass(root):
    told: list = []
    loader = watched(root, noisy, told, stand_in=False)
    whole = list(Loader(read(root, stand_in=False), 4, Reading()).once())
    for _ in range(2):
        before = set(psutil.Process().children())
        passing = loader.once()
        some = [next(passing)]
        [worker] = set(psutil.Process().children()) - before or before
        os.kill(worker.pid, signal.SIGSTOP)
        assert same(whole, [*some, *passing])
    loader.close()
    assert all("It was replaced" in text for text, _ in told)
