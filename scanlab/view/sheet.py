"""Character pictures of a path: lines, numbered lines, and shading, before any colour code is written."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scanlab.view.geometry import Steps, coordinates
from scanlab.view.scene import PathScene

TONES = 64
PLAIN = -1
FAINT = -2

START, END, RESTART, ALONE, ABSENT = "●", "◆", "○", "•", "·"

_LEFT, _UP, _RIGHT, _DOWN = 1, 2, 4, 8
_JOINTS = {
    0: ALONE,
    _LEFT: "╴",
    _UP: "╵",
    _RIGHT: "╶",
    _DOWN: "╷",
    _LEFT | _RIGHT: "─",
    _UP | _DOWN: "│",
    _RIGHT | _DOWN: "┌",
    _LEFT | _DOWN: "┐",
    _UP | _RIGHT: "└",
    _LEFT | _UP: "┘",
}


@dataclass(frozen=True, eq=False)
class Sheet:
    """A rectangle of characters.

    chars: str [rows, columns]. tones, backs: int [rows, columns], the ramp level (0 to TONES - 1) of the character and
    of what lies behind it, or PLAIN or FAINT.
    """

    chars: np.ndarray
    tones: np.ndarray
    backs: np.ndarray

    @property
    def width(self) -> int:
        """The number of columns."""
        return self.chars.shape[1]

    @property
    def height(self) -> int:
        """The number of rows."""
        return self.chars.shape[0]

    def text(self) -> str:
        """Give the characters alone, one line per row, blanks at line ends removed."""
        return "\n".join("".join(row).rstrip() for row in self.chars)


@dataclass(frozen=True)
class Pitch:
    """How many characters lie between neighbours: across between columns, down between rows; node: a symbol's width."""

    node: int
    across: int
    down: int


COMPACT = Pitch(node=1, across=2, down=1)


def blank(height: int, width: int) -> Sheet:
    """Make a sheet of spaces, to be filled in while it is being drawn."""
    plain = np.full((height, width), PLAIN, dtype=np.int64)
    return Sheet(np.full((height, width), " ", dtype="U1"), plain, plain.copy())


def numbered(scene: PathScene) -> Pitch:
    """Give the pitch that leaves room for the largest step number and a line beside it."""
    node = len(str(max(scene.length - 1, 0)))
    return Pitch(node=node, across=node + 2, down=2)


def slice_shape(grid: tuple[int, ...]) -> tuple[int, int, int]:
    """Give the grid as (slices, rows, columns); all axes but the last two count as slices."""
    rows, columns = (1, *grid)[-2:]
    slices = int(np.prod(grid[:-2], dtype=np.int64)) if len(grid) > 2 else 1
    return slices, rows, columns


def tones_of(scene: PathScene) -> np.ndarray:
    """Give the ramp level of every patch by its step, int64 [P]; FAINT where the path does not go."""
    level = scene.ranks * (TONES - 1) // max(scene.length - 1, 1)
    return np.where(scene.ranks < 0, FAINT, level)


def draw_lines(scene: PathScene, steps: Steps, pitch: Pitch, numbers: bool) -> tuple[Sheet, ...]:
    """Draw one sheet per slice with a symbol per patch and lines along unit and diagonal steps.

    numbers: write the step at each patch instead of a joint. A pitch with down = 1 has no room for diagonals.
    """
    slices, rows, columns = slice_shape(scene.grid)
    sheets = tuple(blank((rows - 1) * pitch.down + 1, (columns - 1) * pitch.across + pitch.node) for _ in range(slices))
    arms = _join(scene, steps, pitch, sheets)
    tones = tones_of(scene)
    begins = set(scene.restarts.tolist())
    for patch in range(scene.patches):
        s, rest = divmod(patch, rows * columns)
        row, column = divmod(rest, columns)
        rank = int(scene.ranks[patch])
        symbol = str(rank) if numbers and rank >= 0 else _symbol(rank, scene.length, begins, arms[patch])
        symbol = symbol.rjust(pitch.node)
        y, x = row * pitch.down, column * pitch.across
        sheets[s].chars[y, x : x + pitch.node] = list(symbol)
        sheets[s].tones[y, x : x + pitch.node] = tones[patch]
    return sheets


