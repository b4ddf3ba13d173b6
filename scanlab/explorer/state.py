"""All that a page shows, as one value that fits into its address."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from types import MappingProxyType
from typing import Any

__all__ = [
    "MOST_CHARACTERS",
    "MOST_PATCHES",
    "MOST_SUBJECTS",
    "START",
    "VIEW",
    "State",
    "draft_fields",
    "from_address",
    "to_address",
    "view_of",
    "with_fields",
    "with_plain_ends",
    "with_text",
]

# The longest .scan file, so that every text that can be opened can be shared.
MOST_CHARACTERS = 262_144
MOST_NAMES = 64
# What is shown side by side, and all paths of it together: four paths over 256x256 patches, a few times over.
MOST_SUBJECTS = 6
MOST_PATCHES = 1_000_000
START = """grid h, w

"Row by row, every other one backwards."
order snake = by h, ~w
"""


@dataclass(frozen=True)
class State:
    """All that a page shows, but for what only its user has or does: an image of theirs, whether the paths play, what
    is scrolled, folded open or pointed at.

    text: the definitions; grid: extents; names: which are shown, () for the last; panes: the open ones, in order;
    options: of the open panes, by pane and name, where they are not as usual; layout: panes stand "beside" the paths or
    "below" them; file: where the text was opened from, "" for nowhere; base: digest of the file's bytes then.

    Of the player: colour: "step", "path" or "gap"; step: of the clock, -1 at the end, where paths are whole; speed: of
    the clock, as a factor; slice: the axis that volumes are cut along, "" for none, and layer: where; zoom: a factor,
    and shift: of the enlarged picture, right and down, in widths of a panel; rotation: of volumes, yaw and pitch in
    radians; together: whether paths of a scan share a panel; pinned: number of a path, and the patch pinned in it, ()
    for none; memory: where it is above 0, what the state remembers is shown, if half of it is left after so many steps.
    """

    text: str = START
    grid: tuple[int, ...] = (14, 14)
    names: tuple[str, ...] = ()
    panes: tuple[str, ...] = ()
    options: Mapping[str, Mapping[str, str | int | float]] = field(default_factory=dict)
    layout: str = "beside"
    colour: str = "step"
    step: int = -1
    speed: float = 1.0
    slice: str = ""
    layer: int = 0
    zoom: float = 1.0
    shift: tuple[float, ...] = (0.0, 0.0)
    rotation: tuple[float, ...] = (0.62, 0.5)
    together: bool = False
    pinned: tuple[int, ...] = ()
    memory: float = 0.0
    file: str = ""
    base: str = ""


VIEW = ("step", "speed", "slice", "layer", "zoom", "shift", "rotation", "together", "pinned", "memory")
"""The fields that the player's own controls change, as it names them."""


def to_address(state: State) -> str:
    """The state as characters that an address may hold; what is as at the start is left out."""
    usual = asdict(State())
    given = {name: value for name, value in asdict(state).items() if value != usual[name]}
    packed = zlib.compress(json.dumps(given, separators=(",", ":"), ensure_ascii=False).encode(), 9)
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def from_address(text: str) -> State:
    """The state in an address; what cannot be read is left as at the start."""
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        # A few bytes can unpack to gigabytes: no more is unpacked than a state can have.
        fields = json.loads(zlib.decompressobj().decompress(raw, 5 * MOST_CHARACTERS))
    except (ValueError, RecursionError, zlib.error):
        return State()
    return with_fields(State(), fields)


def with_fields(state: State, fields: Any) -> State:
    """A state with fields as JSON has them put in; what is no field, or no value of one, is left as it was."""
    given = fields if isinstance(fields, dict) else {}
    read = {name: reader(given[name]) for name, reader in _READERS.items() if name in given}
    return replace(state, **{name: value for name, value in read.items() if value is not None})


def draft_fields(draft: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of the state as the browser has them, the view's among the others; a view holds nothing else."""
    view = draft.get("view")
    fields = {name: value for name, value in view.items() if name in VIEW} if isinstance(view, dict) else {}
    return {**{name: value for name, value in draft.items() if name != "view"}, **fields}


def with_text(state: State, text: str) -> State:
    """A state with another text, which is of no file and shows its last definition."""
    return replace(state, text=text, names=(), file="", base="")


def with_plain_ends(text: str) -> str:
    """As the text box has it."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def view_of(state: State) -> dict[str, Any]:
    """What the player takes to show the paths as they are in a state."""
    return {name: getattr(state, name) for name in VIEW}


def _text(value: Any) -> str | None:
    return value[:MOST_CHARACTERS] if isinstance(value, str) else None


def _one_of(*choices: Any) -> Callable[[Any], Any]:
    return lambda value: next((c for c in choices if c == value and not isinstance(value, bool)), None)


def _names(value: Any) -> tuple[str, ...] | None:
    return tuple(v for v in value[:MOST_NAMES] if isinstance(v, str)) if isinstance(value, list) else None


def _number(value: Any, low: float, high: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high


def _within(low: float, high: float) -> Callable[[Any], Any]:
    return lambda value: value if _number(value, low, high) else None


def _whole(low: int) -> Callable[[Any], Any]:
    return lambda value: value if isinstance(value, int) and _number(value, low, 2**31 - 1) else None


def _pair(*limits: float) -> Callable[[Any], Any]:
    def read(value: Any) -> tuple[float, ...] | None:
        fits = isinstance(value, list) and len(value) == len(limits)
        return tuple(value) if fits and all(_number(v, -m, m) for v, m in zip(value, limits, strict=True)) else None

    return read


def _pin(value: Any) -> tuple[int, ...] | None:
    fits = isinstance(value, list) and len(value) in (0, 2) and all(_whole(0)(v) is not None for v in value)
    return tuple(value) if fits else None


def _grid(value: Any) -> tuple[int, ...] | None:
    fits = isinstance(value, list) and 0 < len(value) <= 5 and all(_whole(1)(v) is not None for v in value)
    return tuple(value) if fits else None


def _options(value: Any) -> dict[str, dict[str, str | int | float]] | None:
    if not isinstance(value, dict):
        return None
    return {
        pane: {name: v for name, v in given.items() if isinstance(v, str | int | float) and not isinstance(v, bool)}
        for pane, given in list(value.items())[:MOST_NAMES]
        if isinstance(given, dict)
    }


_READERS: Mapping[str, Callable[[Any], Any]] = MappingProxyType(
    {
        "text": _text,
        "grid": _grid,
        "names": _names,
        "panes": _names,
        "options": _options,
        "layout": _one_of("beside", "below"),
        "colour": _one_of("step", "path", "gap"),
        "step": _whole(-1),
        "speed": _one_of(0.25, 0.5, 1.0, 2.0, 4.0, 8.0),
        "slice": _text,
        "layer": _whole(0),
        "zoom": _within(1, 24),
        "shift": _pair(12, 12),
        "rotation": _pair(1e6, 1.55),
        "together": lambda value: value if isinstance(value, bool) else None,
        "pinned": _pin,
        "memory": _within(0, 1024),
        "file": _text,
        "base": _text,
    }
)
