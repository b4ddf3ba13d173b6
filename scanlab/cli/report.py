"""``scanlab report``: a study's page and tables, from its database alone."""

from __future__ import annotations

from pathlib import Path

from scanlab.cli.ablate import finish
from scanlab.cli.pictures import path_pictures
from scanlab.compiler.bind import bind
from scanlab.facade import parse
from scanlab.study import runner
from scanlab.study.record import StudyRecord

__all__ = ["run"]


def run(study: Path, out: Path | None, as_json: bool) -> int:
    """Write the report of a study, finished or not, and print its results; 1 where trials failed."""
    record = runner.read_study(study)
    return finish(record, out or runner.database_of(study).parent, _pictures(record), as_json)


def _pictures(record: StudyRecord) -> dict[tuple[str, str], str]:
    found = {}
    for problem in record.about["problems"]:
        for label, strategy in problem["strategies"].items():
            plan = bind(parse(strategy["source"], strategy["axes"]), tuple(strategy["grid"]))
            found[problem["name"], label] = path_pictures(plan)
    return found
