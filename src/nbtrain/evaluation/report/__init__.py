"""The report of one evaluation: a page in one file that needs no network, for people who have no notebook.

page.py puts it together; charts.py draws, pictures.py makes small pictures, style.css is how it looks.
"""

from nbtrain.evaluation.report.page import html, is_report

__all__ = ["html", "is_report"]
