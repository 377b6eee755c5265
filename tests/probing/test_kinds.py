"""The kinds of short jobs on a real project: what they return, what is kept, and that they touch nothing else."""

from __future__ import annotations

import pytest

from flows.conftest import QUICK
from images import write_classes
from nbtrain.data.normalisation import Colours
from nbtrain.data.statistics import PixelStatistics
from nbtrain.errors import ConfigError
from nbtrain.messages import Progress, Resolved, Status
from nbtrain.probing import colours, lr_range
from nbtrain.probing.desk import Desk
from nbtrain.probing.lr_curve import LrCurve
from nbtrain.project import freeze
from nbtrain.project.project import Project
from nbtrain.training.commands import Commands
from nbtrain.wiring import Wiring


@pytest.fixture
def project(tmp_path):
    made = Project(tmp_path / "project")
    made.add_images(write_classes(tmp_path / "images", {"red": 20, "blue": 20}))
    yield made
    made.close()


@pytest.fixture
def desk(project):
    """Returns the desk for a configuration, and the list that takes what is said there."""

    def laid(changes=None, **request):
        config = project.new_config().set_all({**QUICK, **(changes or {})})
        said = []
        return Desk(project.path, {"frozen": freeze.frozen(project.data, config), **request}, said.append), said

    return laid


def files_of(project):
    return sorted(path.relative_to(project.path).as_posix() for path in project.path.rglob("*") if path.is_file())


@pytest.mark.parametrize("changes", [{}, {"optimizer.kind": "schedule_free_adamw", "optimizer.layer_decay": 0.7}])
def test_a_range_test_repeats_itself_and_keeps_its_curve(project, desk, changes):
    found, said = desk(changes, key="k", steps=14)
    before = files_of(project)
    first, again = LrCurve.parse(lr_range.work(found)), LrCurve.parse(lr_range.work(found))
    assert first.losses == again.losses
    assert len(first.lrs) == len(first.losses) == len(first.smoothed) <= 14
    assert any(isinstance(message, Progress) and message.fraction is not None for message in said)
    assert set(files_of(project)) - set(before) <= {"measured/lr_range-k.json", "datasets/.images.scan"}


def test_colours_are_measured_once_and_a_run_takes_them(project, desk, monkeypatch):
    changes = {"normalisation.kind": "dataset"}
    found, said = desk(changes)
    measured = Colours.parse(colours.work(found))
    assert measured.n_images == 32
    assert any("colours of" in message.detail for message in said if isinstance(message, Status))
    monkeypatch.setattr(PixelStatistics, "add", None)  # whoever measures again fails
    again, told = desk(changes)
    wiring = Wiring(project.path, again.request["frozen"], told.append, Commands(lambda: ()))
    assert wiring.normalisation(wiring.loader(wiring.find(), "train").images) == (measured.mean, measured.std)
    (resolved,) = [m for m in told if isinstance(m, Resolved) and m.path == "normalisation"]
    assert resolved.reason == "as measured before on 32 training images"


def test_another_split_has_other_colours(project, desk):
    colours.work(desk()[0])
    config = project.new_config().set_all(QUICK)
    experiment = project.new("One", config)
    assert experiment.colours.n_images == 32
    experiment.set("data.split_seed", 7)
    assert experiment.colours is None


def test_what_cannot_train_cannot_be_measured(project):
    experiment = project.new("One", project.new_config().set_all(QUICK))
    experiment.set("training.batch_size", 500)
    with pytest.raises(ConfigError, match=r"training\.batch_size"):
        experiment.lr_range_test()
