"""A study's results on disk: one HTML page that needs nothing else, and the numbers beside it."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import count_text, reason_of
from scanlab.places import FOR_ALL, draft_of
from scanlab.renamed import renamed_keywords, renamed_names
from scanlab.study.analysis import analyse
from scanlab.study.cells import cells, chance, interval, share
from scanlab.study.early_stop import early_sentences
from scanlab.study.findings import Findings
from scanlab.study.record import StudyRecord
from scanlab.study.report import sections
from scanlab.study.report.cards import write_cards
from scanlab.study.report.curves import curves, curves_note
from scanlab.study.report.forest import forest, forest_note
from scanlab.study.report.matrix import glyph_html, matrix_html
from scanlab.study.report.past import past_of
from scanlab.study.report.per_class import per_class_html
from scanlab.study.report.sections import Pictures
from scanlab.study.report.settings import held_equal
from scanlab.study.report.size_curves import size_curves
from scanlab.study.report.tables import as_csv, as_json, epoch_rows, parquet, trial_rows
from scanlab.study.resampled import overlap_sentences
from scanlab.study.statistics import format_difference
from scanlab.study.style import results_style
from scanlab.study.trial_wording import failure_reason
from scanlab.study.tune import tuning_sentences
from scanlab.study.wording import resolution_words, size_sentences

__all__ = ["PAGE", "render", "write_report"]

__getattr__ = renamed_names(__name__, {"write": "write_report"})

PAGE, NUMBERS = "report.html", "results.json"


@renamed_keywords(found="findings")
def write_report(
    record: StudyRecord,
    folder: Path,
    pictures: Pictures | None = None,
    remake: str = "",
    findings: Findings | None = None,
    per_class: bool = False,
) -> Path:
    """Write report.html, results.json, trials.csv, epochs.csv and, with pyarrow, trials.parquet.

    Returns the page's path. Each is whole or not there; older ones are replaced. pictures: SVG text of the paths by
    problem and strategy, put into the page as they are, so they must come from a trusted maker. remake: the command
    that rebuilds the page. findings: what `analyse` says of the record, where that is known. per_class: with confusion
    matrices, or Dice of every class, where trials kept what they said of single samples. The same record gives the same
    files. Beside the weights that a study kept a card is written. Raises S606 when the folder cannot be written and
    S609 without jinja2.

    >>> from scanlab.study import read_study, study_of, with_options
    >>> from scanlab.study.store import Store
    >>> with Store(Path("study.sqlite")) as store:  # as `run_study` begins
    ...     store.open_study(study_of(with_options(None, {"strategies": ["row"], "seeds": 1, "controls": []})))
    >>> write_report(read_study(Path("study.sqlite")), Path("report")).name
    'report.html'
    """
    findings = findings or analyse(record)
    page = render(record, findings, pictures or {}, remake, per_class)
    trials = trial_rows(record)
    texts = {
        NUMBERS: as_json(record, findings),
        "trials.csv": as_csv(trials),
        "epochs.csv": as_csv(epoch_rows(record)),
        PAGE: page,
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            with draft_of(folder / name, FOR_ALL) as draft:
                draft.write_text(text, encoding="utf-8")
        try:
            with draft_of(folder / "trials.parquet", FOR_ALL) as draft:
                parquet(trials, draft)
        except ScanlabError:
            # CSV holds the same; the page does not promise more.
            (folder / "trials.parquet").unlink(missing_ok=True)
    except OSError as error:
        raise ScanlabError.at(
            "S606",
            f"the report cannot be written to {folder}: {reason_of(error)}",
            help="name a folder that exists or can be made, and that you may write to",
        ) from error
    write_cards(record, findings)
    return folder / PAGE


@renamed_keywords(found="findings")
def render(
    record: StudyRecord, findings: Findings, pictures: Pictures, remake: str = "", per_class: bool = False
) -> str:
    """The page's HTML, self-contained: no script, no reference to the network. Raises S609."""
    try:
        import jinja2
    except ImportError as error:
        raise ScanlabError.at("S609", "the HTML report needs jinja2", help='pip install "scanlab[reports]"') from error
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_template),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    return environment.get_template("page.html").render(
        findings=findings,
        record=record,
        about={problem["name"]: problem for problem in record.about["problems"]},
        results_style=results_style(),
        forest_note=forest_note,
        curves_note=curves_note,
        matrix=matrix_html(findings),
        glyph=glyph_html,
        forests={p.name: forest(p, findings.baseline) for p in findings.problems},
        curves={p.name: curves(p, findings.baseline) for p in findings.problems},
        pictures={p.name: list(sections.drawn(p, pictures)) for p in findings.problems},
        fields={p.name: list(sections.fields(p, record)) for p in findings.problems},
        size_curves={sizes.of: size_curves(sizes, findings.baseline) for sizes in findings.sizes},
        sizes_words={
            sizes.of: list(size_sentences(sizes, findings.baseline, findings.confidence)) for sizes in findings.sizes
        },
        tuning=tuning_sentences(record.about),
        early=early_sentences(record),
        environments=sections.environments(record),
        data_notes=sections.data_notes(record),
        model_notes=sections.model_notes(record),
        past=past_of(record),
        power=" ".join([sections.power(findings, record.about), *overlap_sentences(record.about)]),
        confounders=list(sections.confounders(findings)),
        hashes=sections.hashes(record),
        per_class={p.name: per_class_html(record, p) for p in findings.problems if per_class},
        held=held_equal,
        remake=remake,
        points=format_difference,
        cells=cells,
        share=share,
        interval=interval,
        chance=chance,
        count=sections.rounded,
        counted=count_text,
        reason=failure_reason,
        step=resolution_words,
    )


def _template(name: str) -> str:
    """A part of the page: each in a file of its own."""
    return files("scanlab.study.report").joinpath(name).read_text(encoding="utf-8")
