"""Paths in the terminal: panels of characters side by side, coloured by step where the terminal has colour."""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from rich.console import Console
from rich.text import Text

from scanlab.view.captions import coverage_text, jumps_text, size_text, steps_text, tokens_text
from scanlab.view.geometry import Steps, steps_of
from scanlab.view.ramp import hex_colour
from scanlab.view.scene import PathScene, check_drawable
from scanlab.view.sheet import (
    ABSENT,
    ALONE,
    COMPACT,
    END,
    FAINT,
    RESTART,
    START,
    TONES,
    Pitch,
    Sheet,
    draw_lines,
    numbered,
    shade_halves,
    shade_tenths,
    slice_shape,
    slices_crossed,
)

TERMINAL_LIMIT = 4_000_000
_SMALL = 16
_MOST_ROWS = 64
_MOST_SLICES = 24
_GAP = 4
_NARROWEST = 20
_ROOMY = Pitch(node=1, across=4, down=2)
_JUMPS_SHOWN = 2


@dataclass(frozen=True)
class _Picture:
    """One scene drawn as sheets: `style` is "lines", "numbers", "halves" or "tenths"; `notes` say what was left out."""

    scene: PathScene
    steps: Steps
    style: str
    sheets: tuple[Sheet, ...]
    notes: tuple[str, ...]


def show(scenes: Iterable[PathScene], console: Console | None = None, numbers: bool | None = None) -> None:
    """Print paths to a console, as wide and as colourful as it allows.

    numbers: write step numbers at the patches where they fit; by default only without colour. Raises ScanlabError
    S503 for no scenes, S504 for more than TERMINAL_LIMIT patches.
    """
    console = console or Console()
    colour = console.color_system is not None and not console.no_color
    text = render(scenes, width=console.width, colour=colour, numbers=numbers)
    console.print(text, soft_wrap=True, highlight=False)


def render(scenes: Iterable[PathScene], *, width: int = 80, colour: bool = True, numbers: bool | None = None) -> Text:
    """Draw paths as text at most `width` characters wide (at least 20), without any style if not `colour`.

    numbers: as for `show`. Raises ScanlabError S503 for no scenes, S504 for more than TERMINAL_LIMIT patches.
    """
    drawable = check_drawable(scenes, TERMINAL_LIMIT, "the terminal", "give a smaller --grid")
    width = max(width, _NARROWEST)
    wanted = not colour if numbers is None else numbers
    pictures = [_draw(scene, width, colour, wanted) for scene in drawable]
    lines: list[Text] = []
    for group, members in itertools.groupby(pictures, key=lambda picture: picture.scene.group):
        drawn = list(members)
        if group and (len(drawn) > 1 or drawn[0].scene.label != group):
            lines += [_styled(group, "bold underline", colour), Text()]
        lines += _arrange([_panel(picture, width, colour) for picture in drawn], width)
    lines += _legend(pictures, width, colour)
    return Text("\n").join(lines)


