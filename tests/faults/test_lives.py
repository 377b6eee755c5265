"""Killed four times at any moment and resumed, a run ends as one that was never interrupted. `make soak` does more."""

from __future__ import annotations

import signal

import pytest

from faults.lives import CONFIGS, KILLS, PLACES, Mother, Nursery, moments

RUNS = 6


@pytest.fixture(scope="module")
def lived(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lives")
    mother = Mother(folder)
    nursery = Nursery(folder, mother)
    yield [nursery.lived(number) for number in range(RUNS)]
    nursery.close()
    mother.close()


@pytest.mark.parametrize("number", range(RUNS), ids=lambda number: list(CONFIGS)[number])
def test_killed_anywhere_it_ends_bit_for_bit_as_if_it_had_not_been(lived, number):
    told = lived[number].result()
    assert told.codes == [-signal.SIGKILL] * KILLS + [0], told
    assert told.differs == "", told
    assert all(told.promised), told
    assert told.config != "by the minute" or told.within, told


def test_every_place_has_its_kills():
    places = [moment.place for number in range(RUNS) for moment in moments(number)]
    assert {place: places.count(place) for place in PLACES} == dict.fromkeys(PLACES, RUNS * KILLS // len(PLACES))
