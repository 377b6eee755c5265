"""Several labels as a person looks through them: bars and counts show their images, names their curves."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from browser.test_studio import STAGE, WIDE

pytestmark = pytest.mark.browser

SEVERAL = (
    STAGE
    + """
import numpy as np
from nbtrain import TrainingStudio, files
from nbtrain.evaluation import bootstrap, folder, scores
from nbtrain.evaluation.folder import Record
from nbtrain.evaluation.predictions import Predictions
one = stage.trained(project, 'One')
data, names = project.datasets()[0], [record.file for record in project.dataset().listing().records]
chance = np.random.default_rng(0)
targets = (chance.random((len(names), 3)) < 0.4).astype(np.uint8)
shares = np.clip(0.25 + 0.5 * targets + 0.25 * chance.normal(size=targets.shape), .01, .99).astype(np.float32)
losses = -np.where(targets == 1, np.log(shares), np.log(1 - shares)).mean(1).astype(np.float32)
cells = tuple((f'p{place % 3}',) for place in range(len(names)))
kinds = ('cat', 'dog', '<b>owl</b>')
found = Predictions(kinds, tuple(names), shares, targets, losses, columns=('patient',), cells=cells)
marker = files.read_json(one.run.path / 'checkpoints' / 'best.json')
folder.make(one.folder, Record(
    part='val', run=one.run.path.name, which='best', step=marker['step'], epoch=1, file=marker['file'],
    sha256=marker['sha256'], dataset=data.name, data_hash=data.hash, split='s', split_hash='h', task='multilabel',
    n_classes=3, n_images=len(names), metrics=scores.values(found), intervals=bootstrap.intervals(found),
), found)
studio = TrainingStudio(project)
studio
"""
)


def test_several_labels_are_looked_through(cell):
    view = cell(SEVERAL)
    view.output.get_by_role("tab", name="Evaluate").click()
    panel = view.output.locator(".nbt-evaluation")
    gallery = view.output.locator(".nbt-evaluation + .nbt-gallery")
    expect(panel.get_by_title("Draw the curves of <b>owl</b>")).to_be_visible()
    panel.locator(".stack .misses").first.click()
    expect(gallery.locator(".title")).to_contain_text("Misses of")
    n = view.evaluate("studio.evaluation.gallery.count")
    assert 0 < n < 40
    panel.get_by_role("button", name="false positive").first.click()
    expect(gallery.locator(".title")).to_contain_text("False positives of")
    panel.get_by_label("Divide by").select_option("patient")
    expect(panel.locator(".slices tbody tr")).to_have_count(3)
    panel.get_by_title("Draw the curves of dog").click()
    assert view.wait_for("studio.evaluation.evaluation.curve['label'] == 'dog'")
    panel.get_by_label("Threshold").fill("0.9")
    expect(panel.locator(".threshold b")).to_have_text("0.900")
    assert view.page.evaluate(WIDE) == []