def _draw(scene: PathScene, width: int, colour: bool, numbers: bool) -> _Picture:
    steps = steps_of(scene)
    slices, rows, columns = slice_shape(scene.grid)
    notes = (f"the first {_MOST_SLICES} of {slices} slices",) if slices > _MOST_SLICES else ()
    pitch = _pitch(scene, steps, width, numbers)
    if pitch is not None:
        style = "numbers" if numbers and pitch.node == numbered(scene).node and pitch.down > 1 else "lines"
        return _Picture(scene, steps, style, draw_lines(scene, steps, pitch, style == "numbers"), notes)
    stride = max(-(-columns // width), -(-rows // (2 * _MOST_ROWS if colour else _MOST_ROWS)))
    if stride > 1:
        notes = (*notes, f"one patch in {stride} along {' and '.join(scene.axes[-2:])}")
    if colour:
        return _Picture(scene, steps, "halves", shade_halves(scene, stride), notes)
    return _Picture(scene, steps, "tenths", shade_tenths(scene, stride), notes)


def _pitch(scene: PathScene, steps: Steps, width: int, numbers: bool) -> Pitch | None:
    """Choose how far apart the patches stand, None where lines do not fit."""
    slices, rows, columns = slice_shape(scene.grid)
    if slices > _MOST_SLICES or rows > _MOST_ROWS:
        return None
    small = rows <= _SMALL and columns <= _SMALL
    choices = [numbered(scene)] if numbers and small else []
    choices += [_ROOMY] if small and steps.diagonal.any() else []
    for pitch in (*choices, COMPACT):
        if (columns - 1) * pitch.across + pitch.node <= width:
            return pitch
    return None


def _panel(picture: _Picture, width: int, colour: bool) -> list[Text]:
    """Lay out label, source, slices and facts of one scene, every line at most `width` wide."""
    scene = picture.scene
    body = _slices(picture, width, colour)
    room = min(width, max([30, *(line.cell_len for line in body)]))
    facts = [size_text(scene), coverage_text(scene), steps_text(picture.steps)]
    crossed = slices_crossed(scene, picture.steps)
    facts.append(f"{crossed} of them between slices" if crossed else "")
    jumps = jumps_text(scene, picture.steps, _JUMPS_SHOWN)
    facts.append(f"jumps: {jumps}" if jumps else "")
    tokens = tokens_text(scene)
    facts.append(f"tokens: {tokens}" if tokens else "")
    facts += [f"shown: {note}" for note in picture.notes]
    head = [_styled(line, "bold", colour) for line in textwrap.wrap(scene.label, room) or [""]]
    head += [_styled(line, "dim", colour) for line in textwrap.wrap(scene.subtitle, room)]
    tail = [_styled(line, "dim", colour) for fact in facts if fact for line in textwrap.wrap(fact, room)]
    return [*head, *body, *tail, Text()]


def _slices(picture: _Picture, width: int, colour: bool) -> list[Text]:
    """Place the sheets of one scene side by side, each under its coordinates where there are several."""
    sheets = picture.sheets[:_MOST_SLICES]
    blocks = []
    for number, sheet in enumerate(sheets):
        lines = [_coloured(sheet, row, colour) for row in range(sheet.height)]
        if len(picture.sheets) > 1:
            lines = [_styled(_slice_name(picture.scene, number), "dim", colour), *lines, Text()]
        blocks.append(lines)
    return _arrange(blocks, width, gap=3)


def _slice_name(scene: PathScene, number: int) -> str:
    place = np.unravel_index(number, scene.grid[:-2])
    return " ".join(f"{axis}={int(value)}" for axis, value in zip(scene.axes, place, strict=False))


def _arrange(blocks: Sequence[list[Text]], width: int, gap: int = _GAP) -> list[Text]:
    """Set blocks of lines side by side, starting a new row where the next would not fit."""
    lines: list[Text] = []
    row: list[list[Text]] = []
    used = 0
    for block in blocks:
        wide = max(line.cell_len for line in block)
        if row and used + gap + wide > width:
            lines += _beside(row, gap)
            row, used = [], 0
        used += wide + (gap if row else 0)
        row.append(block)
    return lines + _beside(row, gap)


def _beside(blocks: Sequence[list[Text]], gap: int) -> list[Text]:
    widths = [max(line.cell_len for line in block) for block in blocks]
    joined = []
    for parts in itertools.zip_longest(*blocks, fillvalue=Text()):
        line = Text()
        for part, wide in zip(parts, widths, strict=True):
            line.append_text(part)
            line.append(" " * (wide - part.cell_len + gap))
        line.rstrip()
        joined.append(line)
    return joined


def _coloured(sheet: Sheet, row: int, colour: bool) -> Text:
    if not colour:
        return Text("".join(sheet.chars[row]))
    text = Text()
    cells = zip(sheet.chars[row].tolist(), sheet.tones[row].tolist(), sheet.backs[row].tolist(), strict=True)
    for (tone, back), run in itertools.groupby(cells, key=lambda cell: cell[1:]):
        text.append("".join(cell[0] for cell in run), style=_style(tone, back))
    return text


def _style(tone: int, back: int) -> str:
    fore = "dim" if tone == FAINT else _level(tone) if tone >= 0 else ""
    return f"{fore} on {_level(back)}" if back >= 0 else fore


def _level(tone: int) -> str:
    return hex_colour(tone / (TONES - 1))


def _styled(line: str, style: str, colour: bool) -> Text:
    return Text(line, style=style if colour else "")


def _legend(pictures: Sequence[_Picture], width: int, colour: bool) -> list[Text]:
    """Explain the symbols that occur, and the colours."""
    styles = {picture.style for picture in pictures}
    seen = {char for picture in pictures for sheet in picture.sheets for char in np.unique(sheet.chars).tolist()}
    parts = [f"{START} first", f"{END} last"] if "lines" in styles else []
    parts += ["0, 1, 2 … the step at each patch"] if "numbers" in styles else []
    parts += ["0–9 tenths of the path done"] if "tenths" in styles else []
    parts += ["─│ unit step"] if seen & set("─│┌┐└┘") else []
    parts += ["╱╲ diagonal step"] if seen & set("╱╲╳") else []
    parts += [f"open end: {_open_ends(pictures)}"] if styles & {"lines", "numbers"} and _open_ends(pictures) else []
    parts += [f"{RESTART} state reset"] if RESTART in seen else []
    parts += [f"{ALONE} no unit step here"] if ALONE in seen else []
    parts += [f"{ABSENT} not visited"] if ABSENT in seen else []
    lines = [_styled(line, "dim", colour) for line in _wrapped(parts, width)]
    if not colour:
        return lines
    count = min(22, max(width - 12, 4))
    blocks = (("━", hex_colour(k / (count - 1))) for k in range(count))
    return [Text.assemble(("first ", "dim"), *blocks, (" last", "dim")), *lines]


def _wrapped(parts: Sequence[str], width: int) -> list[str]:
    """Join parts with wide gaps, starting a new line between two parts where they would not fit."""
    lines: list[str] = []
    for part in parts:
        if lines and len(lines[-1]) + 3 + len(part) <= width:
            lines[-1] += "   " + part
        else:
            lines += textwrap.wrap(part, width)
    return lines


def _open_ends(pictures: Sequence[_Picture]) -> str:
    reasons = {
        "a jump": any(picture.steps.jump.any() for picture in pictures),
        "a reset": any(picture.steps.restart.any() for picture in pictures),
        "on in another slice": any(slices_crossed(picture.scene, picture.steps) for picture in pictures),
    }
    return " or ".join(reason for reason, present in reasons.items() if present)
