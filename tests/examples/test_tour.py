"""The notebook: it runs, and shows what it shows in the repository."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat", reason="notebooks are run by nbclient")
nbclient = pytest.importorskip("nbclient", reason="notebooks are run by nbclient")
pytest.importorskip("ipykernel", reason="notebooks are run by a kernel of Python's")

ROOT = Path(__file__).parents[2]
TOUR = ROOT / "examples" / "tour.ipynb"
# Trained, so that the last digits are those of a machine.
TRAINS = "scanlab.ablate("


def shown(cell) -> list[dict]:
    """What a cell shows, by kind."""
    return [dict(output.get("data", {})) for output in cell.outputs]


@pytest.mark.slow
def test_the_tour_shows_what_the_repository_has(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")])))
    kept, fresh = (nbformat.read(TOUR, 4) for _ in range(2))
    nbclient.NotebookClient(fresh, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    cells = [pair for pair in zip(kept.cells, fresh.cells, strict=True) if pair[0].cell_type == "code"]
    assert len(cells) > 8
    for before, now in cells:
        assert [output.output_type for output in now.outputs] == ["execute_result"], now.source
        if TRAINS in now.source:
            [page] = [data["text/html"] for data in shown(now)]
            assert "<svg" in page and "<ul><li>" in page and "hilbert" in page
        else:
            assert shown(now) == shown(before), "make it anew: jupyter execute --inplace examples/tour.ipynb"


def test_what_is_shown_is_short_in_words_and_names_no_folder_of_a_machine():
    text = TOUR.read_text(encoding="utf-8")
    assert "/tmp" not in text and "/home" not in text
    for cell in nbformat.read(TOUR, 4).cells:
        for data in shown(cell) if cell.cell_type == "code" else []:
            assert len(data["text/plain"]) < 400
