"""The catalogue: fresh against the installed libraries, quick to search, and clear about what it does not know."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from nbtrain.errors import ConfigError
from nbtrain.models import catalog

SCRIPT = Path(__file__).parents[2] / "scripts" / "make_catalog.py"
SAMPLE = {
    "timm": ("resnet50", "test_vit", "mobilenetv3_small_100", "cait_xxs24_224", "ghostnet_050", "convnext_atto"),
    "torchvision": ("shufflenet_v2_x0_5", "squeezenet1_1", "regnet_y_400mf", "googlenet"),
}


@pytest.fixture(scope="module")
def generator():
    spec = importlib.util.spec_from_file_location("make_catalog", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("provider", catalog.PROVIDERS)
def test_it_lists_what_is_installed(generator, provider):
    """Fails after an upgrade of timm or torchvision: run `make catalog` then."""
    assert catalog.version(provider) == generator.VERSIONS[provider]
    assert sorted(catalog.entries(provider)) == generator.names(provider)


@pytest.mark.parametrize("provider", catalog.PROVIDERS)
def test_measuring_again_gives_the_same(generator, provider):
    for row in generator.rows(provider, list(SAMPLE[provider])):
        entry = catalog.entry(provider, row["variant"])
        shipped = {name: getattr(entry, name) for name in generator.COLUMNS}
        assert {**shipped, "mean": list(entry.mean), "std": list(entry.std)} == row


def test_every_family_rule_is_used(generator):
    named = {entry.family for provider in catalog.PROVIDERS for entry in catalog.entries(provider).values()}
    assert {family for _, family in generator.FAMILY_RULES} <= named


def test_figures_agree_with_the_literature():
    """resnet50: 25.6 M parameters, 4.1 billion multiply-adds (He et al. 2016, table 1, by today's counting)."""
    for provider in catalog.PROVIDERS:
        entry = catalog.entry(provider, "resnet50")
        assert (entry.parameters, entry.flops) == (25_557_032, pytest.approx(2 * 4.09e9, rel=0.01))


def test_all_is_measured():
    for provider in catalog.PROVIDERS:
        for entry in catalog.entries(provider).values():
            assert entry.parameters, entry
            assert entry.flops, entry
            assert entry.family, entry
            assert entry.pretrained == bool(entry.file), entry
            assert all(0 <= value <= 1 for value in (*entry.mean, *entry.std)), entry


def test_it_stays_small():
    assert SCRIPT.parents[1].joinpath("src/nbtrain/models/catalog.json").stat().st_size < 400_000


def test_families_hold_every_model_once():
    for provider in catalog.PROVIDERS:
        listed = [entry for family in catalog.families(provider) for entry in catalog.variants(provider, family)]
        assert sorted(entry.variant for entry in listed) == sorted(catalog.entries(provider))


def test_variants_go_from_small_to_large():
    sizes = [entry.parameters for entry in catalog.variants("timm", "ResNet")]
    assert sizes == sorted(sizes)


def test_a_family_starts_with_something_usable():
    for provider in catalog.PROVIDERS:
        for family in catalog.families(provider):
            start = catalog.starter(provider, family)
            assert start.pretrained or not any(entry.pretrained for entry in catalog.variants(provider, family))


def test_search_takes_words_of_names_and_families():
    assert catalog.search("squeeze")[0].provider == "torchvision"
    assert {entry.family for entry in catalog.search("convnext atto", "timm")} <= {"ConvNeXt", "ConvNeXtV2"}
    assert catalog.search("no such thing") == ()


@pytest.mark.parametrize(
    ("variant", "advice"),
    [
        ("resnet500", "Did you mean resnet50"),
        ("shufflenet_v2_x0_5", "torchvision has it: set model.kind to torchvision."),
        ("?", "The catalogue lists"),
        ("<b>" * 5000, "The catalogue lists"),
    ],
)
def test_an_unknown_model_is_told_with_what_to_do(variant, advice):
    with pytest.raises(ConfigError) as refused:
        catalog.entry("timm", variant)
    problem = refused.value.problems[0]
    assert advice in problem.advice
    assert len(str(problem)) < 400
