"""Weights files: what is read, what is refused, and what is said about the fit."""

from __future__ import annotations

import pickle

import pytest
import torch
from torch import nn

from nbtrain.errors import ConfigError, DataError, NbtrainError
from nbtrain.models.weights import load_file, load_matching, read_weights


class Evil:
    def __reduce__(self):
        return print, ("code from a pickle ran",)


def test_the_report_names_every_tensor_once():
    model = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 4))
    weights = {"0.weight": torch.ones(3, 2), "1.weight": torch.ones(9, 3), "old.bias": torch.ones(1)}
    report = load_matching(model, weights)
    assert report.loaded == ("0.weight",)
    assert report.mismatched == ("1.weight (9×3 there, 4×3 here)",)
    assert report.missing == ("0.bias", "1.bias")
    assert report.unexpected == ("old.bias",)
    assert report.sentences("x")[0] == "1 of 4 tensors were loaded from x."


def test_long_lists_are_cut_short():
    model = nn.Sequential(*(nn.Linear(1, 1) for _ in range(10)))
    sentences = load_matching(model, {"0.weight": torch.ones(1, 1)}).sentences("x")
    assert "and 14 more" in sentences[1]


@pytest.mark.parametrize("wrap", [lambda s: s, lambda s: {"state_dict": s}, lambda s: {"model": s, "epoch": 1}])
@pytest.mark.parametrize("prefix", ["", "module.", "_orig_mod."])
def test_checkpoints_of_others_are_understood(tmp_path, wrap, prefix):
    state = nn.Linear(2, 2).state_dict()
    torch.save(wrap({prefix + name: tensor for name, tensor in state.items()}), tmp_path / "w.pt")
    read = read_weights(tmp_path / "w.pt")
    assert set(read) == {"weight", "bias"}
    assert torch.equal(read["weight"], state["weight"])


@pytest.mark.parametrize("name", ["w.pt", "w.safetensors", "w.pth"])
@pytest.mark.parametrize("content", [b"", b"not weights", b"\x80\x04N.", bytes(1000)])
def test_broken_files_are_told(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(NbtrainError, match="weights file") as refused:
        read_weights(tmp_path / name)
    assert name in str(refused.value)


def test_no_code_in_a_file_is_run(tmp_path, capsys):
    (tmp_path / "w.pt").write_bytes(pickle.dumps({"a": Evil()}))
    torch.save({"a": Evil()}, tmp_path / "v.pt")
    for name in ("w.pt", "v.pt"):
        with pytest.raises(DataError):
            read_weights(tmp_path / name)
    assert capsys.readouterr().out == ""


def test_a_missing_file_and_a_folder_are_told(tmp_path):
    for path, words in ((tmp_path / "none.pt", "weights file not found"), (tmp_path, "is no file")):
        with pytest.raises(ConfigError, match=words):
            read_weights(path)


def test_weights_of_another_model_are_refused(tmp_path):
    torch.save({"conv.weight": torch.ones(1)}, tmp_path / "w.pt")
    with pytest.raises(DataError, match="no tensor of the weights file fits"):
        load_file(nn.Linear(2, 2), tmp_path / "w.pt")
