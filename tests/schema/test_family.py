"""Families: finding kinds, switching between them, and the way they stand in JSON."""

import pytest

from nbtrain.errors import ConfigError
from nbtrain.schema import Family, field
from schema.parts import SGD, AdamW, Optimizer, Small


def test_defining_the_class_is_the_registration():
    class Lion(Optimizer, kind="lion", label="Lion"):
        """Made later, as in a notebook cell."""

        lr: float = field(1e-4, gt=0, unit="ratio")

    try:
        assert Small.parse({"optimizer": {"kind": "lion"}}).optimizer == Lion()
    finally:
        del Optimizer._registry["lion"]


@pytest.mark.parametrize("kind", [AdamW, SGD])
def test_json_round_trip(kind):
    config = Small(optimizer=kind(lr=0.25))
    assert config.plain()["optimizer"]["kind"] == kind.kind
    assert Small.parse(config.plain()) == config


def test_switching_takes_defaults_and_carries_what_means_the_same():
    config = Small(optimizer=AdamW(lr=0.5, decay=0.5, nesterov=True)).set("optimizer.kind", "sgd")
    assert config.optimizer == SGD(lr=0.1, decay=0.0, nesterov=True)


def test_a_kind_of_another_name_is_refused():
    with pytest.raises(ConfigError, match="does not belong here"):
        AdamW(kind="sgd")


def test_families_do_not_share_kinds():
    class Other(Family):
        """Another family."""

    assert Other.kinds() == {}
