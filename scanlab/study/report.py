"""A study's results on disk: one HTML page that needs nothing else, and the numbers as JSON beside it."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from scanlab.ir.diagnostics import ScanlabError
from scanlab.study.chart import interval_plot, learning_curves
from scanlab.study.result import StudyResult, conclusion, points, rows

PAGE = "report.html"
NUMBERS = "results.json"


def write(result: StudyResult, folder: Path, pictures: Mapping[str, str] | None = None, command: str = "") -> Path:
    """Write results.json, then report.html, each whole or not at all; return the page's path.

    pictures: SVG text by strategy name, put into the page as they are, so they must come from a trusted maker.
    command: what repeats the study, shown in the page. An existing report is replaced. Raises S606 when the folder
    cannot be written and S609 without jinja2.
    """
    page = render(result, pictures or {}, command)
    numbers = json.dumps(result.to_json() | {"command": command}, indent=1, allow_nan=False)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _write_whole(folder / NUMBERS, numbers + "\n")
        _write_whole(folder / PAGE, page)
    except OSError as error:
        raise ScanlabError.at(
            "S606",
            f"the report cannot be written to {folder}: {error.strerror or error}",
            help="name a folder that exists or can be made, and that you may write to",
        ) from error
    return folder / PAGE


def render(result: StudyResult, pictures: Mapping[str, str], command: str) -> str:
    """The page's HTML, self-contained: no script, no reference to the network."""
    try:
        import jinja2
    except ImportError as error:
        raise ScanlabError.at("S609", "the HTML report needs jinja2", help='pip install "scanlab[reports]"') from error
    template = files("scanlab.study").joinpath("report.html").read_text(encoding="utf-8")
    environment = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    return environment.from_string(template).render(**_context(result, pictures, command))


def _context(result: StudyResult, pictures: Mapping[str, str], command: str) -> dict[str, Any]:
    table = rows(result)
    return {
        "result": result,
        "rows": table,
        "conclusion": conclusion(result),
        "intervals": interval_plot(table),
        "curves": learning_curves(result),
        "pictures": {s.name: pictures.get(s.name, "") for s in result.strategies if s.control is None},
        "command": command,
        "points": points,
        "controls": [s.control for s in result.strategies if s.control],
    }


def _write_whole(path: Path, text: str) -> None:
    """Write beside the target and move it into place, so that no reader ever sees half a file."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
        Path(temporary).chmod(0o644)
        os.replace(temporary, path)  # noqa: PTH105 - the atomic call itself, as the name says
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
