"""All that a page shows, as one value that fits into its address."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from types import MappingProxyType
from typing import Any

__all__ = ["MOST_SUBJECTS", "START", "State", "from_address", "to_address"]

# The longest .scan file, so that every text that can be opened can be shared.
MOST_CHARACTERS = 262_144
MOST_NAMES = 64
# What is shown side by side.
MOST_SUBJECTS = 6
START = """grid h, w

"Row by row, every other one backwards."
order snake = by h, ~w
"""


@dataclass(frozen=True)
class State:
    """text: the definitions; grid: extents; names: which are shown, () for the last; panes: the open ones, in order;
    layout: panes stand "beside" the paths or "below" them; colour: "step", "path" or "gap"; file: where the text was
    opened from, "" for nowhere; base: digest of the file's bytes then."""

    text: str = START
    grid: tuple[int, ...] = (14, 14)
    names: tuple[str, ...] = ()
    panes: tuple[str, ...] = ()
    layout: str = "beside"
    colour: str = "step"
    file: str = ""
    base: str = ""


_CHOICES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"layout": ("beside", "below"), "colour": ("step", "path", "gap")}
)


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
        found = json.loads(zlib.decompressobj().decompress(raw, 5 * MOST_CHARACTERS))
    except (ValueError, RecursionError, zlib.error):
        return State()
    return _state(found) if isinstance(found, dict) else State()


def _state(found: dict[str, Any]) -> State:
    known: dict[str, Any] = {}
    for f in fields(State):
        value, usual = found.get(f.name), getattr(State(), f.name)
        if f.name == "grid":
            if isinstance(value, list) and _is_grid(value):
                known[f.name] = tuple(value)
        elif isinstance(usual, str) and isinstance(value, str):
            if value in _CHOICES.get(f.name, (value,)):
                known[f.name] = value[:MOST_CHARACTERS]
        elif isinstance(usual, tuple) and isinstance(value, list):
            known[f.name] = tuple(v for v in value[:MOST_NAMES] if isinstance(v, str))
    return State(**known)


def _is_grid(value: list[Any]) -> bool:
    whole = all(isinstance(v, int) and not isinstance(v, bool) for v in value)
    return 0 < len(value) <= 5 and whole and all(0 < v < 2**31 for v in value)
