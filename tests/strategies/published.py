"""The published orders in tests/golden/scan_orders.{json,npz}, and how a bound definition is laid out beside each.

``compare`` in the table says what the rows of an array are: ``paths``, the paths of a scan; ``layers``, the one path of
layer i of a plan; ``branches``, the paths of a plan's layers after the first of each; ``sequences`` and
``layer_sequences``, paths or layers with their tokens; ``chain``, one row, the paths one after another; ``arrivals``,
not patches, but the direction from which each step arrives.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from scanlab.compiler.bind import CompiledPlan, CompiledScan
from scanlab.facade import as_value
from scanlab.facade import compile as compile_scan

GOLDEN = Path(__file__).parents[1] / "golden"
TABLE = json.loads((GOLDEN / "scan_orders.json").read_text(encoding="utf-8"))
SHARED = Path(__file__).parents[2] / "../shared/golden/scan_orders"
_STEPS = {(0, 1): 1, (0, -1): 2, (-1, 0): 3, (1, 0): 4}


def arrays() -> dict[str, np.ndarray]:
    """All arrays by entry, int64 [K, p]."""
    with np.load(GOLDEN / "scan_orders.npz") as stored:
        return {name: stored[name].astype(np.int64) for name in stored.files}


def rows_of(definition: str, compare: str, grid: tuple[int, ...], count: int) -> list[np.ndarray]:
    """The definition bound to the grid as the rows an array with ``count`` rows would have."""
    bound = compile_scan(as_value(definition, grid), grid)
    if compare in ("layers", "layer_sequences"):
        assert isinstance(bound, CompiledPlan)
        layers = [bound.layer(i) for i in range(count)]
        assert all(len(layer.paths) == 1 for layer in layers)
        return [layer.paths[0].sequence if "seq" in compare else layer.paths[0].indices for layer in layers]
    if compare == "branches":
        assert isinstance(bound, CompiledPlan)
        return [p.indices for e in range(len(bound.plan.entries)) for p in bound.layer(e).paths[1:]]
    assert isinstance(bound, CompiledScan)
    match compare:
        case "paths":
            return [p.indices for p in bound.paths]
        case "sequences":
            return [p.sequence for p in bound.paths]
        case "chain":
            assert bound.merge == "chain"
            return [np.concatenate([p.indices for p in bound.paths])]
        case "arrivals":
            return [arrivals(p.indices, grid) for p in bound.paths]
    raise ValueError(compare)


def arrivals(indices: np.ndarray, grid: tuple[int, ...]) -> np.ndarray:
    """For each step 0 (start), 1 (it went right), 2 (left), 3 (up) or 4 (down)."""
    points = np.stack(np.unravel_index(indices, grid), axis=1)
    return np.array([0] + [_STEPS[int(a), int(b)] for a, b in np.diff(points, axis=0)])
