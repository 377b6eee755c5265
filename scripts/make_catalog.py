"""Write src/nbtrain/models/catalog.json: what timm and torchvision offer, measured without weights or network.

Each model is built on torch's meta device and run there once at its default input size under the FLOP counter. A
multiplication with its addition counts as two. What cannot be measured is null and counted. Run by `make catalog`
after an upgrade of timm or torchvision; tests/models/test_catalog.py says when that is due.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import timm
import torch
import torchvision
from timm.layers.config import set_fused_attn
from torch import nn
from torch.utils.flop_counter import FlopCounterMode
from torchvision.models.regnet import BlockParams

TARGET = Path(__file__).parents[1] / "src/nbtrain/models/catalog.json"
COLUMNS = ("variant", "family", "parameters", "flops", "input_size", "licence", "pretrained", "mean", "std", "file")
VERSIONS = {"timm": timm.__version__, "torchvision": torchvision.__version__.partition("+")[0]}
SHARED = ("family", "licence", "mean", "std")
"""Columns whose few values are written once and named by number."""

Row = dict[str, Any]

# First match wins. What matches nothing takes the name of its timm module, spelt below or capitalised.
FAMILY_RULES = (
    (r"^test_", "Test (tiny)"),
    (r"^inception_next", "InceptionNeXt"),
    (r"^naflexvit", "NaFlexViT"),
    (r"^eva", "EVA"),
    (r"^(cspresn|cspdarknet|cs3|s?e?darknet|cspnext)", "CSPNet"),
    (r"resnext", "ResNeXt"),
    (r"^wide_resnet", "Wide ResNet"),
    (r"^resnetv2", "ResNetV2"),
    (r"^resnetrs", "ResNet-RS"),
    (r"^(seresnet|ecaresnet|resnet(blur|aa)|legacy_seresnet|skresnet|gcresnet|eca_resnet)", "ResNet with attention"),
    (r"^resnest", "ResNeSt"),
    (r"^res2n", "Res2Net"),
    (r"^resnet\d", "ResNet"),
    (r"^(tf_)?mobilenet_?v3|^fbnetv3", "MobileNetV3"),
    (r"^mobilenetv4", "MobileNetV4"),
    (r"^mobilenetv5", "MobileNetV5"),
    (r"^mobilenet_?v2", "MobileNetV2"),
    (r"^mobilenetv1", "MobileNetV1"),
    (r"^mobilevit", "MobileViT"),
    (r"^mobileone", "MobileOne"),
    (r"^(tf_)?efficientnet_?v2", "EfficientNetV2"),
    (r"^(tf_|gc_|eca_)?efficientnet", "EfficientNet"),
    (r"^(tf_)?mixnet", "MixNet"),
    (r"^(semnasnet|mnasnet|spnasnet|fbnetc|tinynet)", "MnasNet and kin"),
    (r"^convnextv2", "ConvNeXtV2"),
    (r"^convnext", "ConvNeXt"),
    (r"^repvgg", "RepVGG"),
    (r"nfnet|^nf_", "NFNet"),
    (r"^regnet", "RegNet"),
    (r"^maxx?vit", "MaxViT"),
    (r"^coatne[tx]", "CoAtNet"),
    (r"^(poolformer|caformer|convformer)", "MetaFormer"),
    (r"^flexivit", "FlexiViT"),
    (r"^deit", "DeiT"),
    (r"siglip", "ViT, SigLIP"),
    (r"^vit\w*dinov", "ViT, DINO"),
    (r"^aimv2", "AIMv2"),
    (r"^beit", "BEiT"),
    (r"^vit\w*_clip_", "ViT, CLIP"),
    (r"^swin_?v2", "SwinV2"),
    (r"^swin", "Swin"),
    (r"^shufflenet", "ShuffleNet"),
    (r"^squeezenet", "SqueezeNet"),
    (r"^googlenet|^inception", "Inception"),
    (r"^vit_", "ViT"),
)
MODULE_NAMES = {
    "byoanet": "BotNet and kin", "byobnet": "GERNet", "cait": "CaiT", "coat": "CoaT", "convit": "ConViT",
    "convmixer": "ConvMixer", "cpubone": "CPUBone", "crossvit": "CrossViT", "csatv2": "CSATv2", "davit": "DaViT",
    "deepseek_vit": "DeepSeek ViT", "densenet": "DenseNet", "dla": "DLA", "dpn": "DPN", "edgenext": "EdgeNeXt",
    "efficientformer": "EfficientFormer", "efficientformer_v2": "EfficientFormerV2", "efficientvim": "EfficientViM",
    "efficientvit_mit": "EfficientViT", "efficientvit_msra": "EfficientViT", "eva": "EVA", "fasternet": "FasterNet",
    "fastvit": "FastViT", "focalnet": "FocalNet", "gcvit": "GCViT", "gemma4_vit": "Gemma ViT", "ghostnet": "GhostNet",
    "hardcorenas": "HardCoRe-NAS", "hgnet": "HGNet", "hiera": "Hiera", "hieradet_sam2": "Hiera", "hrnet": "HRNet",
    "iformer": "iFormer", "inception_next": "InceptionNeXt", "lcnetv2": "LCNet", "levit": "LeViT",
    "lowformer": "LowFormer", "mambaout": "MambaOut", "mlp_mixer": "MLP-Mixer", "mvitv2": "MViTv2",
    "naflexvit": "NaFlexViT", "nasnet": "NASNet", "pnasnet": "NASNet", "nest": "NesT", "nextvit": "Next-ViT",
    "pit": "PiT", "pvt_v2": "PVTv2", "qwen3_vit": "Qwen ViT", "rdnet": "RDNet", "repghost": "RepGhost",
    "repvit": "RepViT", "rexnet": "ReXNet", "selecsls": "SelecSLS", "senet": "SENet", "sequencer": "Sequencer",
    "shvit": "SHViT", "sknet": "SKNet", "starnet": "StarNet", "swiftformer": "SwiftFormer", "tiny_vit": "TinyViT",
    "tnt": "TNT", "tresnet": "TResNet", "twins": "Twins", "vgg": "VGG", "alexnet": "AlexNet",
    "visformer": "Visformer", "vision_transformer": "ViT", "vision_transformer_hybrid": "ViT, hybrid",
    "vision_transformer_relpos": "ViT", "vision_transformer_sam": "ViT, SAM", "vitamin": "ViTamin", "volo": "VOLO",
    "vovnet": "VoVNet", "xception": "Xception", "xception_aligned": "Xception", "xcit": "XCiT",
    "efficientnet": "Mobile networks, other", "resnet": "ResNet", "mobilenetv3": "Mobile networks, other",
    "maxxvit": "MaxViT",
}  # fmt: skip


def family_of(name: str, module: str) -> str:
    """Return the human name of a model's family."""
    for pattern, family in FAMILY_RULES:
        if re.search(pattern, name):
            return family
    return MODULE_NAMES.get(module, module.replace("_", " ").capitalize())


