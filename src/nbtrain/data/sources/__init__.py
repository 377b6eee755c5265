"""Sources: one file per format, each turning what a person has into a listing. ``detect`` chooses by looking."""

from nbtrain.data.sources.base import IMAGE_ENDINGS, Source, detect
from nbtrain.data.sources.folder import Folder
from nbtrain.data.sources.table import Table

__all__ = ["IMAGE_ENDINGS", "Folder", "Source", "Table", "detect"]
