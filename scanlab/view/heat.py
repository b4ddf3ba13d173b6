"""Receptive fields as SVG without dependencies: one picture element per field, in the ramp of all pictures."""

from __future__ import annotations

import base64
import struct
from html import escape

import numpy as np

from scanlab.view.png_bytes import png_file
from scanlab.view.ramp import STOPS, hex_colour, table
from scanlab.view.receptive_field import FAINTEST, Field, log_scaled, outlines, picture_of, spread_text

__all__ = ["heat_svg", "scale_svg"]

_SHADES = 250
_WIDE = 300


def heat_svg(field: Field) -> str:
    """Draw a field of 1 to 3 axes on the logarithmic scale from FAINTEST to 1; the centre patch is outlined.

    What is exactly 0 stays transparent. Its style is that of the page: `currentColor` outlines. Raises S636.
    """
    picture = picture_of(field)
    rows, columns = picture.shape
    # A field of one axis is a line of patches: stretched, so that it can be seen.
    tall = max(rows, columns // 8) if rows == 1 else rows
    marks = "".join(
        f'<rect x="{left}" y="{top * tall / rows:g}" width="{right - left}" height="{(bottom - top) * tall / rows:g}"/>'
        for (top, bottom), (left, right) in outlines(field)
    )
    about = escape(f"{field.strategy}, {field.kind}: {spread_text(field)}".replace("\n", ", "))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {columns} {tall}" width="{_WIDE}" role="img" '
        f'class="heat" aria-label="{about}"><title>{about}</title>'
        f'<image width="{columns}" height="{tall}" preserveAspectRatio="none" style="image-rendering:pixelated" '
        f'href="data:image/png;base64,{base64.b64encode(_png(log_scaled(picture))).decode()}"/>'
        f'<g fill="none" stroke="currentColor" stroke-width="1.5">{marks}</g></svg>'
    ).replace("<rect ", '<rect vector-effect="non-scaling-stroke" ')


def scale_svg() -> str:
    """The legend: the ramp from FAINTEST to 1 with its decades."""
    stops = "".join(
        f'<stop offset="{k / (len(STOPS) - 1):g}" stop-color="{hex_colour(k / (len(STOPS) - 1))}"/>'
        for k in range(len(STOPS))
    )
    decades = round(-np.log10(FAINTEST))
    ticks = "".join(
        f'<text x="{24 + 240 * k / decades:g}" y="30" text-anchor="middle">{10.0 ** (k - decades):g}</text>'
        for k in range(decades + 1)
    )
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 440 34" width="440" role="img" '
        'aria-label="contribution, of the largest">'
        f'<defs><linearGradient id="heat-ramp">{stops}</linearGradient></defs>'
        f'<rect x="24" y="4" width="240" height="12" rx="3" fill="url(#heat-ramp)"/>{ticks}'
        '<text x="284" y="14">contribution / largest</text></svg>'
    )


def _png(places: np.ndarray) -> bytes:
    """A PNG file in palette colours, a pixel for each element; entry 0 is transparent."""
    shades = np.where(places >= 0, 1 + np.rint(np.clip(places, 0, 1) * (_SHADES - 1)), 0)
    pixels = np.where(np.isnan(places), 0, shades).astype(np.uint8)
    lines = np.concatenate([np.zeros((len(pixels), 1), np.uint8), pixels], axis=1)
    size = struct.pack(">IIBBBBB", pixels.shape[1], pixels.shape[0], 8, 3, 0, 0, 0)
    palette = b"\0\0\0" + table(_SHADES).tobytes()
    return png_file(size, ((b"PLTE", palette), (b"tRNS", b"\0")), lines)


def map_svg(values: np.ndarray, about: str) -> str:
    """Draw values [rows, columns] of at least 0, from 0 to the largest, in the ramp of all pictures."""
    picture = np.atleast_2d(np.asarray(values, dtype=np.float64))
    rows, columns = picture.shape
    levels = picture / max(float(picture.max()), np.finfo(float).tiny)
    words = escape(about)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {columns} {rows}" width="{_WIDE}" role="img" '
        f'class="heat" aria-label="{words}"><title>{words}</title><image width="{columns}" height="{rows}" '
        'preserveAspectRatio="none" style="image-rendering:pixelated" '
        f'href="data:image/png;base64,{base64.b64encode(_png(levels)).decode()}"/></svg>'
    )
