"""A study in one call, from Python or a notebook, with data, models and tasks of one's own."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from scanlab.data.brought import given_data
from scanlab.facade import as_value
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.values import Value
from scanlab.study.analysis import analyse
from scanlab.study.cells import cells
from scanlab.study.engines.local import local_engine
from scanlab.study.findings import Findings
from scanlab.study.own_checks import check_portable, noted, own_sentences
from scanlab.study.preflight import check_study, coarse_margins, same_orders
from scanlab.study.record import StudyRecord
from scanlab.study.report import write_report
from scanlab.study.report.forest import forest
from scanlab.study.report.matrix import matrix_html
from scanlab.study.runner import StudyProgress, run_study
from scanlab.study.settings import study_of, with_options
from scanlab.study.style import results_style
from scanlab.study.tasks import Task, given_task
from scanlab.study.trial import Study
from scanlab.study.trial_wording import failure_reason

__all__ = ["Ablation", "Figure", "ablate"]


@dataclass(frozen=True)
class Figure:
    """A picture as SVG text, which a notebook draws.

    >>> Figure("<svg/>").save("figure.svg").name
    'figure.svg'
    """

    svg: str

    def _repr_svg_(self) -> str:
        return self.svg

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write it to a file."""
        file = Path(path)
        file.write_text(self.svg, encoding="utf-8")
        return file


@dataclass(frozen=True, eq=False, repr=False)
class Ablation:
    """A study that ran. A notebook draws it; `print` gives its sentences.

    study: what was compared. folder: holds its database, from which the same call goes on. record: every trial.
    notes: what was computed of the orders and the models before any training.

    >>> made = ablate(["row", "hilbert"], model={"dim": 8, "depth": 1, "patch": 4}, recipe={"epochs": 1}, seeds=2,
    ...     limit=16, test_limit=16, controls=[])
    >>> [row["strategy"] for row in made.table], made.findings.baseline
    (['row', 'hilbert'], 'row')
    """

    study: Study
    folder: Path
    record: StudyRecord = field(repr=False)
    notes: tuple[str, ...] = ()

    @cached_property
    def findings(self) -> Findings:
        """What the study says, as `scanlab.study.analyse` judges it."""
        return analyse(self.record)

    @property
    def sentences(self) -> list[str]:
        """What there is to say, notes and failed trials included."""
        failed = [f"failed: {name}: {failure_reason(error)}" for name, error in self.findings.failures]
        return [*self.notes, *self.findings.sentences, *failed, f"The study is in {self.folder}."]

    @property
    def errors(self) -> dict[str, str]:
        """The whole traceback of every trial that failed, by its name."""
        return dict(self.findings.failures)

    @property
    def table(self) -> list[dict[str, Any]]:
        """A row for each strategy and control on each problem, shares as they are: for `pandas.DataFrame` and the like.

        difference, low, high: from the baseline, paired by seed, with its interval; None for the baseline.
        """
        rows = []
        for problem in self.findings.problems:
            for row in problem.rows:
                d = row.comparison.difference if row.comparison else None
                rows.append(
                    {
                        "problem": problem.name,
                        "strategy": row.label,
                        "control": row.control is not None,
                        "metric": problem.metric,
                        "mean": row.mean,
                        "difference": d.mean if d else None,
                        "low": d.low if d else None,
                        "high": d.high if d else None,
                        "parameters": row.parameters,
                        "verdict": cells(row, problem, self.findings.baseline).words,
                    }
                )
        return rows

    def figure(self, problem: str = "") -> Figure:
        """Every strategy's difference from the baseline with its interval and its seeds, on a problem or the first one.

        Raises S608 for a problem that the study has not.
        """
        by_name = {each.name: each for each in self.findings.problems}
        name = problem or next(iter(by_name))
        if name not in by_name:
            raise ScanlabError.at("S608", f"there is no problem {name!r}", help=f"one of {', '.join(by_name)}")
        return Figure(str(forest(by_name[name], self.findings.baseline)))

    def report(self, folder: str | os.PathLike[str] | None = None) -> Path:
        """Write the report into a folder, by default the study's own; the path of its page."""
        return write_report(self.record, Path(folder) if folder else self.folder, findings=self.findings)

    def __str__(self) -> str:
        return "\n".join(self.sentences)

    def __repr__(self) -> str:
        problems = ", ".join(problem.name for problem in self.findings.problems)
        labels = ", ".join(dict.fromkeys(row.label for p in self.findings.problems for row in p.rows))
        return f"<Ablation of {labels} on {problems}, in {self.folder}>"

    def _repr_html_(self) -> str:
        pictures = "".join(f"<h4>{escape(p.name)}</h4>{self.figure(p.name).svg}" for p in self.findings.problems)
        listed = "".join(f"<li>{escape(sentence)}</li>" for sentence in self.sentences)
        return f"<div><style>{results_style()}</style>{matrix_html(self.findings)}{pictures}<ul>{listed}</ul></div>"


