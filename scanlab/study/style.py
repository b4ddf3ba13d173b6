"""The style sheet that results are shown with, in the report and in the explorer; nothing here needs numpy."""

from __future__ import annotations

from importlib.resources import files

__all__ = ["results_style"]


def results_style() -> str:
    """CSS for what stands inside an element of class "results"."""
    return files("scanlab.study").joinpath("results.css").read_text(encoding="utf-8")
