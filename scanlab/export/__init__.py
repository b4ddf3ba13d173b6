"""Models that leave: ONNX files with any scan order in them, and whether onnxruntime computes what torch does."""

from scanlab.export.check import TOLERANCE, Agreement, compare_onnx, open_onnx, run_stream
from scanlab.export.forms import FORMS
from scanlab.export.write import Exported, to_onnx, write_onnx

__all__ = [
    "FORMS",
    "TOLERANCE",
    "Agreement",
    "Exported",
    "compare_onnx",
    "open_onnx",
    "run_stream",
    "to_onnx",
    "write_onnx",
]
