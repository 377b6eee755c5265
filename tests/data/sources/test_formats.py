"""The same scene from every format: the same images, classes and objects."""

from __future__ import annotations

import pytest

from data import formats
from data.formats import FORMATS, SCENE
from nbtrain.data.sources import detect


@pytest.fixture(params=FORMATS)
def form(request):
    return FORMATS[request.param]


def test_every_reader_gives_the_same_boxes(form, tmp_path):
    source = detect(form.write(tmp_path / "set"))
    listing = source.listing()
    assert source.kind == form.kind
    assert listing.classes == formats.CLASSES
    assert formats.seen(listing) == formats.expected(SCENE, "box")
    assert listing.multilabel
    for record in listing.records:
        assert record.size_bytes == (listing.root / record.file).stat().st_size


@pytest.mark.parametrize("name", [name for name, form in FORMATS.items() if form.polygons])
def test_every_reader_gives_the_same_polygons(name, tmp_path):
    form = FORMATS[name]
    listing = detect(form.write(tmp_path / "set", formats.POLYGONS)).listing()
    assert formats.seen(formats.only(listing, "polygon")) == formats.expected(formats.POLYGONS, "polygon")


def test_every_reader_gives_the_same_sets(form, tmp_path):
    listing = detect(form.write(tmp_path / "set")).listing()
    if not form.sets:
        assert listing.own_split is None
        return
    own = {s: sorted(file.rsplit("/", 1)[-1] for file in files) for s, files in listing.own_split.items()}
    assert own == {"train": ["a.png", "c.png"], "val": ["b.png", "d.png"]}


def test_every_source_comes_back_from_its_fields(form, tmp_path):
    source = detect(form.write(tmp_path / "set"))
    again = type(source).root.parse(source.plain())
    assert again == source
    assert again.listing().content_hash == source.listing().content_hash
