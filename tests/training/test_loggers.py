"""Logging targets: the real libraries where they are installed, and that none of them can end a run."""

from __future__ import annotations

import importlib.util
import subprocess
import sys

import psutil
import pytest

from nbtrain import files
from nbtrain.config import Config
from nbtrain.errors import ConfigError
from nbtrain.messages import Metric, Notice
from nbtrain.training.loggers import About, MLflow, Target, Tee, TensorBoard, WandB

KINDS = Target.kinds()
SECRET = "0123456789abcdef" * 2 + "01234567"


@pytest.fixture
def run(tmp_path):
    run = tmp_path / "project" / "experiments" / "one-abc" / "runs" / "0001"
    run.mkdir(parents=True)
    files.write_json(run.parents[1] / "experiment.json", {"name": "Größe <1>"})
    return run


def metric(step, split="train", **values):
    return Metric(step=step, epoch=step / 10, split=split, values=values)


def need(made):
    if importlib.util.find_spec(made.package) is None:
        pytest.skip(f"{made.package} is not installed: pip install 'nbtrain[{made.extra}]'")


@pytest.mark.parametrize("made", KINDS.values(), ids=KINDS)
def test_numbers_are_written_under_the_run_folder_and_no_secret(run, made, monkeypatch):
    need(made)
    for name in ("WANDB_API_KEY", "MLFLOW_TRACKING_TOKEN", "HF_TOKEN"):
        monkeypatch.setenv(name, SECRET)
    said = []
    tee = Tee.opened(said.append, (made(),), About.of(run, Config()))
    messages = [metric(10, loss=0.5, lr=1e-3), metric(10, "val", loss=0.7, accuracy=0.8)]
    for message in messages:
        tee(message)
    tee.close()
    assert said == messages
    written = b"".join(path.read_bytes() for path in run.rglob("*") if path.is_file() and not path.is_symlink())
    paths = " ".join(path.name for path in run.rglob("*"))
    assert b"val/accuracy" in written or "accuracy" in paths
    assert SECRET.encode() not in written


def test_tensorboard_reads_what_is_written_and_a_resume_replaces_what_came_later(run):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    tee = Tee.opened(lambda _: None, (TensorBoard(),), About.of(run, Config()))
    for step in range(1, 6):
        tee(metric(step, loss=float(step)))
    tee.close()
    (run / "checkpoints").mkdir()
    files.write_json(run / "checkpoints" / "last.json", {"step": 3})
    tee = Tee.opened(lambda _: None, (TensorBoard(),), About.of(run, Config()))
    for step in range(4, 6):
        tee(metric(step, loss=10.0 * step))
    tee.close()
    read = EventAccumulator(str(run / "tensorboard"), purge_orphaned_data=True).Reload()
    assert [(event.step, event.value) for event in read.Scalars("train/loss")] == [
        (1, 1.0), (2, 2.0), (3, 3.0), (4, 40.0), (5, 50.0),
    ]  # fmt: skip


def test_mlflow_keeps_one_run_over_two_lives_in_the_folder_that_is_named(run, tmp_path):
    need(MLflow)
    for step in (1, 2):
        tee = Tee.opened(lambda _: None, (MLflow(folder=str(tmp_path / "all")),), About.of(run, Config()))
        tee(metric(step, loss=0.5))
        tee.close()
    from mlflow.tracking import MlflowClient

    client = MlflowClient(tracking_uri=(tmp_path / "all").as_uri())
    [found] = client.search_runs([client.get_experiment_by_name("project").experiment_id])
    assert [m.step for m in client.get_metric_history(found.info.run_id, "train/loss")] == [1, 2]
    assert found.data.params["optimizer.lr"] == "0.001"


def test_wandb_listens_on_no_network_address(run):
    need(WandB)
    tee = Tee.opened(lambda _: None, (WandB(),), About.of(run, Config()))
    ours = [psutil.Process(), *psutil.Process().children(recursive=True)]
    ports = [c for process in ours for c in process.net_connections("inet") if c.status == psutil.CONN_LISTEN]
    tee.close()
    assert not [c for c in ports if c.laddr.ip not in ("127.0.0.1", "::1")]


@pytest.mark.parametrize("made", KINDS.values(), ids=KINDS)
def test_a_missing_package_is_told_with_the_extra(run, made, monkeypatch):
    monkeypatch.setattr("nbtrain.training.loggers.util.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=rf'logging\.targets: .* pip install "nbtrain\[{made.extra}\]"'):
        Tee.opened(lambda _: None, (made(),), About.of(run, Config()))
    Tee.opened(lambda _: None, (made(enabled=False),), About.of(run, Config())).close()


class Broken:
    def write(self, values, step):
        raise OSError(28, "No space left on device")

    def close(self):
        raise RuntimeError


def test_a_target_that_fails_is_told_once_and_left():
    said = []
    tee = Tee(said.append, {"X": Broken(), "Y": Broken()})
    tee(metric(1, loss=1.0))
    tee(metric(2, loss=1.0))
    tee.close()
    notices = [m.text for m in said if isinstance(m, Notice)]
    assert notices == [
        f"{name} failed and gets no more numbers: [Errno 28] No space left on device. Training goes on."
        for name in ("X", "Y")
    ]
    said.clear()
    Tee(said.append, {"X": Broken()}).close()
    assert "RuntimeError" in said[0].text


def test_a_target_that_cannot_be_opened_is_told_and_left(run):
    said = []
    (run / "tensorboard").write_bytes(b"a file in its place")
    Tee.opened(said.append, (TensorBoard(),), About.of(run, Config())).close()
    assert said[0].text.startswith("TensorBoard failed")


@pytest.mark.parametrize("folder", ["http://tracking:5000", "sqlite:///x.db", "databricks"])
def test_mlflow_takes_no_address(folder):
    with pytest.raises(ConfigError, match="is an address, not a folder"):
        MLflow(folder=folder)


def test_no_target_is_imported_with_the_configuration():
    code = "import sys, nbtrain.config; sys.exit(bool({'tensorboard', 'wandb', 'mlflow', 'torch'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
