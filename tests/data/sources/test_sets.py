"""Names of sets in the forms that people use, and names that only sound like one."""

from __future__ import annotations

import pytest

from nbtrain.data.sources.sets import added, is_set_name, set_of, sets_among
from nbtrain.errors import DataError

NAMES = {
    "train": [
        *(
            "train",
            "Training",
            "TRAIN",
            "training_set",
            "train_images",
            "x_train",
            "X_train",
            "trainImages",
            "TrainSet",
        ),
        *(
            "Entraînement",
            "entrainement",
            "训练集",
            "trainset",
            "train2017",
            "01-train",
            "Train Data",
            "trainval",
            "img_train",
            "train_split",
        ),
    ],
    "val": [*("val", "valid", "Validation", "validation_set", "dev", "eval", "x_val", "valid_images", "devset", "VAL")],
    "test": [*("test", "testing", "test_set", "Test Images", "holdout", "hold-out", "hold_out", "testset", "x_test")],
}


@pytest.mark.parametrize(("named", "name"), [(named, name) for named, names in NAMES.items() for name in names])
def test_usual_names_are_sets(named, name):
    assert is_set_name(name)
    assert set_of(name) == named


@pytest.mark.parametrize(
    "name",
    ["trains", "contest", "valley", "device", "training_test_pose", "bus", "set", "images", "", "évaluer", "2017"],
)
def test_other_names_are_none(name):
    assert not is_set_name(name)
    assert not set_of(name)


def test_names_with_more_words_are_sets_together():
    assert not is_set_name("pets_train")
    assert sets_among(["seg_train", "seg_test", "seg_pred"]) == {"seg_train": "train", "seg_test": "test"}
    assert sets_among(["pets_train", "dogs_test"]) == {}
    assert sets_among(["pets_val", "pets_test"]) == {}  # none trains
    assert sets_among(["pets_train"]) == {}  # a class, perhaps
    assert sets_among(["train", "bus"]) == {"train": "train"}
    dogs = {"dogs_train": "train", "dogs_val": "val", "dogs_test": "test"}
    assert sets_among(["pets_train", "pets_val", *dogs]) == dogs  # the larger group


def test_words_are_added():
    more = added(["entreno=train", "Prueba = test", "0=val"])
    assert [set_of(word, more) for word in ("Entreno", "prueba", "0", "train")] == ["train", "test", "val", "train"]
    assert set_of("valid_images", added(["valid=test"])) == "test"  # a person's word counts before the usual one
    assert set_of("zkouška", added(["Zkouška = test"])) == "test"
    assert set_of("k=1", added(["k=1=val"])) == "val"
    assert sets_among(["entreno", "prueba"], more) == {"entreno": "train", "prueba": "test"}


@pytest.mark.parametrize("text", ["entreno", "=train", "entreno=training", " =val"])
def test_what_adds_nothing_is_refused(text):
    with pytest.raises(DataError, match="this names no set"):
        added([text])
