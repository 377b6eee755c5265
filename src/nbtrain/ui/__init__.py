"""The panels: one anywidget per panel, its view in ``js/`` under the same name, bound to Experiment and Project."""
