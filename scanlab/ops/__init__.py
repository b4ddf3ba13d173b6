"""The torch operators over the kernels, and the readable reference they agree with."""

from scanlab.ops.backends import BACKENDS, ScanlabWarning
from scanlab.ops.convolution import causal_convolution
from scanlab.ops.indices import index_table
from scanlab.ops.mamba import selective_scan_fn
from scanlab.ops.paths import PathTable, path_table
from scanlab.ops.selective_scan import selective_scan
from scanlab.ops.ssd import ssd

__all__ = [
    "BACKENDS",
    "PathTable",
    "ScanlabWarning",
    "causal_convolution",
    "index_table",
    "path_table",
    "selective_scan",
    "selective_scan_fn",
    "ssd",
]
