"""Which data a trial learns from."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from scanlab.data.lazy import LOADERS, Lazy
from scanlab.data.redraw import Redraw
from scanlab.data.volume_windows import LABELLED

__all__ = ["DataChoice"]


@dataclass(frozen=True)
class DataChoice:
    """Which data a trial learns from, as `scanlab.data.load` takes it.

    name: a source's name or a path. size: extents that images and masks are resized to, None for their own. limit and
    test_limit: at most so many samples to train and to measure on, chosen by class with a fixed seed. part: "test" is
    what results are measured on; "val" measures on the validation part (a fifth of the training part where there is
    none) and never looks at the test part. layout: words that settle how files are read; spacing: millimetres that
    volumes are resampled to; lazy, loaders: whether pixels stay on disk till they are needed, and how many threads then
    read ahead; unreadable: how many images may be damaged, which are left out; window, labelled: of volumes that stay
    on disk, how many voxels are read of one at a time, and the share of those trained on that lies on labelled ones.
    Trials know them by the pixels and parts that come of them. What a trial adds: redraw, parts drawn anew for its
    seed; tuning, that it chooses a learning rate, on samples that the study does not measure on; watched, that a
    validation part is kept beside those to train and to measure on.

    >>> from scanlab import data
    >>> choice = DataChoice("digits", limit=100)
    >>> len(data.load(choice.name, limit=choice.limit).train)
    100
    """

    name: str = "digits"
    size: tuple[int, ...] | None = None
    limit: int | None = None
    test_limit: int | None = None
    part: str = "test"
    layout: str = ""
    spacing: tuple[float, ...] | None = None
    lazy: Lazy = "auto"
    loaders: int = LOADERS
    unreadable: int = 0
    window: tuple[int, ...] | None = None
    labelled: float = LABELLED
    redraw: Redraw | None = None
    tuning: bool = False
    watched: bool = False

    def plain(self) -> dict[str, Any]:
        """What a person sets, in JSON's types; how images are read only where that was chosen."""
        usual = DataChoice()
        how = ("lazy", "loaders", "unreadable", "window", "labelled")
        same = [name for name in how if getattr(self, name) == getattr(usual, name)]
        left = {"redraw", "tuning", "watched", *same}
        return {name: value for name, value in asdict(self).items() if name not in left}
