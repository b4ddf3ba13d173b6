"""Models that scan: mixers, blocks, the backbone, its heads, and the swap of an order."""

from scanlab.nn.backbone import Backbone, Block
from scanlab.nn.config import BackboneConfig, MixerConfig
from scanlab.nn.detector import Detector
from scanlab.nn.feature_info import FeatureInfo
from scanlab.nn.features import Features
from scanlab.nn.grid_order import GridMixer, GridPaths, paths_for, scan_mixer
from scanlab.nn.heads import Classifier, NextPatch, Segmenter
from scanlab.nn.large import large_pass
from scanlab.nn.merge import Merge
from scanlab.nn.mixer import Mixer, ScanMixer
from scanlab.nn.mixer_state import MixerState
from scanlab.nn.next_frame import FrameStream, NextFrame
from scanlab.nn.picture_rows import PictureRows
from scanlab.nn.reader import TextReader
from scanlab.nn.sliding import predict_map
from scanlab.nn.ssd_mixer import SsdMixer
from scanlab.nn.state_reading import StateReading, state_readings
from scanlab.nn.streaming import Stream, stream
from scanlab.nn.swap import set_scan
from scanlab.renamed import renamed_names

__all__ = [
    "Backbone",
    "BackboneConfig",
    "Block",
    "Classifier",
    "Detector",
    "FeatureInfo",
    "Features",
    "FrameStream",
    "GridMixer",
    "GridPaths",
    "Merge",
    "Mixer",
    "MixerConfig",
    "MixerState",
    "NextFrame",
    "NextPatch",
    "PictureRows",
    "ScanMixer",
    "Segmenter",
    "SsdMixer",
    "StateReading",
    "Stream",
    "TextReader",
    "large_pass",
    "paths_for",
    "predict_map",
    "scan_mixer",
    "set_scan",
    "state_readings",
    "stream",
]

__getattr__ = renamed_names(__name__, {"BackboneSizes": "BackboneConfig", "MixerSizes": "MixerConfig"})
