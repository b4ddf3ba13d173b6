"""Models that scan: mixers, backbone, heads, published settings, official checkpoints."""

from scanlab.nn.backbone import Backbone, Block
from scanlab.nn.heads import Classifier, NextPatch, Segmenter
from scanlab.nn.merge import Merge
from scanlab.nn.mixer import Mixer, ScanMixer
from scanlab.nn.official import from_official, to_official
from scanlab.nn.presets import create_model, presets, register_with_timm
from scanlab.nn.sizes import BackboneSizes, MixerSizes
from scanlab.nn.ssd_mixer import SsdMixer
from scanlab.nn.swap import load, save, set_scan

__all__ = [
    "Backbone",
    "BackboneSizes",
    "Block",
    "Classifier",
    "Merge",
    "Mixer",
    "MixerSizes",
    "NextPatch",
    "ScanMixer",
    "Segmenter",
    "SsdMixer",
    "create_model",
    "from_official",
    "load",
    "presets",
    "register_with_timm",
    "save",
    "set_scan",
    "to_official",
]
