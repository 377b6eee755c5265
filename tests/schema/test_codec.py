"""Formats: numbers, migrations and refusals of files; and the hash of a choice."""

import pytest

from nbtrain.errors import FormatError
from nbtrain.schema import Format, hash_of
from schema.parts import Small

OLD = Format("thing", 3, {1: lambda plain: {"b": plain["a"]}, 2: lambda plain: {"c": plain["b"] + 1}})


def test_older_files_are_migrated_step_by_step():
    assert OLD.read({"format": 1, "a": 1}) == {"c": 2}
    assert OLD.read(OLD.mark({"c": 5})) == {"c": 5}


@pytest.mark.parametrize("number", [4, 0, -1, True, "1", None, 1.5])
def test_other_numbers_are_refused_with_the_file_and_what_to_do(number):
    with pytest.raises(FormatError, match=r"x/thing\.json.*cannot be read") as caught:
        OLD.read({"format": number}, "x/thing.json")
    assert caught.value.problems[0].advice


@pytest.mark.parametrize("plain", [[], "text", 5, None])
def test_what_is_no_object_is_refused(plain):
    with pytest.raises(FormatError, match="JSON object"):
        OLD.read(plain, "x")


def test_the_hash_follows_the_choice_alone():
    assert hash_of(Small()) == hash_of(Small.parse(Small().plain()))
    assert hash_of(Small()) != hash_of(Small().set("optimizer.lr", 2e-3))
