"""Sources: one file per format, each turning what a person has into a listing. ``detect`` chooses by looking."""

from nbtrain.data.sources.archive import Archive
from nbtrain.data.sources.base import IMAGE_ENDINGS, Annotated, ElsewhereError, Source, readable
from nbtrain.data.sources.coco import Coco
from nbtrain.data.sources.dataset_class import DatasetClass
from nbtrain.data.sources.folder import Folder
from nbtrain.data.sources.hugging_face import HuggingFace
from nbtrain.data.sources.label_studio import LabelStudio
from nbtrain.data.sources.look import Fact, Found, Picture, chosen, look
from nbtrain.data.sources.masks import Masks
from nbtrain.data.sources.readings import Asked, AskError, Reading, code_of, detect, rooted, settled
from nbtrain.data.sources.table import Table
from nbtrain.data.sources.voc import Voc
from nbtrain.data.sources.yolo import Yolo

__all__ = [
    "IMAGE_ENDINGS",
    "Annotated",
    "Archive",
    "AskError",
    "Asked",
    "Coco",
    "DatasetClass",
    "ElsewhereError",
    "Fact",
    "Folder",
    "Found",
    "HuggingFace",
    "LabelStudio",
    "Masks",
    "Picture",
    "Reading",
    "Source",
    "Table",
    "Voc",
    "Yolo",
    "chosen",
    "code_of",
    "detect",
    "look",
    "readable",
    "rooted",
    "settled",
]
