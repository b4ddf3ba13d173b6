"""Image files as arrays, by Pillow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from scanlab.data.file_facts import COLOUR_BITS, bits_of, is_white_first
from scanlab.data.geotiff import opened_raster
from scanlab.data.layout import Layout, settled_by
from scanlab.data.notes import Note
from scanlab.data.rasters import is_raster, read_rasters
from scanlab.data.resize import check_size, resized
from scanlab.data.scales import scale_by_range, scale_of
from scanlab.data.upright import UPRIGHT, orientation, size_of, turned
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import count_text, grid_text

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = [
    "BRIGHTEST",
    "CLEAR",
    "DEEPEST",
    "IMAGES",
    "Pictures",
    "frame_count",
    "is_deep",
    "is_grey_file",
    "opened",
    "picture_sizes",
    "read_picture",
    "read_pictures",
    "require_one_frame",
    "require_pillow",
    "several_sizes",
    "transparent",
    "turn_and_size",
    "unreadable",
]

IMAGES = (
    *(".png", ".jpg", ".jpeg", ".jfif", ".jpe", ".jp2", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".tga", ".avif"),
    *(".pgm", ".ppm", ".pbm", ".pnm"),
)
BRIGHTEST, DEEPEST = 255, 65535
# Colours of 12 bits in 16 stay below this in the upper eight.
LEAST_UPPER = 16
# What is done with transparent pixels.
CLEAR = "transparency is left out, and the colours that it hides are seen"


@dataclass(frozen=True, eq=False)
class Pictures:
    """Pixels float32 [M, C, *extents]; video: the first extent is time."""

    pixels: NDArray[np.float32]
    video: bool = False


@dataclass(frozen=True)
class _Head:
    """What a file says of its picture before it is decoded. size: height and width, as they are read; shortened:
    Pillow reads the upper eight bits of its colours."""

    size: tuple[int, ...]
    mode: str
    frames: int
    format: str
    turned: bool
    shortened: bool


def read_pictures(
    files: Sequence[Path],
    size: tuple[int, ...] | None,
    layout: Layout,
    notes: list[Note],
    fitted: Sequence[tuple[int, int]] | None = None,
) -> Pictures:
    """Files as float32 in [0, 1], written once: grey where all are, else of three channels.

    fitted: height and width within `size` that each is brought to, in place of it; zeros are filled in to the right and
    below.
    Photographs are turned as their EXIF says. Grey values of more than eight bits are scaled alike in all files. TIFF
    files with bands of another kind have a channel for each (`rasters.read_rasters`).
    Raises S644 for files that cannot be read, S646 for several sizes, and S694 for files of several frames.
    """
    if "reflectance" in layout or any(is_raster(file) for file in files):
        return Pictures(read_rasters(files, size, layout, notes, fitted))
    heads = [_head(file, layout) for file in files]
    channels = 1 if all(_grey(head.mode) for head in heads) else 3
    frames = _frames(files, heads, layout, notes)
    shapes = Counter(head.size for head in heads)
    if size is None and len(shapes) > 1:
        raise several_sizes([shape for shape, _ in shapes.most_common()])
    first = next(iter(shapes))
    own = (frames, *first) if frames else first
    check_size(size or own, own, files[0].parent.name)
    extents = size or own
    pixels = np.zeros((len(files), channels, *extents), np.float32)
    deep, clear = [], 0
    for number, file in enumerate(files):
        within = extents if fitted is None else fitted[number]
        place = (number, slice(None), *map(slice, within))
        pixels[place], hides = _decoded(file, within, channels, frames, layout)
        clear += hides
        if is_deep(heads[number].mode):
            deep.append(number)
    _scale_deep(pixels, deep, [heads[n].mode for n in deep], files, layout, notes)
    if "scaled_values" in layout:
        scale_by_range(pixels, notes)
    elif not deep and "raw_values" not in layout:
        low, high = (round(BRIGHTEST * float(f())) for f in (pixels.min, pixels.max))
        scale_of(low, high, "B", "pictures", notes)
    _check_shortened(pixels, [n for n, head in enumerate(heads) if head.shortened], files, layout, notes)
    turned = sum(head.turned for head in heads)
    if turned:
        notes.append(Note("assumed", f"{count_text(turned, 'photograph')} turned upright, as EXIF says"))
    if clear:
        notes.append(Note("left out", f"{count_text(clear, 'picture')} with transparent pixels: {CLEAR}"))
    return Pictures(pixels, video=bool(frames) and not all(head.format == "TIFF" for head in heads))


def read_picture(
    file: Path,
    extents: tuple[int, ...] | None,
    channels: int | None,
    layout: Layout,
    exact: bool = False,
    content: bytes | None = None,
) -> NDArray[np.float32]:
    """One file of eight bits, float32 [channels, *extents] in [0, 1], as `read_pictures` gives it.

    extents, channels: None for its own; exact: it has these extents, and is not resized; content: of a file that does
    not lie by itself, of another kind than TIFF. Raises S644 for files that cannot be read, hold more than eight bits,
    or colours where one channel is wanted, S646 for other extents, and S694.
    """
    with opened(file, content) as image:
        require_one_frame(image, file)
        channels = channels or (1 if _grey(image.mode) else 3)
        raster = content is None and is_raster(file)
        if raster or is_deep(image.mode) or (channels == 1 and not _grey(image.mode)):
            problem = f"{file} holds {'colours beside grey pictures' if channels == 1 else 'more than eight bits'}"
            raise ScanlabError.at("S644", problem, help="save all alike, with eight bits; or load with lazy = false")
        try:
            if exact and (own := size_of(image, layout)) != extents:
                problem = f"{file} has {grid_text(own)} pixels, and the first picture {grid_text(extents or ())}"
                raise ScanlabError.at("S646", problem, help="give one size for all, as in --size 64x64")
            return _plain(image, extents or size_of(image, layout), channels, layout)[0]
        except (OSError, ValueError, SyntaxError, EOFError) as error:
            raise unreadable(file, error) from None


def is_grey_file(file: Path) -> bool:
    """Whether a file's picture has one channel, but for transparency. Raises S644."""
    with opened(file) as image:
        return _grey(image.mode)


