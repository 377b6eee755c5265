"""Normalisation: where the values come from."""

from __future__ import annotations

import pytest

from nbtrain.data.normalisation import (
    IMAGENET,
    Colours,
    Custom,
    FromDataset,
    FromModel,
    ImageNet,
    keep_colours,
    recall_colours,
)
from nbtrain.errors import ConfigError, DataError

HALF = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
COMPUTED = ((0.1, 0.2, 0.3), (0.2, 0.2, 0.2))


def test_each_kind_takes_its_own_values():
    given = {"model": HALF, "dataset": COMPUTED}
    assert ImageNet().values(**given) == IMAGENET
    assert FromModel().values(**given) == HALF
    assert FromDataset().values(**given) == COMPUTED
    assert Custom(mean=(0.4, 0.4, 0.4), std=(1, 1, 1)).values(**given) == ((0.4,) * 3, (1.0,) * 3)


def test_a_model_without_values_takes_imagenets():
    assert FromModel().values() == IMAGENET


def test_values_that_were_not_computed_are_told():
    with pytest.raises(DataError, match="have not been computed"):
        FromDataset().values()


@pytest.mark.parametrize("std", [(0, 0.2, 0.2), (0.2, 0.2), (0.2, 0.2, float("nan")), (0.2, 0.2, True)])
def test_a_deviation_that_cannot_divide_is_refused(std):
    with pytest.raises(ConfigError):
        Custom(std=std)


def test_what_was_measured_holds_for_its_data_and_its_split_alone(tmp_path):
    found = Colours(*COMPUTED, 120)
    keep_colours(tmp_path, "data", "split", found)
    assert recall_colours(tmp_path, "data", "split") == found
    assert recall_colours(tmp_path, "data", "another split") is None
    assert recall_colours(tmp_path, "other data", "split") is None
