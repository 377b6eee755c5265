"""Colab itself is not at hand: only its import name stands in, with the one function that is called."""

from __future__ import annotations

import sys
from types import ModuleType

from nbtrain.ui.hosts import enable_widgets


def test_nothing_to_do_outside_colab():
    assert "google.colab" not in sys.modules
    assert enable_widgets() is False


def test_colab_gets_its_widget_manager(monkeypatch):
    pressed = []
    output = ModuleType("google.colab.output")
    output.enable_custom_widget_manager = lambda: pressed.append(True)
    colab = ModuleType("google.colab")
    colab.output = output
    for module in (ModuleType("google"), colab, output):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    assert enable_widgets() is True
    assert pressed == [True]