def measured(make: Callable[[], nn.Module], size: tuple[int, int, int]) -> tuple[int | None, int | None]:
    """Return parameters and FLOPs of the model that ``make`` builds on the meta device; None for what fails."""
    parameters = None
    try:
        with torch.device("meta"):
            model = make().eval()
            parameters = sum(p.numel() for p in model.parameters())
            with FlopCounterMode(display=False) as counter:
                model(torch.empty(1, *size))
        return parameters, int(counter.get_total_flops()) or None
    except Exception as error:  # noqa: BLE001 (a network may fail in any way; it is counted)
        print(f"not measured: {error!r}"[:200], file=sys.stderr)
        return parameters, None


def timm_row(name: str) -> Row:
    """Return the catalogue row of one timm model."""
    config = timm.get_pretrained_cfg(name)
    assert config is not None
    size = (3, config.input_size[-2], config.input_size[-1])
    parameters, flops = measured(lambda: timm.create_model(name), size)
    known = bool(config.hf_hub_id or config.url or config.file)
    module = timm.models._registry._model_to_module[name]
    return {
        "variant": name, "family": family_of(name, module), "parameters": parameters, "flops": flops,
        "input_size": size[-1], "licence": (config.license or "") if known else "", "pretrained": known,
        "mean": list(config.mean), "std": list(config.std), "file": _timm_file(config) if known else "",
    }  # fmt: skip


