"""Published models by name, their official weights, and files of models."""

from scanlab.zoo.checkpoints import load, save
from scanlab.zoo.official import from_official, to_official
from scanlab.zoo.preprocessing import Preprocessing, preprocessing
from scanlab.zoo.presets import create_model, presets
from scanlab.zoo.pretrained import from_pretrained, push_to_hub, save_pretrained
from scanlab.zoo.timm_models import register_with_timm

__all__ = [
    "Preprocessing",
    "create_model",
    "from_official",
    "from_pretrained",
    "load",
    "preprocessing",
    "presets",
    "push_to_hub",
    "register_with_timm",
    "save",
    "save_pretrained",
    "to_official",
]
