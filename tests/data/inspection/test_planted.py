"""Every planted problem is found, and no healthy file is flagged."""

from __future__ import annotations

import pytest

from data.planted import EACH, MARKS, plant_marks
from nbtrain.data.inspection.problems import KINDS, Problems, leaks, parsed, problems_of
from nbtrain.data.inspection.store import Store
from nbtrain.data.inspection.sweep import sweep
from nbtrain.data.sources import detect


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


@pytest.mark.parametrize("form", ["coco", "yolo"])
def test_every_broken_mark_is_found_in_its_image_and_no_whole_one(form, tmp_path):
    """Also those that the reader leaves out: a scan lists them with their file, place and value."""
    planted = plant_marks(tmp_path, form)
    listing = detect(tmp_path).listing()
    swept = sweep(listing.root, [record.file for record in listing.records], Store(tmp_path))
    found = problems_of(listing, swept.looks, swept.groups)
    # A line of two corners is none that YOLO knows; digits may be alike, which is another matter.
    kinds = [kind for kind in MARKS if (form, kind) != ("yolo", "few points")]
    for kind in kinds:
        files = {file.removeprefix("images/" * (form == "coco")) for file in planted.kinds[kind]}
        assert len(files) == EACH
        assert {problem.file for problem in found.of(kind)} == files, kind
    assert set(found.counts()) - {"alike", "equal"} == set(kinds)
    assert all(any(sign.isdigit() for sign in problem.text) for kind in kinds for problem in found.of(kind))
