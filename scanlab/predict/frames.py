"""Where frames come from: a folder that may still grow, a file of several frames, or an array."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from scanlab.data.array_files import opened_arrays
from scanlab.data.array_names import VIDEOS, words_of
from scanlab.data.pictures import BRIGHTEST, frame_count, opened, require_pillow, unreadable
from scanlab.data.places import files_in
from scanlab.data.scales import check_divisor
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import grid_text
from scanlab.predict.inputs import Bands, kind_of
from scanlab.predict.picture_files import shown_values

__all__ = ["Frame", "Frames", "array_frames", "file_frames", "folder_frames", "frames_of"]

# Seconds between two looks into a folder that grows.
PAUSE = 0.05


@dataclass(frozen=True, eq=False)
class Frame:
    """A frame, float32 [C, H, W] in [0, 1], what it is called, and what was assumed of it."""

    name: str
    pixels: Tensor
    notes: tuple[str, ...] = ()


Frames = Iterator[Frame]


def frames_of(
    path: Path, channels: int, follow: float | None = None, clip: int | None = None, scale: float | None = None
) -> Frames:
    """The frames of a folder of pictures, in the order of the numbers in their names; of a picture of several frames
    (GIF, TIFF, WebP); or of an array file with clips [M, T, H, W(, C)], or a single one, of which one is chosen.

    follow: wait so many seconds for the next picture of a folder before it counts as ended; None to end with the last
    that is there. clip: which of an array file, the first by default. scale: what values are divided by; by default 255
    for bytes, and 1 for floats. Raises S725 for what holds no frames, S644 for pictures that cannot be read, S659 for
    the number of a clip where there are none, S724 for values whose scale nothing says, S728 for channels that are not
    the model's.

    >>> clips = np.zeros((1, 3, 8, 8), np.uint8)
    >>> np.savez("clips.npz", clips=clips)
    >>> [frame.name for frame in frames_of(Path("clips.npz"), channels=1)]
    ['0', '1', '2']
    """
    if path.is_dir():
        _refuse_clip(clip, f"the folder {path.name}")
        require_pillow()
        return folder_frames(path, channels, follow, scale=scale)
    if not path.exists():
        raise ScanlabError.at("S725", f"there is no {path}", help="give a folder of frames, or a file that holds some")
    if follow is not None:
        raise ScanlabError.at("S725", f"{path} is a file, and only a folder grows", help="leave --follow out")
    if path.suffix.lower() in (".npz", ".npy"):
        return array_frames(path, channels, clip or 0, scale)
    _refuse_clip(clip, path.name)
    require_pillow()
    return file_frames(path, channels, scale)


def _refuse_clip(clip: int | None, what: str) -> None:
    if clip is not None:
        help = "leave --clip out: it chooses among the clips of an array file"
        raise ScanlabError.at("S659", f"{what} holds one video", help=help)


def folder_frames(
    folder: Path,
    channels: int,
    follow: float | None = None,
    sleep: Callable[[float], Any] = time.sleep,
    scale: float | None = None,
) -> Frames:
    """The pictures of a folder one after the other. What is half written is waited for, as long as `follow` says."""
    done: set[str] = set()
    waited = 0.0
    while True:
        fresh = sorted((f for f in files_in(folder) if f.name not in done), key=lambda f: _natural(f.name))
        for file in fresh:
            try:
                with kind_of(file).opened(file, channels, Bands((), scale)) as held:
                    frame = Frame(file.name, held.rows.read(0, held.rows.extents[0]), held.notes)
            except ScanlabError as error:
                # The newest may be half written; an older one will not be repaired.
                partial = error.code == "S644" and file == fresh[-1]
                if follow is None or waited >= follow or not partial:
                    raise
                break
            done.add(file.name)
            waited = 0.0
            yield frame
        if follow is None or waited >= follow:
            break
        sleep(PAUSE)
        waited += PAUSE
    if not done:
        help = "give a folder of pictures; those of folders within it are not read"
        raise ScanlabError.at("S725", f"{folder} holds no pictures", help=help)


def file_frames(file: Path, channels: int, scale: float | None = None) -> Frames:
    """The frames of one file. Raises S644, S724, S726."""
    if scale is not None:
        check_divisor(scale)
    if channels not in (1, 3):
        raise ScanlabError.at("S726", f"the model reads {channels} channels, and a frame has 1 or 3")
    with opened(file) as image:
        for number in range(frame_count(image)):
            notes: list[str] = []
            try:
                image.seek(number)
                pixels, divisor = shown_values(image, file, channels, scale, notes)
            except (OSError, ValueError, SyntaxError, EOFError) as error:
                raise unreadable(file, error) from None
            values = torch.from_numpy(pixels.astype(np.float32) / np.float32(divisor))
            yield Frame(str(number), values.movedim(-1, 0), tuple(notes))


def array_frames(path: Path, channels: int, clip: int = 0, scale: float | None = None) -> Frames:
    """The frames of one clip in an array file. Raises S725, S642, S724, S728."""
    if scale is not None:
        check_divisor(scale)
    array, named = _clips(path)
    array = _as_clips(array, named, channels)
    if not 0 <= clip < len(array):
        raise ScanlabError.at("S725", f"{path} has no clip {clip}", help=f"choose one from 0 to {len(array) - 1}")
    chosen = array[clip]
    held = chosen.shape[3] if chosen.ndim == 4 else 1
    if held != channels:
        shape = (
            f"an array of shape {grid_text(array.shape)}, {'[M, T, H, W, C]' if array.ndim == 5 else '[M, T, H, W]'}"
        )
        problem = f"{named} is {shape}: {held} channels, and the model reads {channels}"
        raise ScanlabError.at("S728", problem, help="give clips of the model's channels, the last of five axes")
    divisor = np.float32(_divisor(chosen, named, scale))
    for number, frame in enumerate(chosen):
        pixels = torch.from_numpy(frame.astype(np.float32) / divisor)
        yield Frame(str(number), pixels.movedim(-1, 0) if pixels.ndim == 3 else pixels[None])


def resized_to(frame: Frame, size: tuple[int, ...]) -> Frame:
    """A frame of another height and width.

    >>> resized_to(Frame("0", torch.zeros(1, 8, 8)), (4, 6)).pixels.shape
    torch.Size([1, 4, 6])
    """
    if tuple(frame.pixels.shape[1:]) == size:
        return frame
    pixels = F.interpolate(frame.pixels[None], size, mode="bilinear", align_corners=False, antialias=True)[0]
    return Frame(frame.name, pixels, frame.notes)


def _as_clips(array: np.ndarray, named: str, channels: int) -> np.ndarray:
    """[M, T, H, W] or [M, T, H, W, C] of an array that may be one clip. Raises S728 for one that may be read in two
    ways."""
    if array.ndim == 3:
        return array[None]
    if array.ndim == 5 or array.shape[-1] not in (1, 3, channels):
        return array
    # Clips of four axes are grey, which does not fit a model of colours.
    if array.shape[-1] == channels > 1:
        return array[None]
    shape, width = grid_text(array.shape), array.shape[-1]
    problem = f"{named} of shape {shape} may be a clip with channels last, or clips of frames {width} wide"
    raise ScanlabError.at("S728", f"{problem}; the model reads {channels}", help="give five axes, [M, T, H, W, C]")


def _divisor(clip: np.ndarray, named: str, scale: float | None) -> float:
    """What the values of a clip are divided by. Raises S724."""
    if scale is not None:
        return scale
    if clip.dtype == np.uint8:
        return BRIGHTEST
    low, high = (float(clip.min()), float(clip.max())) if clip.size else (0.0, 0.0)
    # Of values that are no numbers neither holds.
    if clip.dtype.kind == "f" and low >= 0 and high <= 1:
        return 1.0
    kind = "floats" if clip.dtype.kind == "f" else str(clip.dtype)
    problem = f"{named} has {kind} from {low:g} to {high:g}, and nothing says what they were divided by in training"
    raise ScanlabError.at("S724", problem, help="give the divisor, as in --scale 255, or --scale 1 for none")


def _clips(path: Path) -> tuple[np.ndarray, str]:
    """Of three axes to five, and what it is called. Raises S725, S642."""
    if path.suffix.lower() == ".npy":
        try:
            array = np.load(path, allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise ScanlabError.at("S725", f"{path} cannot be read: {error}", help="save one array of clips") from None
        named = path.name
    else:
        with opened_arrays(path) as files:
            [arrays] = files.values()
            names = [name for name in arrays.names if VIDEOS & set(words_of(name))]
            if len(names) != 1:
                held = ", ".join(sorted(arrays.names))
                help = "call the array of clips `clips`, [M, T, H, W] or [M, T, H, W, C]"
                raise ScanlabError.at("S725", f"{path} holds {held}, and one of them must be the clips", help=help)
            array, named = arrays[names[0]], names[0]
    if array.ndim not in (3, 4, 5) or array.dtype.kind not in "uf":
        shown = f"{array.dtype} of shape {grid_text(array.shape)}"
        raise ScanlabError.at("S725", f"{named} is {shown}", help="give bytes, or floats in [0, 1], [M, T, H, W(, C)]")
    if 0 in array.shape:
        raise ScanlabError.at(
            "S725", f"{named} of shape {grid_text(array.shape)} is empty", help="give clips of frames"
        )
    return array, named


def _natural(name: str) -> list[tuple[int, int | str]]:
    """Names by their numbers: frame 9 before frame 10."""
    return [(0, int(part)) if part.isdigit() else (1, part) for part in re.findall(r"\d+|\D+", name.lower())]
