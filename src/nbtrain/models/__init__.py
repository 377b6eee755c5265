"""Networks: the catalogue of what timm and torchvision offer, and how one of them is built."""
