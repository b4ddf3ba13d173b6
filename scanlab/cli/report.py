"""``scanlab report``: a study's page and tables, from its database alone."""

from __future__ import annotations

import shlex
from dataclasses import asdict
from pathlib import Path

from rich.text import Text

from scanlab.cli.narrow_tables import print_table
from scanlab.cli.output import console, print_json
from scanlab.cli.pictures import study_pictures
from scanlab.study import table
from scanlab.study.analysis import analyse
from scanlab.study.early_stop import early_sentences
from scanlab.study.in_force import history_sentences, version_sentences
from scanlab.study.place import database_of, require_folder
from scanlab.study.record import StudyRecord
from scanlab.study.report import write_report
from scanlab.study.report.past import history_data
from scanlab.study.store import read_to_judge
from scanlab.study.trial_wording import failure_reason
from scanlab.study.tune import tuning_sentences

__all__ = ["finish", "run"]


def run(study: Path, out: Path | None, as_json: bool, per_class: bool = False) -> int:
    """Write the report of a study, finished or not, and print its results; 1 where trials failed."""
    folder = database_of(study).parent
    require_folder(out or folder)
    words = ["scanlab", "report", str(study), *(("--out", str(out)) if out and out != folder else ())]
    words += ["--per-class"] if per_class else []
    return finish(read_to_judge(study), out or folder, shlex.join(words), as_json, per_class)


def finish(record: StudyRecord, folder: Path, remake: str, as_json: bool, per_class: bool = False) -> int:
    """Print a study's results and write its report with the command that makes it again; 1 where trials failed."""
    findings = analyse(record)
    page = write_report(record, folder, study_pictures(record), remake, findings, per_class)
    if as_json:
        past = {"tune": record.about.get("tune"), "history": history_data(record), "early": early_sentences(record)}
        print_json(asdict(findings) | past | {"report": str(page)})
    else:
        screen = console()
        print_table(screen, table.matrix(findings))
        screen.print(table.legend(findings))
        for each in table.render(findings):
            print_table(screen, each)
        for words in dict.fromkeys((*findings.sentences, *history_sentences(record), *version_sentences(record))):
            screen.print(words)
        for words in (*tuning_sentences(record.about), *early_sentences(record)):
            screen.print(words)
        for name, error in findings.failures:
            screen.print(Text(f"failed: {name}: {failure_reason(error)}"))
        screen.print(f"wrote {page}", soft_wrap=True)
    return 1 if findings.failures else 0
