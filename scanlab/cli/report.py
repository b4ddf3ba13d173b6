"""``scanlab report``: a study's page and tables, from its database alone."""

from __future__ import annotations

import shlex
from dataclasses import asdict
from pathlib import Path

from scanlab.cli.narrow_tables import print_table
from scanlab.cli.output import console, print_json
from scanlab.cli.pictures import study_pictures
from scanlab.study import table
from scanlab.study.analysis import analyse
from scanlab.study.place import database_of
from scanlab.study.record import StudyRecord
from scanlab.study.report import write_report
from scanlab.study.store import read_study
from scanlab.study.tune import tuning_sentences

__all__ = ["finish", "run"]


def run(study: Path, out: Path | None, as_json: bool) -> int:
    """Write the report of a study, finished or not, and print its results; 1 where trials failed."""
    folder = database_of(study).parent
    words = ["scanlab", "report", str(study), *(("--out", str(out)) if out and out != folder else ())]
    return finish(read_study(study), out or folder, shlex.join(words), as_json)


def finish(record: StudyRecord, folder: Path, remake: str, as_json: bool) -> int:
    """Print a study's results and write its report with the command that makes it again; 1 where trials failed."""
    findings = analyse(record)
    page = write_report(record, folder, study_pictures(record), remake, findings)
    if as_json:
        print_json(asdict(findings) | {"tune": record.about.get("tune"), "report": str(page)})
    else:
        screen = console()
        for each in table.render(findings):
            print_table(screen, each)
        for words in findings.sentences:
            screen.print(words)
        for words in tuning_sentences(record.about):
            screen.print(words)
        for name, error in findings.failures:
            screen.print(f"failed: {name}: {error.partition(chr(10))[0]}")
        screen.print(f"wrote {page}", soft_wrap=True)
    return 1 if findings.failures else 0
