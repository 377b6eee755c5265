"""Advice before the run: planted faults are found, healthy configurations are left alone, a fix silences its rule."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from advice.planted import FAULTS, HEALTHY, PHOTOS, Fault
from nbtrain.advice import Case, Evidence, Static, advise, cards, rates
from nbtrain.advice.findings import LEVELS
from nbtrain.config import Config
from nbtrain.errors import ConfigError
from nbtrain.schema import fields
from nbtrain.training.optimizers import Optimizer


def config_of(changes):
    return Config().set_all({"data.dataset": "photos", **changes})


def rules_of(config, evidence):
    return {finding.rule for finding in advise(config, evidence)}


def test_recall_of_planted_faults():
    """Every planted fault is found by the rule that is made for it."""
    missed = [str(fault) for fault in FAULTS if fault.rule not in rules_of(config_of(fault.changes), fault.evidence)]
    assert len(FAULTS) >= 20
    assert missed == []


@pytest.mark.parametrize("name", HEALTHY)
def test_healthy_configurations_are_left_alone(name):
    changes, evidence = HEALTHY[name]
    assert [f"{f.rule}: {f.text}" for f in advise(config_of(changes), evidence)] == []


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_a_fix_silences_its_rule_and_keeps_the_configuration_valid(fault: Fault):
    config = config_of(fault.changes)
    (found,) = [f for f in advise(config, fault.evidence) if f.rule == fault.rule]
    if not found.fix:  # nothing to put right in one click
        return
    before = {problem.path for problem in config.check()}
    mended = config.set_all(found.fix)
    assert fault.rule not in rules_of(mended, after(fault.evidence, found.fix))
    assert {problem.path for problem in mended.check()} <= before


def after(evidence, fix):
    """Return what would be known of the data and the disk once ``fix`` has been applied."""
    n_val = round((evidence.n_images or 0) * fix["data.val_ratio"]) if "data.val_ratio" in fix else evidence.n_val
    return replace(evidence, n_val=n_val)


def test_every_rule_has_a_planted_fault_and_a_source():
    assert set(Static.all()) == {fault.rule for fault in FAULTS}
    for rule in Static.all().values():
        assert rule.source, rule
        assert rule.why().endswith("."), rule


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_a_finding_says_a_number_and_belongs_to_a_field(fault: Fault):
    config = config_of(fault.changes)
    known = {field.path for field in fields(config)}
    for finding in advise(config, fault.evidence):
        assert finding.path in known
        assert finding.level in LEVELS
        assert finding.text.endswith(".")
        assert any(character.isdigit() for character in finding.text), finding.text


def test_no_legal_configuration_makes_a_rule_stumble():
    """Random legal values in random fields: every rule answers, and every fix can be applied."""
    chance = random.Random(7)
    for _ in range(150):
        config = Config().set_all({"data.dataset": "photos"})
        for _ in range(12):
            field = chance.choice([f for f in fields(config) if f.type not in ("text", "parts")])
            try:
                config = config.set(field.path, legal(field, chance))
            except ConfigError:
                continue
        for evidence in (PHOTOS, Evidence()):
            for finding in advise(config, evidence):
                config.set_all(finding.fix)


def legal(field, chance):
    if field.choices:
        return chance.choice(field.choices).value
    if field.type == "bool":
        return chance.random() < 0.5
    low = field.minimum if field.minimum is not None else (field.above or 0) + 1e-6
    high = field.maximum if field.maximum is not None else (field.below or 1) - 1e-6
    low, high = (field.soft or (low, high)) if chance.random() < 0.5 else (low, high)
    value = chance.uniform(low, high)
    return [value] * (field.length or 1) if field.type == "numbers" else round(value) if field.type == "int" else value


@pytest.mark.parametrize("kind", sorted(Optimizer.kinds()))
def test_every_optimizer_has_a_band_that_holds_its_default_and_a_row_in_the_comparison(kind):
    case = Case(Config().set_all({"optimizer.kind": kind, "training.batch_size": 64}), Evidence())
    found = rates.band(case)
    assert found.low <= case.config.optimizer.lr <= found.high
    row = next(row for row in cards.optimizers(case) if row.kind == kind)
    assert row.character.source
