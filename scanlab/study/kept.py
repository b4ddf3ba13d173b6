"""A study whose trials are all done, from its settings and its database: without the data that they learned from."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from scanlab.nn import BackboneConfig
from scanlab.renamed import read_name
from scanlab.study.preflight import Cost
from scanlab.study.record import StudyRecord
from scanlab.study.settings import Look, Seen, Settings, Table, study_of
from scanlab.study.trial import DataChoice, Study, Tested

__all__ = ["kept_costs", "kept_study"]


class _OtherDataError(Exception):
    """A problem whose data the database does not speak of."""


def kept_study(settings: Settings, record: StudyRecord) -> Study | None:
    """The study of these settings where all its trials are done, as the database says that its data were; None where
    the data must be read to know: for other trials, and for parts or learning rates that depend on the data.

    Raises what `study_of` raises for settings without a meaning.
    """
    if "tune" in record.about or any(_says(settings.table, key) for key in ("resample", "tune")):
        return None
    try:
        study = study_of(settings, _look(record.about["problems"]))
    except _OtherDataError:
        return None
    done = {key for key, trial in record.trials.items() if trial.result is not None}
    return study if all(trial.key in done for trial in study.trials()) else None


def kept_costs(study: Study, record: StudyRecord) -> dict[tuple[str, str], Cost]:
    """The cost of every strategy by problem and label, as its trials have it."""
    results = {m.key: r for m in record.members if (r := record.trial(m).result) is not None}
    return {
        (m.problem, m.strategy): Cost(results[m.trial.key].parameters, results[m.trial.key].flops)
        for m in study.members()
        if m.control is None
    }


def _look(problems: list[Mapping[str, Any]]) -> Look:
    """What a database says of the data of its problems, which are asked for in their order."""
    stored = iter(problems)

    def look(choice: DataChoice, config: BackboneConfig, table: Table, suffix: str) -> Seen:
        problem = next(stored, None)
        if problem is None or "resample" in problem or _plain(problem["data"]) != _plain(choice.plain()):
            raise _OtherDataError
        grid = tuple(next(iter(problem["strategies"].values()))["grid"])
        if [problem["sizes"].get("patch"), problem["sizes"].get("stride")] != _patches(config):
            raise _OtherDataError
        tested = Tested(**problem["tested"]) if "tested" in problem else None
        task, notes = read_name(problem["task"]), problem.get("notes", {})
        return Seen(problem["name"], task, grid, problem["fingerprint"], notes, tested)

    return look


def _patches(config: BackboneConfig) -> list[Any]:
    """What a grid depends on beside the data, in JSON's types."""
    return json.loads(json.dumps([config.patch, config.stride]))


def _plain(data: Mapping[str, Any]) -> dict[str, Any]:
    """A choice of data in JSON's types; what an earlier version did not know, as it is by default."""
    return json.loads(json.dumps({**DataChoice().plain(), **data}))


def _says(table: Any, key: str) -> bool:
    """Whether a setting is named anywhere in a study file."""
    return any(key in each and each[key] is not False for each in _tables(table))


def _tables(value: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, Mapping):
        yield value
    for each in value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ():
        yield from _tables(each)
