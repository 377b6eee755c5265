"""Every situation of docs/formats.md is made for real, looked at, and compared with what the page says."""

import pytest

from formats.page import SITUATIONS


@pytest.mark.parametrize(
    "situation",
    [pytest.param(s, marks=[pytest.mark.xfail(reason=f"waits for {s.waits}")] if s.waits else []) for s in SITUATIONS],
    ids=lambda s: s.name,
)
def test_it_happens_as_the_page_says(situation, tmp_path):
    assert situation.differences(tmp_path / "data") == []


def test_no_two_situations_are_told_alike():
    told = [(s.format, s.told) for s in SITUATIONS]
    assert sorted({one for one in told if told.count(one) > 1}) == []
