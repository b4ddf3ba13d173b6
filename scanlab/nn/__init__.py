"""Models that scan: mixers, blocks, the backbone, its heads, and the swap of an order."""

from scanlab.nn.backbone import Backbone, Block
from scanlab.nn.heads import Classifier, NextPatch, Segmenter
from scanlab.nn.merge import Merge
from scanlab.nn.mixer import Mixer, ScanMixer
from scanlab.nn.sizes import BackboneSizes, MixerSizes
from scanlab.nn.ssd_mixer import SsdMixer
from scanlab.nn.swap import set_scan

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
    "set_scan",
]
