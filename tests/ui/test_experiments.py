"""The list: cards, patches, and what a click does to the project."""

from __future__ import annotations

import pytest
import stage

from nbtrain.ui.experiments import Experiments
from nbtrain.ui.pulse import PULSE


@pytest.fixture
def panel(project):
    for name in ("First", "Second"):
        project.new(name)
    return Experiments(project)


def names(panel):
    return [card["name"] for card in panel.cards]


def test_newest_first_and_selected(panel):
    assert names(panel) == ["Second", "First"]
    assert panel.experiment.name == "Second"


def test_a_tick_of_one_card_is_a_patch_and_not_the_list(panel, project, monkeypatch):
    sent, lists = [], []
    project.cards[1].save()
    PULSE.settle()
    monkeypatch.setattr(panel, "send", lambda content, buffers=None: sent.append(content))
    panel.observe(lambda change: lists.append(change["new"]), "cards")
    project.cards[1].rename("Renamed")
    panel.redraw()
    assert sent == [{"patch": {"id": project.cards[1].id, "name": "Renamed"}}]
    assert lists == []
    assert names(panel) == ["Second", "Renamed"], "a page that reloads must find it"


def test_new_duplicate_rename_delete(panel, project):
    panel.perform("new")
    assert panel.experiment is project.cards[0]
    panel.perform("duplicate", id=panel.selected)
    assert panel.experiment.name.endswith("(copy)")
    panel.perform("rename", id=panel.selected, name="../<b>x</b>")
    assert project.cards[0].name == "../<b>x</b>"
    doomed = panel.experiment
    doomed.save()
    assert doomed.folder.parent == project.path / "experiments"
    panel.perform("delete", id=doomed.id)
    assert wait_for(lambda: doomed not in project.cards)
    panel.redraw()
    assert doomed.id not in {card["id"] for card in panel.cards}
    assert panel.experiment in project.cards
    assert any((project.path / "trash").iterdir())


def test_tags_are_kept_at_once_where_the_experiment_is_saved(panel, project):
    first = project.cards[1]
    first.save()
    panel.perform("tag", id=first.id, tags=[" night ", "", "two words"])
    panel.redraw()
    assert panel.cards[1]["tags"] == first.tags == ["night", "two words"]
    assert not first.dirty


def test_selecting_another_leaves_the_edits_as_they_are(panel, project):
    second, first = project.cards
    second.enter("optimizer.lr", "fast")
    panel.perform("select", id=first.id)
    assert panel.experiment is first
    panel.perform("new")
    panel.redraw()
    assert panel.experiment is project.cards[0]
    assert [card["edited"] for card in panel.cards] == [False, True, False]
    assert second.refused["optimizer.lr"]["text"] == "fast"


def test_cards_say_what_the_filter_searches(panel, project):
    project.cards[0].annotate(description="why", tags=["night"])
    panel.redraw()
    assert (panel.cards[0]["description"], panel.known_tags) == ("why", ["night"])


def test_what_cannot_be_read_is_told(panel, project):
    broken = project.path / "experiments" / "broken-abc123"
    broken.mkdir(parents=True)
    (broken / "experiment.json").write_text('{"format": 99}')
    project.refresh()
    panel.redraw()
    assert "format 99" in panel.notices[0]


def test_deleting_a_running_experiment_stops_it_first(panel, project):
    stage.use(stage.Play(epochs=500, steps=40, step_s=0.002))
    running = project.new("Long")
    running.train()
    panel.redraw()
    panel.perform("delete", id=running.id)
    assert wait_for(lambda: running not in project.cards)


def test_an_empty_name_is_refused_and_told(panel, project):
    panel.perform("rename", id=panel.selected, name="\u200b \n")
    assert panel.trouble or project.cards[0].name.strip()


def test_images_that_cannot_be_used_are_told_in_place(tmp_path):
    panel = Experiments(stage.project(tmp_path, data=False))
    assert panel.blank
    panel.perform("look", path=str(tmp_path / "nowhere"))
    assert wait_for(lambda: panel.adder.state.get("ok") is False)
    panel.redraw()
    assert "nowhere" in panel.adding["lines"][0]
    panel.perform("add", path=str(stage.images(tmp_path / "mine")))
    assert wait_for(lambda: panel.adder.state.get("done"))
    panel.redraw()
    assert "40 images in mine" in panel.adding["done"]
    assert not panel.blank
    assert panel.experiment.problems == []


def test_compared_keeps_the_ticked_order_without_the_selected(panel, project):
    panel.overlay = [project.cards[1].id, project.cards[0].id]
    assert [(place, e.name) for place, e in panel.compared()] == [(0, "First")]


def test_a_thousand_cards_are_one_message(project, monkeypatch):
    panel = Experiments(project)
    changes = []
    panel.observe(lambda change: changes.append(len(change["new"])), "cards")
    monkeypatch.setattr(project, "cards", [project.new(f"E{i}") for i in range(50)])
    PULSE.settle()
    panel.redraw()
    assert changes[-1] == 50


def wait_for(condition, limit_s=10.0):
    import time

    end = time.monotonic() + limit_s
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)
    return condition()


def test_a_redraw_looks_only_at_what_has_changed(panel, project, monkeypatch):
    from nbtrain.ui import experiments

    PULSE.settle()
    panel.redraw()
    looked = []
    monkeypatch.setattr(experiments, "card_of", lambda e: looked.append(e.name) or {"id": e.id, "name": e.name})
    panel.redraw()
    assert looked == []
    project.cards[1].epoch = 3
    project.cards[1].beat = 1.0
    panel.redraw()
    assert looked == ["First"]
    project.new("Third")
    panel.redraw()
    assert looked == ["First", "Third"]
