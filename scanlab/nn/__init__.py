"""Modules that scan: merges, the mixer, the backbone."""

from scanlab.nn.backbone import Backbone, BackboneSizes
from scanlab.nn.merge import Merge
from scanlab.nn.mixer import MixerSizes, ScanMixer

__all__ = ["Backbone", "BackboneSizes", "Merge", "MixerSizes", "ScanMixer"]
