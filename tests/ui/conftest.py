"""A project on a stage, with runs that tell numbers without training."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from nbtrain.project import lives


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Return a project with 40 images in 4 classes; whatever was launched has ended when the test has."""
    import stage

    monkeypatch.setattr(lives, "launch", lives.launch)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / "runtime").mkdir(mode=0o700)
    monkeypatch.setenv("NBTRAIN_WARM", "0")  # nothing here trains: no studio shall leave a warm process behind
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "runtime"))  # whoever trains on this machine is no matter here
    stage.use(stage.Play(epochs=4, steps=10))
    made = stage.project(tmp_path)
    yield made
    for experiment in made.cards:
        experiment.stop()
        experiment.wait(10)
    made.close()
