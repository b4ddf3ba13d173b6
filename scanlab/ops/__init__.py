"""The torch operators over the kernels, and the readable reference they agree with."""

from scanlab.ops.backends import BACKENDS, ScanlabWarning, use_backend
from scanlab.ops.convolution import causal_convolution
from scanlab.ops.flops import SCAN_FLOPS
from scanlab.ops.indices import index_table
from scanlab.ops.mamba import selective_scan_fn
from scanlab.ops.paths import PathTable, path_table
from scanlab.ops.selective_scan import selective_scan
from scanlab.ops.ssd import ssd

__all__ = [
    "BACKENDS",
    "SCAN_FLOPS",
    "PathTable",
    "ScanlabWarning",
    "causal_convolution",
    "index_table",
    "path_table",
    "selective_scan",
    "selective_scan_fn",
    "ssd",
    "use_backend",
]
