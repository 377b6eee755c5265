"""Every planted problem is found, and no healthy file is flagged."""

from __future__ import annotations

import pytest

from data.planted import EACH
from nbtrain.data.inspection.problems import KINDS, Problems, leaks, parsed, problems_of


@pytest.fixture(scope="module")
def found(scanned) -> Problems:
    own = scanned.listing.own_split
    static = problems_of(scanned.listing, scanned.swept.looks, scanned.swept.groups)
    names = [record.file for record in scanned.listing.records]
    return Problems([*static, *leaks(names, scanned.swept.groups, own)])


def test_all_that_was_planted_is_found_and_nothing_else(scanned, found):
    for kind, files in scanned.planted.kinds.items():
        assert len(files) >= EACH, kind
        assert {problem.file for problem in found.of(kind)} == files, kind
    assert set(found.counts()) == set(scanned.planted.kinds)


def test_no_healthy_file_is_flagged(scanned, found):
    assert len(scanned.planted.healthy) > 200
    assert scanned.planted.healthy.isdisjoint(found.files)


@pytest.mark.parametrize("kind", ["equal", "alike", "leak", "label conflict"])
def test_copies_are_in_one_group(scanned, found, kind):
    group = {problem.file: problem.group for problem in found.of(kind)}
    for a, b in scanned.planted.pairs[kind]:
        assert group[a] == group[b] != ""
    assert len(set(group.values())) == len(scanned.planted.pairs[kind])


def test_rows_have_ids_of_their_own_and_survive_json(found):
    assert len({problem.id for problem in found}) == len(found)
    assert list(parsed(found.plain())) == list(found)


def test_a_file_that_is_left_out_is_dealt_with(found):
    file = found[0].file
    marked = found.without([file])
    assert all(problem.dealt_with == (problem.file == file) for problem in marked)
    assert sum(marked.counts(open_only=True).values()) < len(marked) == len(found)


def test_the_worst_comes_first(found):
    places = [list(KINDS).index(problem.kind) for problem in found]
    assert places == sorted(places)