def several_sizes(sizes: Collection[tuple[int, ...]]) -> ScanlabError:
    """S646 for pictures of several sizes, of which none was chosen; the usual ones first."""
    usual = " and ".join(grid_text(size) for size in islice(sizes, 2))
    problem = f"the images have {len(sizes)} sizes, such as {usual}"
    return ScanlabError.at("S646", problem, help="give one for all, as in --size 64x64")


def picture_sizes(files: Sequence[Path], layout: Layout) -> list[tuple[int, int]]:
    """Height and width of every file's picture, as `read_pictures` reads it. Raises S644."""
    return [turn_and_size(file, layout)[1] for file in files]


def turn_and_size(file: Path, layout: Layout) -> tuple[int, tuple[int, int]]:
    """How EXIF says that a file's picture is to be turned, and its height and width as it is read. Raises S644."""
    if is_raster(file):
        with opened_raster(file, None, scale=1.0) as raster:
            return UPRIGHT, raster.shape[1:]
    with opened(file) as image:
        return orientation(image), size_of(image, layout)


def frame_count(image: Image) -> int:
    """How many pictures a file holds."""
    return getattr(image, "n_frames", 1) if getattr(image, "is_animated", False) else 1


def require_one_frame(image: Image, file: Path) -> None:
    """Raise S694 for an open file of several frames, of which nothing says which one counts."""
    if (frames := _still_frames(image)) > 1:
        help = "save the frame that counts as a file of its own; scanlab predict reads a video with --stream"
        raise ScanlabError.at("S694", f"{file.name} has {frames} frames", help=help)


def opened(file: Path, content: bytes | None = None) -> Image:
    """A file as Pillow opens it, by its content where it does not lie by itself. Raises S644."""
    from PIL import Image

    try:
        return Image.open(file if content is None else BytesIO(content))
    # A damaged head can claim more pixels than Pillow takes for honest.
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise unreadable(file, error) from None


def require_pillow() -> None:
    """Raise S645 where Pillow is missing."""
    try:
        import PIL  # noqa: F401
    except ImportError:
        raise ScanlabError.at("S645", "image files need Pillow", help='pip install "scanlab[data]"') from None


def unreadable(file: Path, error: Exception) -> ScanlabError:
    """S644 for a file that is damaged, or something else than its name says."""
    return ScanlabError.at(
        "S644", f"{file} cannot be read as an image: {error}", help="replace the file, or take it out of the folder"
    )


def _still_frames(image: Image) -> int:
    # Cameras put a small picture behind the large one, which is the photograph.
    return 1 if image.format == "MPO" else frame_count(image)


def _head(file: Path, layout: Layout) -> _Head:
    with opened(file) as image:
        try:
            # Before any pixel is read, which closes the file.
            shortened = not is_deep(image.mode) and bits_of(image, file) > COLOUR_BITS
            frames = _still_frames(image)
            turn, size = orientation(image), size_of(image, layout)
        except (OSError, ValueError, SyntaxError, EOFError) as error:
            raise unreadable(file, error) from None
        upright = turn == UPRIGHT or "as_stored" in layout
        return _Head(size, image.mode, frames, image.format or "", not upright, shortened)


def _frames(files: Sequence[Path], heads: Sequence[_Head], layout: Layout, notes: list[Note]) -> int:
    """How many frames of each file are read as one sample; 0 where samples are single pictures."""
    several = [number for number, head in enumerate(heads) if head.frames > 1]
    if not several and "frames" not in layout:
        return 0
    if "first_frame" in layout:
        notes.append(Note("left out", f"of {count_text(len(several), 'file')} all frames but the first"))
        return 0
    counts = sorted({head.frames for head in heads})
    if "frames" not in layout:
        where, head = files[several[0]].name, heads[several[0]]
        raise ScanlabError.at(
            "S694",
            f"{where} has {head.frames} frames, one of {count_text(len(several), 'such file')}",
            help=settled_by("frames", "first_frame"),
        )
    if len(counts) > 1 or counts == [1]:
        problem = f"from {counts[0]} to {counts[-1]} frames" if len(counts) > 1 else "one frame each"
        raise ScanlabError.at("S694", f"the files have {problem}", help="give files with as many frames, two at least")
    notes.append(Note("assumed", f"the {counts[0]} frames of every file are one sample"))
    return counts[0]


