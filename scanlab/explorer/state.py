"""All that a page shows, as one value that fits into its address."""

from __future__ import annotations

import base64
import json
import zlib
from dataclasses import asdict, dataclass, fields
from typing import Any

__all__ = ["START", "State", "from_address", "to_address"]

# What a text may have, packed, so that addresses stay within what browsers and servers take.
MOST_CHARACTERS = 100_000
START = """grid h, w

"Row by row, every other one backwards."
order snake = by h, ~w
"""


@dataclass(frozen=True)
class State:
    """text: the definitions; grid: extents; names: which are shown, () for the last; panes: those beside the paths;
    colour: "step", "path" or "gap"; file: where the text was opened from, "" for nowhere."""

    text: str = START
    grid: tuple[int, ...] = (14, 14)
    names: tuple[str, ...] = ()
    panes: tuple[str, ...] = ()
    colour: str = "step"
    file: str = ""


def to_address(state: State) -> str:
    """The state as characters that an address may hold."""
    packed = zlib.compress(json.dumps(asdict(state), separators=(",", ":")).encode(), 9)
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def from_address(text: str) -> State:
    """The state in an address; what cannot be read is left as at the start."""
    try:
        unpacker = zlib.decompressobj()
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        found = json.loads(unpacker.decompress(raw, 2 * MOST_CHARACTERS))
    except (ValueError, zlib.error):
        return State()
    return _state(found) if isinstance(found, dict) else State()


def _state(found: dict[str, Any]) -> State:
    known: dict[str, Any] = {}
    for f in fields(State):
        value, usual = found.get(f.name), getattr(State(), f.name)
        if isinstance(usual, str) and isinstance(value, str):
            known[f.name] = value[:MOST_CHARACTERS]
        elif f.name == "grid" and isinstance(value, list) and all(isinstance(v, int) and v > 0 for v in value):
            known[f.name] = tuple(value[:5])
        elif isinstance(usual, tuple) and f.name != "grid" and isinstance(value, list):
            known[f.name] = tuple(v for v in value if isinstance(v, str))
    return State(**known)
