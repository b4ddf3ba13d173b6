"""Pictures of paths for a study's report."""

from __future__ import annotations

from scanlab.compiler.bind import bind
from scanlab.facade import parse
from scanlab.study.record import StudyRecord
from scanlab.view.scene import scenes_of
from scanlab.view.svg import svg

__all__ = ["study_pictures"]


def study_pictures(record: StudyRecord) -> dict[tuple[str, str], str]:
    """An SVG of each strategy's paths on each problem's grid, by problem and label."""
    return {
        (problem["name"], label): _picture(strategy["source"], strategy["axes"], tuple(strategy["grid"]))
        for problem in record.about["problems"]
        for label, strategy in problem["strategies"].items()
    }


def _picture(source: str, axes: list[str], grid: tuple[int, ...]) -> str:
    plan = bind(parse(source, axes), grid)
    scans = plan.scans
    return svg([scene for scan in scans for scene in scenes_of(scan)])
