"""Published models by name, their official weights, and files of models."""

from scanlab.zoo.checkpoints import load, save
from scanlab.zoo.official import from_official, to_official
from scanlab.zoo.presets import create_model, presets, register_with_timm

__all__ = ["create_model", "from_official", "load", "presets", "register_with_timm", "save", "to_official"]
