"""What a run needs and does not find is told before the start, at its field, in the words of train()'s refusal."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from images import write_classes
from nbtrain.errors import ConfigError
from nbtrain.messages import Failure
from nbtrain.models import published, weight_files
from nbtrain.models.catalog import entry
from nbtrain.project import lives, readiness
from nbtrain.project.project import Project
from nbtrain.runs import gpus
from nbtrain.runs.failures import failure_of
from nbtrain.runs.fixes import fixes_of

NO_GPU = gpus.usable() != 0
cpu_alone = pytest.mark.skipif(NO_GPU, reason="this machine may have a GPU")


def told(experiment):
    return {problem["path"]: f"{problem['message']} {problem['advice']}" for problem in experiment.problems}


def refuses(experiment, path):
    """Tell whether the problem stands at this field, and train() refuses with the same words and starts nothing."""
    with pytest.raises(ConfigError) as refused:
        experiment.train()
    assert told(experiment)[path].strip() in str(refused.value)
    assert experiment.status == "created"
    assert experiment.run is None
    return True


@pytest.fixture
def pets(tmp_path, newcomer):
    made = Project(tmp_path / "project")
    made.add_images(write_classes(tmp_path / "images", {"cat": 24, "dog": 24}, size_px=4), "pets")
    yield made
    made.close()


@pytest.fixture
def experiment(pets):
    made = pets.new("a")
    assert made.problems == []
    return made


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("model.weights_file", "/gone/w.pt", "weights file not found: '/gone/w.pt'. Choose another"),
        pytest.param("hardware.device", "cuda:0", "no device 'cuda:0'. There is: cpu", marks=cpu_alone),
        pytest.param("hardware.precision", "16-mixed", "16-mixed needs a GPU", marks=cpu_alone),
        ("model.transfer_from", "nobody", "there is no experiment 'nobody'"),
        ("data.split", "by-patient", "there is no such split"),
        ("data.dataset", "gone", "no such data set"),
    ],
)
def test_what_is_missing_is_told_at_its_field(experiment, path, value, words):
    experiment.set(path, value)
    assert words in told(experiment)[path]
    assert refuses(experiment, path)


def test_a_target_whose_package_is_missing_is_told(experiment):
    experiment.set("logging.targets", [{"kind": "mlflow"}])
    if "logging.targets" not in told(experiment):
        pytest.skip("mlflow is installed here")
    assert 'pip install "nbtrain[mlflow]"' in told(experiment)["logging.targets"]
    assert refuses(experiment, "logging.targets")
    experiment.set("logging.targets", [{"kind": "mlflow", "enabled": False}])
    assert experiment.problems == []


def test_what_is_brought_back_is_seen_without_an_edit(experiment, tmp_path):
    file = tmp_path / "w.safetensors"
    experiment.set("model.weights_file", str(file))
    assert experiment.unready
    file.write_bytes(safetensors({"fc.weight": [0, 4]}, 4))
    experiment.project._look_at_unready()
    assert experiment.problems == []
    assert not experiment.unready
    file.unlink()
    assert refuses(experiment, "model.weights_file")


def test_images_that_are_gone_or_closed_are_told(pets, experiment, tmp_path):
    (tmp_path / "images").rename(tmp_path / "moved")
    experiment.look()
    assert "are not there" in told(experiment)["data.dataset"]
    assert "images'" in told(experiment)["data.dataset"]  # a long path is shown by its ends
    assert refuses(experiment, "data.dataset")
    with pytest.raises(ConfigError, match="are not there"):
        experiment.lr_range_test()
    (tmp_path / "moved").rename(tmp_path / "images")
    experiment.look()
    assert experiment.problems == []


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read and write everything")
def test_closed_folders_are_told(pets, experiment, tmp_path):
    for folder, path in ((tmp_path / "images", "data.dataset"), (pets.path, "project")):
        folder.chmod(0o500 if path == "project" else 0o000)
        try:
            experiment.look()
            assert path in told(experiment)
        finally:
            folder.chmod(0o700)


def test_a_split_file_that_was_edited_by_hand_is_told(pets, experiment):
    split = pets.data.make_split(experiment.config.data)
    file = pets.data.where(experiment.config.data)[1]
    plain = json.loads(file.read_text())
    plain["files"]["val"] = plain["files"]["val"][1:]
    file.write_text(json.dumps(plain))
    experiment.look()
    assert "was changed after it was stored" in told(experiment)["data.split"]
    split.save(file)
    experiment.look()
    assert experiment.problems == []


def test_an_origin_without_its_checkpoint_is_told(pets, experiment):
    other = pets.new("other")
    other.save()
    experiment.set("model.transfer_from", "other")
    assert "has no checkpoint yet" in told(experiment)["model.transfer_from"]
    checkpoints = other.folder / "runs" / "0001" / "checkpoints"
    checkpoints.mkdir(parents=True)
    (checkpoints / "best.json").write_text(json.dumps({"file": "step-00000001.pt", "bytes": 5, "sha256": "x"}))
    experiment.look()
    assert "gone or damaged" in told(experiment)["model.transfer_from"]
    (checkpoints / "step-00000001.pt").write_bytes(b"12345")
    experiment.look()
    assert experiment.problems == []


def test_a_disk_without_room_for_one_checkpoint_is_told(experiment, monkeypatch):
    usage = shutil.disk_usage(experiment.project.path)
    monkeypatch.setattr(readiness.shutil, "disk_usage", lambda _: usage._replace(free=10_000_000))
    experiment.look()
    assert "does not fit: 10 MB are free on the disk" in told(experiment)["checkpoint.keep_last_n"]


def test_a_package_that_is_missing_is_told(experiment, monkeypatch):
    monkeypatch.setattr(readiness, "_INSTALLED", set())
    monkeypatch.setattr(readiness.util, "find_spec", lambda name: None if name == "timm" else name)
    experiment.look()
    assert "pip install timm" in told(experiment)["model.kind"]
    experiment.set("model.kind", "custom")
    assert experiment.problems == []


def test_one_class_is_nothing_to_tell_apart(pets, experiment):
    from nbtrain.config import Facts

    found = experiment.config.check(Facts(n_train=60, n_classes=1, multilabel=False, n_val=10))
    assert [problem.path for problem in found] == ["data.dataset"]
    several = experiment.config.set("task.kind", "multilabel").set("loss.kind", "bce")
    assert several.check(Facts(n_train=60, n_classes=1, multilabel=True, n_val=10)) == []


def test_unpublished_weights_are_told(experiment):
    for name in ("test_resnet", "resnet18"):
        experiment.set("model.variant", name)
    unpublished = next(one for one in __import__("nbtrain.models.catalog", fromlist=["x"]).entries("timm").values()
                       if not one.pretrained)  # fmt: skip
    experiment.set("model.variant", unpublished.variant)
    experiment.set("model.pretrained", True)
    assert "no weights are published" in told(experiment)["model.pretrained"]


def test_published_weights_that_nothing_can_fetch_are_told(monkeypatch, tmp_path):
    resnet = entry("timm", "resnet18")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.delenv("TRANSFORMERS_OFFLINE", raising=False)
    monkeypatch.setattr(published.psutil, "net_if_stats", lambda: {"eth0": type("Card", (), {"isup": True})})
    assert published.problem_of(resnet) is None  # a network may lead there
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert "HF_HUB_OFFLINE forbids" in published.problem_of(resnet).message
    monkeypatch.delenv("HF_HUB_OFFLINE")
    monkeypatch.setattr(published.psutil, "net_if_stats", lambda: {"lo": type("Card", (), {"isup": True})})
    assert "it has no network" in published.problem_of(resnet).message
    kept = tmp_path / f"models--{resnet.file.replace('/', '--')}" / "snapshots" / "abc"
    kept.mkdir(parents=True)
    (kept / "model.safetensors").write_bytes(b"x")
    assert published.problem_of(resnet) is None


# -- files of weights ---------------------------------------------------------------------------------------------


def safetensors(offsets, n_data):
    tensors = {name: {"dtype": "F32", "shape": [1], "data_offsets": ends} for name, ends in offsets.items()}
    header = json.dumps(tensors).encode()
    return len(header).to_bytes(8, "little") + header + b"\0" * n_data


def archive(path, *names):
    with zipfile.ZipFile(path, "w") as made:
        for name in names:
            made.writestr(name, b"x" * 1000)
    return path.read_bytes()


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.safetensors", safetensors({"w": [0, 40]}, 39), "it is cut off"),
        ("a.safetensors", safetensors({"w": [0, 40]}, 40)[:30], "it is cut off"),
        ("a.safetensors", safetensors({}, 0), "it holds no tensors"),
        ("a.safetensors", b"<!DOCTYPE html><html>sign in</html>", "no safetensors file"),
        ("a.safetensors", b"\x05\0\0\0\0\0\0\0nojso", "no safetensors file"),
        ("a.pt", b"", "the file is empty"),
        ("a.pt", b"version https://git-lfs.github.com/spec/v1\noid sha256:1", "git lfs pull"),
        ("a.pt", b"<!DOCTYPE html>", "neither a torch checkpoint"),
        ("a.pt", safetensors({"w": [0, 4]}, 4), "neither a torch checkpoint nor named .safetensors"),
        ("a.pt", b"PK\x03\x04 cut off", "cut off or damaged"),
    ],
)
def test_a_broken_weights_file_is_told_by_its_outside(tmp_path, name, content, words):
    path = tmp_path / name
    path.write_bytes(content)
    problem = weight_files.problem_of(path)
    assert problem.path == "model.weights_file"
    assert words in problem.message
    assert name in problem.message


def test_other_archives_are_no_checkpoints(tmp_path):
    for names, words in ((("a/readme",), "no torch checkpoint"), (("a/data.pkl", "a/constants.pkl"), "TorchScript")):
        (tmp_path / "a.pt").write_bytes(archive(tmp_path / "x.zip", *names))
        assert words in weight_files.problem_of(tmp_path / "a.pt").message


def test_whole_weights_files_have_no_problem(tmp_path):
    import torch
    from safetensors.torch import save_file

    weights = {"fc.weight": torch.ones(3, 4), "fc.bias": torch.ones(3)}
    torch.save(weights, tmp_path / "new.pt")
    torch.save(weights, tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    save_file(weights, tmp_path / "a.safetensors", {"format": "pt"})
    for name in ("new.pt", "old.pt", "a.safetensors"):
        assert weight_files.problem_of(tmp_path / name) is None
    whole = (tmp_path / "new.pt").read_bytes()
    (tmp_path / "cut.pt").write_bytes(whole[: len(whole) // 2])
    assert weight_files.problem_of(tmp_path / "cut.pt")
    assert "is no file" in weight_files.problem_of(tmp_path).message


def test_no_pipe_is_opened(tmp_path):
    os.mkfifo(tmp_path / "a.pt")
    assert "is no file" in weight_files.problem_of(tmp_path / "a.pt").message


# -- devices ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("visible", "n"), [(None, 2), ("", 0), ("1", 1), ("0,1", 2), ("-1", 0), ("0,7,1", 1), ("GPU-8a2f,GPU-1b", 2)]
)
def test_visible_gpus_are_counted_as_cuda_does(visible, n, monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    monkeypatch.setattr(gpus, "nvml", lambda: type("Nvml", (), {"nvmlDeviceGetCount": staticmethod(lambda: 2)}))
    assert gpus.usable() == n


@pytest.mark.parametrize("count", [None, 0])
def test_where_nothing_looks_like_a_gpu_there_is_none(count, monkeypatch, tmp_path, experiment):
    found = count if count is None else type("Nvml", (), {"nvmlDeviceGetCount": staticmethod(lambda: count)})
    monkeypatch.setattr(gpus, "nvml", lambda: found)
    monkeypatch.setattr(gpus, "_NODES", (str(tmp_path / "kfd"),))
    assert gpus.usable() == 0
    experiment.set("hardware.device", "cuda:0")
    assert [problem["path"] for problem in experiment.problems] == ["hardware.device"]


def test_what_nobody_can_count_is_unknown(monkeypatch, tmp_path, experiment):
    (tmp_path / "kfd").touch()
    monkeypatch.setattr(gpus, "nvml", lambda: None)
    monkeypatch.setattr(gpus, "_NODES", (str(tmp_path / "kfd"),))
    assert gpus.usable() is None
    experiment.set("hardware.device", "cuda:0")
    assert experiment.problems == []


# -- after a failure ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "cause", "has_checkpoint", "first"),
    [
        ("failed", "configuration", False, False),
        ("failed", "configuration", True, False),
        ("failed", "data", False, False),
        ("failed", "data", True, True),
        ("failed", "code", False, False),
        ("failed", "killed", False, True),
        ("failed", "interrupted", True, True),
        ("failed", "disk", False, True),
        ("paused", "", False, True),
        ("cancelled", "", True, True),
        ("completed", "", True, False),
    ],
)
def test_resume_comes_first_where_it_can_help(status, cause, has_checkpoint, first):
    assert lives.resume_comes_first(status, cause, has_checkpoint=has_checkpoint) is first


@cpu_alone
def test_a_resume_is_refused_as_a_start_is(tmp_path, pets):
    config = pets.new("a").config.set("hardware.device", "cuda:0").set("model.weights_file", "/gone.pt")
    with pytest.raises(ConfigError) as refused:
        lives.must_be_ready(pets.path, config, fresh=False)
    assert [problem.path for problem in refused.value.problems] == ["hardware.device"]
    with pytest.raises(ConfigError, match="weights file not found"):
        lives.must_be_ready(pets.path, config, fresh=True)


def test_a_refused_configuration_is_no_error_in_the_code(tmp_path):
    from nbtrain.models.weights import read_weights

    with pytest.raises(ConfigError) as refused:
        read_weights(tmp_path / "gone.pt")
    failure = failure_of(refused.value)
    assert failure.cause == "configuration"
    assert "weights file not found" in failure.message


@pytest.mark.parametrize("cause", ["killed", "interrupted"])
def test_who_was_killed_is_not_advised_to_throw_the_results_away(cause):
    from nbtrain.runs.failures import ADVICE

    text = " ".join(ADVICE[cause])
    assert "Resume" in text
    assert "estart" not in text


def test_fixes_of_a_configuration_that_cannot_be_trained():
    from nbtrain.config import Config

    config = Config().set_all({"data.dataset": "pets", "hardware.device": "cuda:0", "model.weights_file": "/gone.pt"})
    for path, value in (("hardware.device", "auto"), ("model.weights_file", "")):
        failure = Failure(cause="configuration", message=f"{path}: it is not there.")
        assert {path: value} in [fix["changes"] for fix in fixes_of(failure, config.plain())]


@cpu_alone
def test_the_command_line_refuses_with_the_same_words(tmp_path):
    images = write_classes(tmp_path / "images", {"a": 6, "b": 6})
    command = ["train", str(images), "--project", str(tmp_path / "p"), "--name", "x", "--hardware.device", "cuda:0"]
    done = subprocess.run([sys.executable, "-m", "nbtrain", *command], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "hardware.device: this machine has no device 'cuda:0'. There is: cpu." in done.stdout + done.stderr
    assert not list(Path(tmp_path / "p").glob("experiments/*/runs/*"))


def test_the_kernel_never_loads_torch_for_it(tmp_path):
    code = (
        "import sys; from nbtrain.project.project import Project; p = Project(sys.argv[1]); e = p.new('a');"
        "e.set('model.weights_file', '/gone.pt'); assert e.problems; p.close();"
        "assert not {'torch', 'timm', 'torchvision'} & set(sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(tmp_path / "p")], check=False).returncode == 0


def test_an_experiment_that_has_been_trained_needs_none_of_it_any_more(pets, experiment):
    experiment.set("model.weights_file", "/gone.pt")
    assert "model.weights_file" in told(experiment)
    experiment.status = "completed"
    assert experiment.problems == []
    assert not experiment.unready