def ablate(
    strategies: Iterable[str | Value] | Mapping[str, str | Value],
    *,
    dataset: Any = "digits",
    model: Any = None,
    task: str | Task | None = None,
    out: str | os.PathLike[str] | None = None,
    workers: int = 1,
    device: str = "cpu",
    listener: Callable[[StudyProgress], None] = lambda _: None,
    retry_diverged: bool = False,
    **settings: Any,
) -> Ablation:
    """Compare scan orders: train a model along each, with every seed, and judge the differences.

    strategies: names, lines or values, or these by label. dataset: a name or path; a `scanlab.data.Dataset`; images and
    targets as a pair or by the names of `from_arrays`; a torch Dataset; or a function that gives one of these. model: a
    table of settings as `[model]` of a study file has them; an import path or a function that makes the model from
    `scanlab.study.ModelInputs`; or, with further settings, a table with one of these as `make`. task: a name, an import
    path or a `scanlab.study.Task`. settings: all other keys of a study file: seeds=5, controls=[...],
    recipe={"epochs": 3}, limit=100. out: the folder of the study, which goes on from what it holds; None for a new one
    among the temporary ones. workers: processes; functions and data that only this one has need workers=1 (S854).
    listener: is called with everything that happens. retry_diverged: trials of the folder that diverged go on from the
    epoch before; else they are left alone, as they would come out the same. Trials that fail do not stop the others:
    see `Ablation.errors`.
    Raises what `study_of`, `check_study` and `run_study` raise.

    >>> made = ablate(["row"], model={"dim": 8, "depth": 1, "patch": 4}, recipe={"epochs": 1}, seeds=1, limit=16,
    ...     test_limit=16, controls=[])
    >>> len(made.record.trials), made.figure().svg[:4]
    (1, '<svg')
    """
    options = {"strategies": _strategies(strategies), **_plain(settings)}
    plain = isinstance(dataset, str | os.PathLike)
    options["dataset"] = os.fspath(dataset) if plain else given_data(dataset)
    if model is not None:
        options["model"] = _plain(model) if isinstance(model, Mapping) else {"make": model}
    if task is not None:
        options["task"] = given_task(task) if isinstance(task, Task) else task
    study = study_of(with_options(None, options, "scanlab.ablate"))
    if workers < 1:
        raise ScanlabError.at("S608", f"workers is {workers}", help="give a number from 1 up")
    engine = local_engine(workers, (device,))
    check_portable(study, engine)
    check_study(study)
    study = noted(study)
    notes = (*same_orders(study), *own_sentences(study), *coarse_margins(study))
    folder = Path(out) if out is not None else Path(tempfile.mkdtemp(prefix="scanlab-ablation-"))
    record = run_study(
        study, folder, engine=engine, listener=listener, command="scanlab.ablate(...)", retry_diverged=retry_diverged
    )
    return Ablation(study, folder, record, notes)


def _strategies(given: Any) -> Any:
    """As a study file has them: names and lines, or these by label."""
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise ScanlabError.at("S410", f"{given!r} is no list of strategies", help='give several, as ["row", "hilbert"]')
    if isinstance(given, Mapping):
        return {str(label): str(_value(value)) for label, value in given.items()}
    listed = [_value(each) for each in given]
    if all(isinstance(each, str) for each in listed):
        return listed
    return {each if isinstance(each, str) else each.name or str(each): str(each) for each in listed}


def _plain(given: Any) -> Any:
    """Settings as a study file has them: numbers and arrays of numpy as Python's own."""
    if isinstance(given, np.generic | np.ndarray):
        return given.tolist()
    if isinstance(given, Mapping):
        return {key: _plain(value) for key, value in given.items()}
    return [_plain(value) for value in given] if isinstance(given, list) else given


def _value(given: Any) -> str | Value:
    """A name or a line as it is, anything else as a value of the language. Raises S410."""
    return given if isinstance(given, str) else as_value(given)
