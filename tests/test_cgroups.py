"""Control groups: the tightest of all around a process counts, in both versions, and where there are none nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from nbtrain import cgroups, processes

GIB = 2**30


@pytest.fixture
def own(tmp_path, monkeypatch):
    """Sets what this process is told to belong to; returns where its groups lie."""
    told = tmp_path / "cgroup"
    monkeypatch.setattr(cgroups, "_OWN", told)
    monkeypatch.setattr(cgroups, "ROOT", tmp_path / "root")
    cgroups._memory_groups.cache_clear()

    def belongs(text: str) -> Path:
        told.write_text(text)
        return tmp_path / "root"

    yield belongs
    cgroups._memory_groups.cache_clear()


def group(folder: Path, **contents) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in contents.items():
        (folder / name.replace("_", ".", 1)).write_text(f"{text}\n")


def test_the_tightest_group_around_a_process_counts(own, monkeypatch):
    root = own("0::/user.slice/job\n")
    none = {"memory_current": 0, "memory_stat": "anon 0"}
    group(root / "user.slice" / "job", memory_max="max", cpu_max="max 100000", **none)
    used = {"memory_current": 700, "memory_stat": "anon 500\ninactive_file 150"}
    waits = "some avg10=40.00 avg60=0 avg300=0 total=1\nfull avg10=31.50 avg60=0 avg300=0 total=1"
    group(root / "user.slice", memory_max=1000, cpu_max="350000 100000", memory_pressure=waits, **used)
    assert list(cgroups.memory()) == [(1000, 450)]
    assert cgroups.cores() == 3
    assert processes.available_bytes() == 450
    assert processes.available_share() <= 0.45
    assert processes._waiting_for_memory() == 31.5
    monkeypatch.setattr(processes, "available_share", lambda: 0.5)
    assert processes.memory_shortage() == "processes here wait for memory 32 % of the time"
    monkeypatch.setattr(processes, "available_share", lambda: 0.05)
    assert processes.memory_shortage() == "only 5 % of the memory here is available"


def test_version_1_is_read_too_also_from_inside_a_container(own):
    root = own("4:cpu,memory:/docker/abc\n0::/\n")
    names = {"memory_limit_in_bytes": 4 * GIB, "memory_usage_in_bytes": 3 * GIB}
    group(root / "memory", memory_stat=f"inactive_file 5\ntotal_inactive_file {GIB}", **names)  # the only one mounted
    assert list(cgroups.memory()) == [(4 * GIB, 2 * GIB)]
    (root / "memory" / "memory.limit_in_bytes").write_text("9223372036854771712\n")
    assert list(cgroups.memory()) == []
    assert cgroups.cores() is None


def test_where_there_are_none_the_machine_counts(own):
    assert (list(cgroups.memory()), cgroups.cores()) == ([], None)
    assert processes.available_bytes() > 2**26
    own("nonsense without colons is not written by any system: :\n")
    assert list(cgroups.memory()) == []
