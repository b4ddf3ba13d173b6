"""Published paths: every full one that is recorded on two grids or more gets its line, or stands in a list with why."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

import scanlab

RECORDED = Path(__file__).parents[3] / "shared" / "golden" / "scan_orders"
WITHOUT_A_LINE = json.loads((Path(__file__).parents[1] / "golden" / "decompile.json").read_text("utf-8"))
pytestmark = [
    pytest.mark.sweep,
    pytest.mark.skipif(not RECORDED.is_dir(), reason="the recorded orders are not in ../shared/golden"),
]


def paths() -> dict[str, dict[tuple[int, ...], np.ndarray]]:
    """Every path that is a permutation, by archive, key and number, and by grid."""
    found: dict[str, dict[tuple[int, ...], np.ndarray]] = defaultdict(dict)
    for entry in json.loads((RECORDED / "INDEX.json").read_text("utf-8"))["entries"].values():
        grid = tuple(entry.get("grid") or ())
        for number, steps in enumerate(np.atleast_2d(np.load(RECORDED / entry["npz"])[entry["key"]])):
            path = steps[steps >= 0]
            if grid and np.array_equal(np.sort(path), np.arange(np.prod(grid))):
                found["/".join((entry["npz"], entry["key"].rsplit("/", 1)[0], str(number)))][grid] = path
    return {name: grids for name, grids in found.items() if len(grids) > 1}


def test_published_paths_get_lines():
    without, wrong = {}, []
    for name, grids in paths().items():
        answer = scanlab.decompile(grids)
        if answer.source is None:
            without[name] = answer.verdict
            continue
        axes = " ".join(answer.value.axes)
        value = scanlab.parse(answer.source, axes)
        wrong += [(name, g) for g, p in grids.items() if not np.array_equal(scanlab.compile(value, g).indices[0], p)]
    assert wrong == []
    assert without == {name: listed["verdict"] for name, listed in WITHOUT_A_LINE.items()}
    assert len(WITHOUT_A_LINE) <= 60 and all(listed["reason"] for listed in WITHOUT_A_LINE.values())
