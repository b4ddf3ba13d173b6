"""Videos without labels: clips in a file of arrays, to predict frames from frames."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scanlab.data.array_axes import CHANNELS, channels_first
from scanlab.data.array_files import ARRAY_FILES, opened_arrays, wrong
from scanlab.data.array_names import VIDEOS, names_by_part, words_of
from scanlab.data.arrays import joined_pixels
from scanlab.data.checks import checked
from scanlab.data.dataset import Dataset
from scanlab.data.layout import AXES, NOTHING, Layout
from scanlab.data.notes import Note, listed
from scanlab.data.parts import PARTS, divided
from scanlab.data.resize import check_size
from scanlab.data.strata import brightness_quarters
from scanlab.data.target_kinds import FRAMES
from scanlab.ir.diagnostics import ScanlabError

__all__ = ["clips_in", "load_clips"]

SPLIT = "split"


def clips_in(path: Path) -> str:
    """The name of an array of videos in a file without labels for them; "" where there is none."""
    if not path.name.lower().endswith(ARRAY_FILES) or not path.is_file():
        return ""
    with opened_arrays(path) as files:
        names = files[""].names
    found = [name for name in names if VIDEOS & set(words_of(name))]
    if len(found) != 1:
        return ""
    return "" if names_by_part(names, NOTHING, path.name)[0] else found[0]


def load_clips(path: Path, size: tuple[int, ...] | None = None, layout: Layout = NOTHING) -> Dataset:
    """Read clips [M, T, H, W] or [M, T, H, W, C] called `clips` or `videos`, each with its part in `split` (train, val
    or test) where there is such an array.

    There is nothing to learn from but the frames themselves: labels are 0 throughout, and of no meaning. Clips without
    parts are divided about 70/30 by brightness, always alike, which says nothing of how alike neighbours are. Raises
    S642 for other arrays, S721 for clips of one frame, and S690.

    >>> clips = np.random.default_rng(0).integers(0, 256, (8, 5, 6, 6), np.uint8)
    >>> np.savez("rain.npz", clips=clips, split=np.array(["train"] * 6 + ["test"] * 2))
    >>> rain = load_clips(Path("rain.npz"))
    >>> rain.images.shape, len(rain.train), len(rain.test), rain.target_kind.task
    ((8, 1, 5, 6, 6), 6, 2, 'next_frame')
    """
    layout.check(AXES, "clips without labels")
    notes: list[Note] = []
    name = clips_in(path)
    with opened_arrays(path) as files:
        arrays = files[""]
        stored = arrays[name]
        parts = _parts(path, arrays[SPLIT] if SPLIT in arrays.names else None, stored, notes)
        if odd := sorted(set(arrays.names) - {name, SPLIT}):
            notes.append(Note("left out", f"arrays that are no clips and no split: {listed(odd)}"))

    def refuse(problem: str, expected: str) -> ScanlabError:
        return wrong(path, problem, expected)

    words = {"video"} | ({"no_channels"} if stored.ndim == 4 and not layout.chosen(*CHANNELS) else set())
    layout = Layout(layout.words | words, layout.names)
    pixels = channels_first(name, stored, np.empty(0), layout, notes, refuse)
    if pixels.shape[2] < 2:
        help = "give clips of two frames or more"
        raise ScanlabError.at("S721", f"{path.name} has clips of one frame, which have no next one", help=help)
    order = np.concatenate([parts[part] for part in PARTS if part in parts])
    extents = size or pixels.shape[2:]
    check_size(extents, pixels.shape[2:], path.name)
    images = joined_pixels(path, [pixels[order]], extents, layout, notes)
    counts = {part: len(parts[part]) for part in PARTS if part in parts}
    indices = divided(counts, brightness_quarters(images), None, notes)
    notes.append(Note("layout", f"{name} without labels: frames are predicted from frames"))
    made = Dataset(
        name=path.stem,
        images=images,
        labels=np.zeros(len(images), np.int64),
        train=indices["train"],
        test=indices["test"],
        classes=1,
        credit=f"read from {path.name}",
        val=indices.get("val", np.empty(0, np.int64)),
        class_names=("clip",),
        video=True,
        drawn="test" not in counts,
        notes=tuple(dict.fromkeys(notes)),
        targets=FRAMES,
    )
    return checked(made)


def _parts(path: Path, split: NDArray | None, clips: NDArray, notes: list[Note]) -> dict[str, NDArray[np.int64]]:
    """The clips of every part; all as "train" where nothing, or another word, is said of them."""
    everything = {"train": np.arange(len(clips))}
    if split is None:
        return everything
    if split.shape != (len(clips),) or split.dtype.kind not in "US":
        problem = f"its {SPLIT} is {split.dtype} of shape {list(split.shape)}"
        raise wrong(path, problem, "expected a word per clip: train, val or test")
    words = split.astype(str)
    odd = sorted(set(words.tolist()) - set(PARTS))
    if odd and len(odd) == len(set(words.tolist())):
        notes.append(Note("assumed", f"{SPLIT} says {listed(odd)}, which is no part: all clips are divided"))
        return everything
    if odd or "train" not in words:
        raise wrong(path, f"its {SPLIT} says {listed(odd) or 'nothing of train'}", "expected train, val or test")
    return {part: np.flatnonzero(words == part) for part in PARTS if (words == part).any()}
