"""Published models, rebuilt from the configurations that came with their arrays."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from scanlab.nn import Backbone, BackboneConfig, Classifier
from scanlab.zoo.presets import VANILLA_MIXER, VIDEOMAMBA_MIXER, VIM_MIXER, VMAMBA_MIXER

GOLDEN = Path(__file__).parents[1] / "golden"
SHARED = Path(__file__).parents[2] / "../shared/golden/models"
CASCADE = "sum(orbit((by h, w restart by h), reverse), orbit((by w, h restart by w), reverse))"
VMAMBA_SCANS = {
    "v051d_noz": "vmamba_unidirectional",
    "v052d_noz": "vmamba_bidirectional",
    "v052dc_noz": CASCADE,
}
ONE_WAY = replace(VIM_MIXER, average=False)
BOTH_DECAYS = replace(ONE_WAY, convolution="first_path", parameters="own_decay")


def vim(config: dict[str, Any]) -> Classifier:
    """hustvl/Vim's VisionMamba."""
    one_way = config["bimamba_type"] == "none" and "if_bimamba" not in config
    mixer = BOTH_DECAYS if config.get("if_bimamba") else ONE_WAY if one_way else VIM_MIXER
    scan = "sum(row)" if one_way else "sum(row, -row)"
    readout = "mean"
    if config["if_cls_token"]:
        double = config.get("use_double_cls_token", False)
        scan, readout = f"{scan} with cls at {'both' if double else 'middle'}", "both" if double else "cls"
    sizes = _isotropic(config, readout=readout, mixer=mixer, patch=config["patch_size"])
    return _built(scan, sizes, (config["img_size"],) * 2, config)


def videomamba(config: dict[str, Any]) -> Classifier:
    """OpenGVLab/VideoMamba's VisionMamba for images (whose stride is 16 whatever the patch) and for videos."""
    frames, patch, extents = config.get("num_frames"), config["patch_size"], (config["img_size"],) * 2
    if frames:
        sizes = _isotropic(config, readout="cls", mixer=VIDEOMAMBA_MIXER, patch=(1, patch, patch), positions="factored")
        return _built("videomamba", sizes, (frames, *extents), config)
    sizes = _isotropic(config, readout="cls", mixer=VIDEOMAMBA_MIXER, patch=patch, stride=16)
    return _built("sum(row, -row) with cls at start", sizes, extents, config)


def vmamba(config: dict[str, Any]) -> Classifier:
    """MzeroMiko/VMamba's VSSM."""
    kind = config["forward_type"]
    mixer = replace(
        VANILLA_MIXER if kind in ("v0", "v04") else VMAMBA_MIXER,
        kind="cascade" if kind == "v052dc_noz" else "scan",
        state=config["ssm_d_state"],
        expand=config["ssm_ratio"],
        convolution_bias=config["ssm_conv_bias"],
    )
    sizes = BackboneConfig(
        patch=4,
        dim=config["dims"],
        depth=tuple(config["depths"]),
        positions="none",
        mlp=config["mlp_ratio"],
        mixer=mixer,
        stem="overlapping" if config["patchembed_version"] == "v2" else "patch_norm",
        downsample="overlapping" if config["downsample_version"] == "v3" else "merge",
    )
    return _built(VMAMBA_SCANS.get(kind, "vmamba"), sizes, config["img"], config)


def _isotropic(config: dict[str, Any], **sizes: Any) -> BackboneConfig:
    return BackboneConfig(dim=config["embed_dim"], depth=config["depth"], norm_kind="rms", **sizes)


def _built(scan: str, sizes: BackboneConfig, extents: tuple[int, ...], config: dict[str, Any]) -> Classifier:
    return Classifier(Backbone(scan, sizes, input_size=extents, channels=3), config["num_classes"])