def _timm_file(config: Any) -> str:
    """Return where the weights are: the name of a hub repository, or an address."""
    return str(config.hf_hub_id or config.url or "")


def torchvision_row(name: str) -> Row:
    """Return the catalogue row of one torchvision model."""
    weights = getattr(torchvision.models.get_model_weights(name), "DEFAULT", None)
    size, mean, std = 224, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
    if weights is not None:
        preset = weights.transforms()
        size, mean, std = preset.crop_size[0], list(preset.mean), list(preset.std)
    options: dict[str, Any] = {"init_weights": False} if name in ("googlenet", "inception_v3") else {}
    options |= {"image_size": size} if name.startswith("vit_") else {}
    parameters, flops = measured(lambda: torchvision.models.get_model(name, **options), (3, size, size))
    module = torchvision.models.get_model_builder(name).__module__.rpartition(".")[2]
    return {
        "variant": name, "family": family_of(name, module), "parameters": parameters, "flops": flops,
        "input_size": size, "licence": _torchvision_licence(weights) if weights else "", "pretrained": bool(weights),
        "mean": mean, "std": std, "file": weights.url if weights else "",
    }  # fmt: skip


@contextmanager
def real_numbers_for_regnet() -> Iterator[None]:
    """Let torchvision's RegNets compute their widths, which they read back as numbers, outside the meta device."""
    planned = BlockParams.from_init_params

    def plan(*args: Any, **kwargs: Any) -> BlockParams:
        with torch.device("cpu"):
            return planned(*args, **kwargs)

    BlockParams.from_init_params = plan
    try:
        yield
    finally:
        BlockParams.from_init_params = planned


def _torchvision_licence(weights: Any) -> str:
    """Return the licence of the weights: torchvision's own, save those from SWAG, whose page names theirs."""
    return "cc-by-nc-4.0" if "SWAG" in weights.meta.get("license", "") else "bsd-3-clause"


def names(provider: str) -> list[str]:
    """Return every classification model of the installed ``provider``, sorted."""
    if provider == "timm":
        return sorted(timm.list_models())
    return sorted(torchvision.models.list_models(module=torchvision.models))


def rows(provider: str, chosen: list[str] | None = None) -> Iterator[Row]:
    """Yield the rows of ``chosen`` models, or of all that the provider has."""
    make = timm_row if provider == "timm" else torchvision_row
    set_fused_attn(False)  # fused attention is not counted
    torch.backends.mha.set_fastpath_enabled(False)
    with warnings.catch_warnings(), real_numbers_for_regnet():
        warnings.simplefilter("ignore")
        yield from map(make, chosen if chosen is not None else names(provider))


def packed(version: str, found: list[Row]) -> dict[str, Any]:
    """Return the rows column by column; the values of shared columns stand once."""
    lists = {column: [row[column] for row in found] for column in COLUMNS}
    tables: dict[str, list[Any]] = {}
    for column in SHARED:
        tables[column] = _distinct(lists[column])
        lists[column] = [tables[column].index(value) for value in lists[column]]
    return {"version": version, "tables": tables, "columns": lists}


def _distinct(values: list[Any]) -> list[Any]:
    return [json.loads(text) for text in dict.fromkeys(json.dumps(value) for value in values)]


def main() -> None:
    """Write the catalogue of the named providers, keep the rest, and say how many measurements failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("providers", nargs="*", default=list(VERSIONS), choices=list(VERSIONS))
    catalog = json.loads(TARGET.read_text(encoding="utf-8")) if TARGET.exists() else {"format": 1}
    for name in parser.parse_args().providers:
        found = list(rows(name))
        catalog[name] = packed(VERSIONS[name], found)
        missing = [row["variant"] for row in found if row["flops"] is None]
        print(f"{name} {VERSIONS[name]}: {len(found)} models, {len(missing)} without FLOPs {missing[:20]}")
    TARGET.write_text(json.dumps(catalog, separators=(",", ":"), ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
