"""Folders below that of the images as groups, such as patients."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath

import numpy as np
from numpy.typing import NDArray

from scanlab.data.layout import Layout, settled_by
from scanlab.data.notes import Note, listed
from scanlab.ir.diagnostics import ScanlabError

__all__ = ["check_grouped", "groups_below"]


def groups_below(
    folder: Path, homes: Mapping[str, Sequence[str]], layout: Layout, notes: list[Note]
) -> NDArray[np.int64] | None:
    """The group of every sample, part after part, int64 [M]; None where folders say nothing.

    homes: by part the folder of every sample below that of the images, "." for that itself. Folders that hold several
    samples are groups where layout says so; and without a word where the parts, or the masks, were given by a person,
    which is noted. Raises S691 where a split would have to divide folders or not, S644 for a group in two parts, and
    S690 for `groups` without folders.
    """
    named = {part: _firsts(some) for part, some in homes.items()}
    names = [name for some in named.values() for name in some]
    sizes = Counter(name for name in names if name)
    if "groups" in layout:
        check_grouped(any(names), layout)
        _check_parts(folder, named)
    elif "nested" in layout or len(set(names)) < 2 or max(sizes.values()) < 2:
        return None
    elif set(homes) == {"train"} and "masks" not in layout and not layout.named("masks"):
        raise ScanlabError.at(
            "S691",
            f"the images of {folder} lie in the folders {listed(sizes)}: they may be groups, such as patients, which "
            "no split may divide",
            help=settled_by("nested", "groups"),
        )
    else:
        what = f"the folders of images, {listed(sizes)}, are groups, which no split divides"
        notes.append(Note("assumed", f'{what} (layout says "nested" if they say nothing)'))
    own = [
        f"{part}/{name}" if name else f"{part}:{number}"
        for part, some in named.items()
        for number, name in enumerate(some)
    ]
    return np.unique(own, return_inverse=True)[1].astype(np.int64)


def check_grouped(grouped: bool, layout: Layout) -> None:
    """Raise S690 where layout says groups and no folder is one."""
    if "groups" in layout and not grouped:
        raise ScanlabError.at("S690", "layout says groups, and no folder there is one", help="leave it out")


def _firsts(homes: Sequence[str]) -> list[str]:
    """The outermost folders that tell samples apart, "" for a sample in none."""
    steps = [PurePath(home).parts for home in homes]
    while steps and all(some[:1] == steps[0][:1] and len(some) > 1 for some in steps):
        steps = [some[1:] for some in steps]
    return [some[0] if some else "" for some in steps]


def _check_parts(folder: Path, named: Mapping[str, Sequence[str]]) -> None:
    places: dict[str, str] = {}
    for part, names in named.items():
        for name in sorted(set(names) - {""}):
            if places.setdefault(name, part) != part:
                raise ScanlabError.at(
                    "S644",
                    f"{folder} is no data set: its group {name} is in {places[name]} and in {part}",
                    help="expected every group, such as a patient, in one part alone",
                )
