"""Networks: the catalogue of what timm and torchvision offer, networks of one's own, and how one of them is built."""

from nbtrain.models.backbones import Timm, Torchvision
from nbtrain.models.cnn import CustomCNN
from nbtrain.models.model import Model

__all__ = ["CustomCNN", "Model", "Timm", "Torchvision"]
