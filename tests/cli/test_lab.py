"""`nbtrain lab` opens a notebook with the studio."""

from nbtrain.cli import main


def test_lab_writes_its_notebook_once(tmp_path, monkeypatch, capsys):
    opened = []
    monkeypatch.setattr("jupyterlab.labapp.main", lambda words: opened.append(words))
    assert main(["lab", str(tmp_path)]) == 0
    first = (tmp_path / "nbtrain.ipynb").read_text()
    assert "TrainingStudio" in first
    (tmp_path / "nbtrain.ipynb").write_text(first + "\n")
    assert main(["lab", str(tmp_path)]) == 0
    assert (tmp_path / "nbtrain.ipynb").read_text() == first + "\n"
    assert [words[-1] for words in opened] == [str(tmp_path / "nbtrain.ipynb")] * 2
