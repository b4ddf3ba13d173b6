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
from scanlab.data.pictures import frame_count, opened, require_pillow, unreadable
from scanlab.data.places import files_in
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import grid_text
from scanlab.predict.picture_files import picture_rows

__all__ = ["Frame", "Frames", "array_frames", "file_frames", "folder_frames", "frames_of"]

BRIGHTEST = 255
# Seconds between two looks into a folder that grows.
PAUSE = 0.05


@dataclass(frozen=True, eq=False)
class Frame:
    """A frame, float32 [C, H, W] in [0, 1], and what it is called."""

    name: str
    pixels: Tensor


Frames = Iterator[Frame]


def frames_of(path: Path, channels: int, follow: float | None = None, clip: int = 0) -> Frames:
    """The frames of a folder of pictures, in the order of the numbers in their names; of a picture of several frames
    (GIF, TIFF, WebP); or of an array file with clips [M, T, H, W(, C)] of bytes, of which one is chosen.

    follow: wait so many seconds for the next picture of a folder before it counts as ended; None to end with the last
    that is there. Raises S725 for what holds no frames, S644 for pictures that cannot be read.

    >>> clips = np.zeros((1, 3, 8, 8), np.uint8)
    >>> np.savez("clips.npz", clips=clips)
    >>> [frame.name for frame in frames_of(Path("clips.npz"), channels=1)]
    ['0', '1', '2']
    """
    if path.is_dir():
        require_pillow()
        return folder_frames(path, channels, follow)
    if not path.exists():
        raise ScanlabError.at("S725", f"there is no {path}", help="give a folder of frames, or a file that holds some")
    if follow is not None:
        raise ScanlabError.at("S725", f"{path} is a file, and only a folder grows", help="leave --follow out")
    if path.suffix.lower() in (".npz", ".npy"):
        return array_frames(path, channels, clip)
    require_pillow()
    return file_frames(path, channels)


def folder_frames(folder: Path, channels: int, follow: float | None = None, sleep: Callable[[float], Any] = time.sleep):
    """The pictures of a folder one after the other. What is half written is waited for, as long as `follow` says."""
    done: set[str] = set()
    waited = 0.0
    while True:
        fresh = sorted((f for f in files_in(folder) if f.name not in done), key=lambda f: _natural(f.name))
        for file in fresh:
            try:
                pixels = _whole(picture_rows(file, channels))
            except ScanlabError:
                # The newest may be half written; an older one will not be repaired.
                if follow is None or waited >= follow or file != fresh[-1]:
                    raise
                break
            done.add(file.name)
            waited = 0.0
            yield Frame(file.name, pixels)
        if follow is None or waited >= follow:
            break
        sleep(PAUSE)
        waited += PAUSE
    if not done:
        help = "give a folder of pictures; those of folders within it are not read"
        raise ScanlabError.at("S725", f"{folder} holds no pictures", help=help)


def file_frames(file: Path, channels: int) -> Frames:
    """The frames of one file."""
    if channels not in (1, 3):
        raise ScanlabError.at("S726", f"the model reads {channels} channels, and a frame has 1 or 3")
    with opened(file) as image:
        for number in range(frame_count(image)):
            try:
                image.seek(number)
                shown = image.convert("RGB" if channels == 3 else "L")
            except (OSError, ValueError, SyntaxError, EOFError) as error:
                raise unreadable(file, error) from None
            pixels = torch.from_numpy(np.array(shown, np.float32)) / BRIGHTEST
            yield Frame(str(number), pixels.movedim(-1, 0) if channels == 3 else pixels[None])


def array_frames(path: Path, channels: int, clip: int = 0) -> Frames:
    """The frames of one clip in an array file. Raises S725, S642."""
    array = _clips(path)
    if not 0 <= clip < len(array):
        raise ScanlabError.at("S725", f"{path} has no clip {clip}", help=f"choose one from 0 to {len(array) - 1}")
    chosen = array[clip]
    held = chosen.shape[3] if chosen.ndim == 4 else 1
    if held != channels:
        raise ScanlabError.at("S728", f"the clips of {path} have {held} channels, and the model reads {channels}")
    divisor = BRIGHTEST if chosen.dtype == np.uint8 else 1
    for number, frame in enumerate(chosen):
        pixels = torch.from_numpy(frame.astype(np.float32)) / divisor
        yield Frame(str(number), pixels.movedim(-1, 0) if pixels.ndim == 3 else pixels[None])


def resized_to(frame: Frame, size: tuple[int, ...]) -> Frame:
    """A frame of another height and width.

    >>> resized_to(Frame("0", torch.zeros(1, 8, 8)), (4, 6)).pixels.shape
    torch.Size([1, 4, 6])
    """
    if tuple(frame.pixels.shape[1:]) == size:
        return frame
    pixels = F.interpolate(frame.pixels[None], size, mode="bilinear", align_corners=False, antialias=True)[0]
    return Frame(frame.name, pixels)


def _clips(path: Path) -> np.ndarray:
    """[M, T, H, W] or [M, T, H, W, C]."""
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
    if array.ndim == 3:
        array = array[None]
    if (
        array.ndim not in (4, 5)
        or array.dtype.kind not in "uf"
        or (array.dtype.kind == "u" and array.dtype != np.uint8)
    ):
        shown = f"{array.dtype} of shape {grid_text(array.shape)}"
        raise ScanlabError.at("S725", f"{named} is {shown}", help="give bytes, or floats in [0, 1], [M, T, H, W(, C)]")
    return array


def _whole(rows: Any) -> Tensor:
    return rows.read(0, rows.extents[0])


def _natural(name: str) -> list[tuple[int, int | str]]:
    """Names by their numbers: frame 9 before frame 10."""
    return [(0, int(part)) if part.isdigit() else (1, part) for part in re.findall(r"\d+|\D+", name.lower())]
