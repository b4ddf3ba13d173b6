"""The torch operators over the kernels, and the readable reference they agree with."""

from scanlab.ops.conv.api import causal_conv1d
from scanlab.ops.dispatch import BACKENDS, ScanlabWarning, use_backend
from scanlab.ops.flops import SCAN_FLOPS
from scanlab.ops.mamba.api import selective_scan
from scanlab.ops.mamba.drop_in import selective_scan_fn
from scanlab.ops.mamba2.api import ssd
from scanlab.ops.packing import packed_table
from scanlab.ops.path_tables import PathTable, path_table
from scanlab.ops.resolve_paths import index_table
from scanlab.renamed import renamed_names

__all__ = [
    "BACKENDS",
    "SCAN_FLOPS",
    "PathTable",
    "ScanlabWarning",
    "causal_conv1d",
    "index_table",
    "packed_table",
    "path_table",
    "selective_scan",
    "selective_scan_fn",
    "ssd",
    "use_backend",
]

__getattr__ = renamed_names(__name__, {"causal_convolution": "causal_conv1d"})
