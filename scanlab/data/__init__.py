"""Data sources, in numpy only."""

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from types import MappingProxyType

from scanlab.data.arrays import load_arrays
from scanlab.data.dataset import Dataset
from scanlab.data.digits import load_digits
from scanlab.data.made import load_moving_digits, load_permuted_digits
from scanlab.ir.diagnostics import ScanlabError

SOURCES: Mapping[str, Callable[[], Dataset]] = MappingProxyType(
    {"digits": load_digits, "moving-digits": load_moving_digits, "permuted-digits": load_permuted_digits}
)

__all__ = ["SOURCES", "Dataset", "load", "load_arrays", "load_digits", "load_moving_digits", "load_permuted_digits"]


def load(name: str) -> Dataset:
    """Load a data set by name, or a .npz file by its path as `load_arrays` does.

    Raises S600 for a name that is no source, and S642 for a file that is no data set.
    """
    if name.endswith(".npz"):
        return load_arrays(name)
    if name in SOURCES:
        return SOURCES[name]()
    near = get_close_matches(name, SOURCES, n=1)
    known = ", ".join(SOURCES)
    raise ScanlabError.at(
        "S600",
        f"there is no data set named {name!r}",
        help=f"did you mean {near[0]!r}?" if near else f"known data sets: {known}; or give a .npz file",
    )
