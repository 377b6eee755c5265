"""Auto precision, threads and workers: decided once by real steps, told, and kept. Only the seconds are made up."""

from __future__ import annotations

import pytest
import torch

from nbtrain import files, processes, rehearse, tuning
from nbtrain.data import measured, reading
from nbtrain.messages import Notice, Resolved
from nbtrain.training import precision
from nbtrain.training.sizes import Trial
from test_build import a_run, digits, last_state, lived, of, project  # noqa: F401 - fixtures
from training.tiny import same

AUTO = {"hardware.precision": "auto", "task.image_size": 32}


@pytest.fixture
def seconds(monkeypatch):
    """Return what a test fills with the seconds of a batch by number format and threads; each asking is noted."""
    told: dict[str, object] = {"32": 1.0, "bf16-mixed": 1.0, "load": 0.0, "threads": {}, "asked": []}

    def at(stage, batch, pace=None, epoch=None):
        name, threads = stage.rehearsal.parts.precision.name, torch.get_num_threads()
        told["asked"].append((name, threads))
        took_s = told[name] * told["threads"].get(threads, 1.0)
        return Trial(batch=batch, compute_s=took_s, load_s=told["load"], beside=True, peak_bytes=1)

    monkeypatch.setattr(rehearse.Stage, "at", at)
    monkeypatch.setattr(precision, "has_bfloat16", lambda device: True)
    before = torch.get_num_threads()
    yield told
    torch.set_num_threads(before)


def resolved(said):
    return {message.path: message for message in of(said, Resolved)}


def test_auto_takes_bfloat16_where_it_pays_says_so_and_trains_as_if_it_had_been_set(project, seconds):  # noqa: F811
    seconds["bf16-mixed"] = 0.5
    run, held = a_run(project, AUTO, "auto")
    outcome, said = lived(run, held)
    assert outcome.status == "completed"
    told = resolved(said)["hardware.precision"]
    assert told.value == "bf16-mixed"
    assert told.reason == "mixed bfloat16 takes steps 2.00 times as fast as 32 bit here, measured with 16 images"
    assert any("mixed bfloat16, which hardware.precision auto has chosen" in m.text for m in of(said, Notice))
    other, fixed = a_run(project, {**AUTO, "hardware.precision": "bf16-mixed"}, "set")
    lived(other, fixed)
    assert same(last_state(run)["model_state_dict"], last_state(other)["model_state_dict"])
    seconds["asked"].clear()
    lived(*a_run(project, AUTO, "again"), lambda heard: "hardware.precision" in resolved(heard))
    assert not seconds["asked"], "what was measured for this configuration is not measured again"
    assert last_state(run)["config"]["hardware"]["precision"] == "auto"  # as it was chosen


@pytest.mark.parametrize(
    ("took_s", "has", "px", "why"),
    [(0.9, True, 32, "1.11 times"), (0.5, False, 32, "has no bfloat16"), (0.5, True, 16, "gives wrong gradients")],
)
def test_auto_stays_at_32_bit_where_that_is_better(project, seconds, monkeypatch, took_s, has, px, why):  # noqa: F811
    seconds["bf16-mixed"] = took_s
    monkeypatch.setattr(precision, "has_bfloat16", lambda device: has)
    run, held = a_run(project, {**AUTO, "task.image_size": px})
    _, said = lived(run, held, lambda heard: bool(of(heard, Resolved)) and "hardware.precision" in resolved(heard))
    assert resolved(said)["hardware.precision"].value == "32"
    assert why in resolved(said)["hardware.precision"].reason
    assert not [m for m in of(said, Notice) if "bfloat16" in m.text]


def test_a_later_life_takes_the_precision_that_was_decided(project, seconds):  # noqa: F811
    run, held = a_run(project, AUTO)
    choices = {"hardware.precision": {"value": "bf16-mixed", "reason": "measured"}}
    files.write_json(run / "resolved.json", {"format": 1, "choices": choices})
    _, said = lived(run, held)
    assert not seconds["asked"]
    assert "hardware.precision" not in resolved(said)
    assert any("mixed bfloat16" in m.text for m in of(said, Notice))


def test_threads_and_workers_are_measured_once_for_a_configuration(project, seconds, monkeypatch):  # noqa: F811
    monkeypatch.setattr(processes, "usable_cores", lambda: 4)
    monkeypatch.setattr(precision, "usable_cores", lambda: 4)
    monkeypatch.setattr(reading, "MAX_KEPT_BYTES", 0)  # so that there is something to load
    seconds["threads"], seconds["load"] = {3: 1.0, 2: 0.5, 1: 0.8}, 0.7
    changes = {"hardware.threads": "auto", "data.worker_kind": "threads", "data.cache": "off"}
    for name, asked in (("first", [("32", 3), ("32", 2), ("32", 1)]), ("second", [])):
        seconds["asked"].clear()
        run, held = a_run(project, changes, name)
        outcome, said = lived(run, held, lambda heard: "data.workers" in resolved(heard))
        assert outcome.status == "cancelled"
        assert seconds["asked"] == asked
        threads, workers = (resolved(said)[path] for path in ("hardware.threads", "data.workers"))
        assert threads.value == 2
        assert "2 of 4 cores, 3 compute 32 images/s, 2 compute 64 images/s" in threads.reason
        assert workers.value == 2  # 1.4 are busy, and a quarter more
        assert "one makes 46 images/s, training can take 64" in workers.reason


@pytest.mark.parametrize(
    "kept", [{}, {"compute_s": {"3": "x"}, "load_s": 1}, {"compute_s": {"3": 0}, "load_s": 1}, {"compute_s": 3}]
)
def test_what_was_kept_and_is_not_whole_is_measured_again(tmp_path, kept):
    measured.keep(tmp_path, tuning.KIND, "key", kept)
    assert tuning._recalled(tmp_path, "key", (3,)) is None
