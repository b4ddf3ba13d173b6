"""The torch operators. Here the reference; faster ones agree with it."""

from scanlab.ops.paths import PathTable, path_table
from scanlab.ops.reference import selective_scan

__all__ = ["PathTable", "path_table", "selective_scan"]