def _decoded(
    file: Path, extents: tuple[int, ...], channels: int, frames: int, layout: Layout
) -> tuple[NDArray[np.float32], bool]:
    """A picture [C, *extents], in [0, 1] but for what has more than eight bits, and whether it is transparent
    anywhere."""
    with opened(file) as image:
        try:
            if not frames:
                return _plain(image, extents, channels, layout)
            shown = []
            for number in range(frames):
                image.seek(number)
                shown.append(_plain(image, image.size[::-1], channels, layout))
            clip = np.stack([array for array, _ in shown], 1)[None]
            return resized(clip, extents)[0], any(clear for _, clear in shown)
        except (OSError, ValueError, SyntaxError, EOFError) as error:
            raise unreadable(file, error) from None


def _plain(image: Any, extents: tuple[int, ...], channels: int, layout: Layout) -> tuple[NDArray[np.float32], bool]:
    from PIL import Image

    deep, clear = is_deep(image.mode), transparent(image)
    inverted = image.mode.startswith("I;16") and is_white_first(image)
    image = turned(image, layout)
    plain = image.convert("F" if deep else "RGB" if channels == 3 else "L")
    if plain.size[::-1] != extents:
        plain = plain.resize((extents[1], extents[0]), Image.Resampling.BILINEAR)
    array = np.asarray(plain, np.float32)
    if inverted:
        array = np.float32(DEEPEST) - array
    if not deep and not layout.chosen("raw_values", "scaled_values"):
        array = array / np.float32(BRIGHTEST)
    if channels == 3 and array.ndim == 2:
        return np.broadcast_to(array, (3, *extents)), clear
    return np.moveaxis(array, -1, 0) if array.ndim == 3 else array[None], clear


def transparent(image: Any) -> bool:
    """Whether a picture is transparent anywhere."""
    if image.mode in ("RGBA", "LA", "PA"):
        return image.getchannel("A").getextrema()[0] < BRIGHTEST
    return "transparency" in image.info and image.convert("RGBA").getchannel("A").getextrema()[0] < BRIGHTEST


def _scale_deep(
    pixels: NDArray[np.float32],
    deep: Sequence[int],
    modes: Sequence[str],
    files: Sequence[Path],
    layout: Layout,
    notes: list[Note],
) -> None:
    """Bring grey values of more than eight bits into [0, 1], all by one divisor."""
    if not deep or layout.chosen("raw_values", "scaled_values"):
        return
    floats = all(mode == "F" for mode in modes)
    if not floats and "F" in modes:
        place = files[deep[0]].parent
        raise ScanlabError.at("S644", f"{place} holds floats beside whole numbers", help="save all files alike")
    some = pixels[deep]
    if np.isnan(some).any():
        # Refused by `checked`, with those of all other data.
        return
    low, high = float(some.min()), float(some.max())
    within = 1.0 if low >= 0 and high <= 1 else None
    scale = within if floats else scale_of(low, high, "H", "16-bit pictures", notes)
    if scale is None:
        odd = next(n for n in deep if pixels[n].min() < 0 or pixels[n].max() > (1 if floats else 65535))
        bounds = f"{files[odd].name} has values from {pixels[odd].min():g} to {pixels[odd].max():g}"
        raise ScanlabError.at(
            "S644",
            f"{files[odd].parent} is no data set: {bounds}",
            help=f"expected values from 0 to {1 if floats else 65535}; or {settled_by('scaled_values')}",
        )
    if scale != 1:
        pixels[deep] = some / np.float32(scale)


def _check_shortened(
    pixels: NDArray[np.float32], numbers: Sequence[int], files: Sequence[Path], layout: Layout, notes: list[Note]
) -> None:
    """Note colours of 16 bits, of which the upper eight are read. Raises S644 where these hold little of them."""
    if not numbers:
        return
    bright = float(max(pixels[n].max() for n in numbers))
    if bright < LEAST_UPPER / (1 if layout.chosen("raw_values", "scaled_values") else BRIGHTEST):
        raise ScanlabError.at(
            "S644",
            f"{files[numbers[0]].name} has colours of 16 bits up to {LEAST_UPPER << 8:,} of {DEEPEST:,}, and the upper "
            "eight bits alone can be read, which are nearly black",
            help="save them with eight bits, scaled to 255, or as an array in a .npz file",
        )
    what = f"{count_text(len(numbers), 'picture')} with colours of 16 bits: the upper eight bits are read"
    notes.append(Note("left out", what))


def _grey(mode: str) -> bool:
    """Whether images of one of Pillow's modes have one channel, but for transparency."""
    return mode in ("1", "L", "LA") or is_deep(mode)


def is_deep(mode: str) -> bool:
    """Whether a grey image has more than eight bits: whole numbers of 16 or 32 bits, or floats."""
    return mode.startswith("I;16") or mode in ("I", "F")
