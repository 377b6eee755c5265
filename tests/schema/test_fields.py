"""Fields: one definition describes itself to a form, a command line and a reference page."""

from nbtrain.schema import fields
from nbtrain.schema.fields import part_kinds
from nbtrain.schema.reference import reference
from schema.parts import SGD, Small


def found(config=None):
    return {field.path: field for field in fields(config or Small())}


def test_every_leaf_is_described_in_order():
    paths = list(found())
    assert paths[:4] == ["optimizer.kind", "optimizer.nesterov", "optimizer.decay", "optimizer.lr"]
    assert paths[-3:] == ["training.transforms", "training.transforms.0.kind", "training.transforms.0.p"]


def test_limits_text_and_hints():
    lr = found()["optimizer.lr"]
    assert (lr.type, lr.above, lr.maximum, lr.soft, lr.log, lr.live) == ("float", 0, 10, (1e-5, 1e-1), True, True)
    assert lr.help == "Learning rate."
    assert found()["training.workers"].auto
    assert found()["optimizer.betas"].length == 2
    assert found()["training.milestones"].length is None
    assert found()["training.epochs"].unit == "epochs"


def test_shape_follows_the_kind_and_the_values():
    assert "optimizer.betas" not in found(Small(optimizer=SGD()))
    assert found()["training.patience"].shown
    assert not found(Small().set("training.stopping", False))["training.patience"].shown
    choices = found(Small().set("training.mode", "exact"))["training.variant"].choices
    assert [choice.value for choice in choices] == ["a", "exact"]


def test_plain_leaves_out_what_is_empty_but_keeps_zero():
    plain = found()["training.workers"].plain()
    assert plain["minimum"] == 0
    assert "log" not in plain


def test_kinds_of_a_list():
    assert list(part_kinds(Small(), "training.transforms")) == ["flip"]


def test_the_reference_page_names_every_field():
    page = reference(Small)
    for path in found():
        if not path.startswith("training.transforms."):
            assert path in page
    assert "training.transforms.N.p" in page