def _symbol(rank: int, length: int, begins: set[int], arms: int) -> str:
    if rank < 0:
        return ABSENT
    if rank == 0:
        return START
    if rank == length - 1:
        return END
    return RESTART if rank in begins else _JOINTS[arms]


def _join(scene: PathScene, steps: Steps, pitch: Pitch, sheets: tuple[Sheet, ...]) -> np.ndarray:
    """Draw the lines between symbols; return which sides of each patch a line leaves from, int64 [P]."""
    arms = np.zeros(scene.patches, dtype=np.int64)
    tones = tones_of(scene)
    where = np.stack(np.unravel_index(scene.indices, slice_shape(scene.grid)), axis=1)
    for step in np.flatnonzero(steps.touching).tolist():
        (s, row, column), (to_s, to_row, to_column) = where[step].tolist(), where[step + 1].tolist()
        if s != to_s:
            continue
        patch, tone = int(scene.indices[step]), int(tones[scene.indices[step]])
        sheet, y, x = sheets[s], min(row, to_row) * pitch.down, min(column, to_column) * pitch.across
        if row == to_row:
            _across(sheet, y, x + pitch.node, pitch.across - pitch.node, tone)
            sides = (_RIGHT, _LEFT) if to_column > column else (_LEFT, _RIGHT)
        elif column == to_column:
            if pitch.down > 1:
                _put(sheet, y + 1, x + pitch.node - 1, "│", tone)
            sides = (_DOWN, _UP) if to_row > row else (_UP, _DOWN)
        else:
            if pitch.down > 1:
                _slant(
                    sheet, y + 1, x + pitch.node - 1 + pitch.across // 2, (to_row > row) == (to_column > column), tone
                )
            continue
        arms[patch] |= sides[0]
        arms[int(scene.indices[step + 1])] |= sides[1]
    return arms


def _put(sheet: Sheet, y: int, x: int, char: str, tone: int) -> None:
    sheet.chars[y, x], sheet.tones[y, x] = char, tone


def _across(sheet: Sheet, y: int, x: int, count: int, tone: int) -> None:
    sheet.chars[y, x : x + count] = "─"
    sheet.tones[y, x : x + count] = tone


def _slant(sheet: Sheet, y: int, x: int, falling: bool, tone: int) -> None:
    char = "╲" if falling else "╱"
    _put(sheet, y, x, char if sheet.chars[y, x] in (" ", char) else "╳", tone)


def shade_halves(scene: PathScene, stride: int) -> tuple[Sheet, ...]:
    """Draw one sheet per slice, two patches per character one above the other, coloured by step.

    stride: show every stride-th patch along the last two axes.
    """
    sheets = []
    for tone in _sampled(tones_of(scene), scene.grid, stride):
        rows, columns = tone.shape
        even = np.full((rows + rows % 2, columns), PLAIN, dtype=np.int64)
        even[:rows] = tone
        upper, lower = even[0::2], even[1::2]
        chars = np.where(upper >= 0, "▀", np.where(lower >= 0, "▄", ABSENT))
        tones = np.where(upper >= 0, upper, lower)
        backs = np.where((upper >= 0) & (lower >= 0), lower, PLAIN)
        sheets.append(Sheet(chars, np.where((upper < 0) & (lower < 0), FAINT, tones), backs))
    return tuple(sheets)


def shade_tenths(scene: PathScene, stride: int) -> tuple[Sheet, ...]:
    """Draw one sheet per slice, one digit per patch: how many tenths of the path come before it.

    stride: show every stride-th patch along the last two axes.
    """
    tenth = np.where(scene.ranks < 0, -1, scene.ranks * 10 // max(scene.length, 1))
    digits = np.array([*"0123456789", ABSENT])
    parts = _sampled(tenth, scene.grid, stride)
    plain = np.full(parts[0].shape, PLAIN)
    return tuple(Sheet(digits[part], plain, plain) for part in parts)


def _sampled(values: np.ndarray, grid: tuple[int, ...], stride: int) -> list[np.ndarray]:
    return list(values.reshape(slice_shape(grid))[:, ::stride, ::stride])


def slices_crossed(scene: PathScene, steps: Steps) -> int:
    """Count the unit and diagonal steps that lead from one slice to another, so that no line can show them."""
    if len(scene.grid) < 3:
        return 0
    apart = np.diff(coordinates(scene)[:, :-2], axis=0).any(axis=1)
    return int((apart & steps.touching).sum())
