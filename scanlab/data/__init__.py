"""Data to learn from: sources, parts, sizes; in numpy."""

from scanlab.data.arrays import load_arrays
from scanlab.data.brought import from_dataset
from scanlab.data.dataset import Dataset
from scanlab.data.digits import load_digits
from scanlab.data.given import from_arrays
from scanlab.data.hugging_face import kept_stream
from scanlab.data.made import load_moving_digits, load_permuted_digits, permuted
from scanlab.data.made_text import load_digit_lines, load_digit_pages
from scanlab.data.ragged import RaggedImages
from scanlab.data.sources import SOURCES, load, whole

__all__ = [
    "SOURCES",
    "Dataset",
    "RaggedImages",
    "from_arrays",
    "from_dataset",
    "kept_stream",
    "load",
    "load_arrays",
    "load_digit_lines",
    "load_digit_pages",
    "load_digits",
    "load_moving_digits",
    "load_permuted_digits",
    "permuted",
    "whole",
]
