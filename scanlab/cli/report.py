"""``scanlab report``: a study's page and tables, from its database alone."""

from __future__ import annotations

import shlex
from pathlib import Path

from scanlab.cli.ablate import finish
from scanlab.study import runner

__all__ = ["run"]


def run(study: Path, out: Path | None, as_json: bool) -> int:
    """Write the report of a study, finished or not, and print its results; 1 where trials failed."""
    folder = runner.database_of(study).parent
    words = ["scanlab", "report", str(study), *(("--out", str(out)) if out and out != folder else ())]
    return finish(runner.read_study(study), out or folder, shlex.join(words), as_json)
