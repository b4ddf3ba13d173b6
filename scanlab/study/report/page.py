"""A study's results on disk: one HTML page that needs nothing else, and the numbers beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path

from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import reason_of
from scanlab.places import FOR_ALL, draft_of
from scanlab.renamed import renamed_keywords, renamed_names
from scanlab.study.analysis import analyse
from scanlab.study.cells import cells, chance, interval, share
from scanlab.study.findings import Findings, ProblemFindings, StrategyFindings
from scanlab.study.power import describe_study_power
from scanlab.study.record import StudyRecord
from scanlab.study.report.charts import curves, field_picture, forest
from scanlab.study.report.past import past_of
from scanlab.study.report.tables import as_csv, as_json, epoch_rows, parquet, trial_rows
from scanlab.study.resampled import overlap_sentences
from scanlab.study.statistics import format_difference
from scanlab.study.tune import tuning_sentences

__all__ = ["PAGE", "render", "write_report"]

__getattr__ = renamed_names(__name__, {"write": "write_report"})

PAGE, NUMBERS = "report.html", "results.json"
MEGABYTE = 1 << 20
Pictures = Mapping[tuple[str, str], str]


@renamed_keywords(found="findings")
def write_report(
    record: StudyRecord,
    folder: Path,
    pictures: Pictures | None = None,
    remake: str = "",
    findings: Findings | None = None,
) -> Path:
    """Write report.html, results.json, trials.csv, epochs.csv and, with pyarrow, trials.parquet.

    Returns the page's path. Each is whole or not there; older ones are replaced. pictures: SVG text of the paths by
    problem and strategy, put into the page as they are, so they must come from a trusted maker. remake: the command
    that rebuilds the page. findings: what `analyse` says of the record, where that is known. The same record gives the
    same files. Raises S606 when the folder cannot be written and S609 without jinja2.

    >>> from scanlab.study import read_study, study_of, with_options
    >>> from scanlab.study.store import Store
    >>> with Store(Path("study.sqlite")) as store:  # as `run_study` begins
    ...     store.open_study(study_of(with_options(None, {"strategies": ["row"], "seeds": 1, "controls": []})))
    >>> write_report(read_study(Path("study.sqlite")), Path("report")).name
    'report.html'
    """
    findings = findings or analyse(record)
    page = render(record, findings, pictures or {}, remake)
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
    return folder / PAGE


@renamed_keywords(found="findings")
def render(record: StudyRecord, findings: Findings, pictures: Pictures, remake: str = "") -> str:
    """The page's HTML, self-contained: no script, no reference to the network. Raises S609."""
    try:
        import jinja2
    except ImportError as error:
        raise ScanlabError.at("S609", "the HTML report needs jinja2", help='pip install "scanlab[reports]"') from error
    template = files("scanlab.study.report").joinpath("page.html").read_text(encoding="utf-8")
    environment = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    return environment.from_string(template).render(
        findings=findings,
        record=record,
        about={problem["name"]: problem for problem in record.about["problems"]},
        forests={p.name: forest(p) for p in findings.problems},
        curves={p.name: curves(p) for p in findings.problems},
        pictures={p.name: list(_drawn(p, pictures)) for p in findings.problems},
        fields={p.name: list(_fields(p, record)) for p in findings.problems},
        tuning=tuning_sentences(record.about),
        environments=_environments(record),
        past=past_of(record),
        power=" ".join([_power(findings), *overlap_sentences(record.about)]),
        confounders=list(_confounders(findings)),
        remake=remake,
        points=format_difference,
        cells=cells,
        share=share,
        interval=interval,
        chance=chance,
        count=_count,
    )


def _power(findings: Findings) -> str:
    """What a study of this size can find."""
    problems = findings.problems
    alike = len({(p.unit, p.margin) for p in problems}) == 1
    return " ".join(
        describe_study_power(
            len(findings.seeds),
            max(sum(row.control is None and not row.same_as for row in p.rows) for p in problems),
            max(sum(row.control is not None for row in p.rows) for p in problems),
            unit=problems[0].unit,
            problems=len(problems),
            margin=problems[0].margin if alike else 0.0,
            confidence=findings.confidence,
        )
    )


def _drawn(problem: ProblemFindings, pictures: Pictures) -> Iterator[tuple[StrategyFindings, str]]:
    for row in problem.rows:
        if row.control is None:
            yield row, pictures.get((problem.name, row.label), "")


def _fields(problem: ProblemFindings, record: StudyRecord) -> Iterator[tuple[str, str]]:
    """The receptive field of every strategy's first trial that is done."""
    seen = set()
    for member in record.members:
        trial = record.trial(member)
        if member.problem == problem.name and member.strategy not in seen and trial.result and trial.result.field:
            seen.add(member.strategy)
            grid = tuple(trial.config["order"]["grid"])
            yield member.strategy, field_picture(trial.result.field, grid, member.strategy)


def _confounders(findings: Findings) -> Iterator[tuple[ProblemFindings, ProblemFindings]]:
    """Problems beside their variants, which are named "problem / what is changed"."""
    by_name = {problem.name: problem for problem in findings.problems}
    for name, problem in by_name.items():
        base, slash, _ = name.partition(" / ")
        if slash and base in by_name:
            yield by_name[base], problem


def _environments(record: StudyRecord) -> list[tuple[str, str]]:
    """What the trials ran with: for every key all values, where they differ."""
    values: dict[str, dict[str, None]] = {}
    for trial in record.trials.values():
        for key, value in trial.environment.items():
            if key not in ("pid", "host"):
                values.setdefault(key, {})[value or "unknown"] = None
    return [(key, ", ".join(distinct)) for key, distinct in values.items()]


def _count(value: float | None, unit: str = "") -> str:
    """A large number, rounded as a reader needs it."""
    if value is None:
        return ""
    if unit == "MB":
        return f"{value / MEGABYTE:.0f}"
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.3g} {letter}"
    return f"{value:.3g}"
