"""A study's numbers for other programs: CSV, Parquet, JSON."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.plain import plain
from scanlab.study.findings import Findings
from scanlab.study.record import StudyRecord
from scanlab.study.report.past import history_data

__all__ = ["as_csv", "as_json", "epoch_rows", "parquet", "trial_rows"]


def trial_rows(record: StudyRecord) -> list[dict[str, Any]]:
    """One row per place in the study: who, on what, and every final figure. Metrics have columns of their own."""
    rows = []
    for member in record.members:
        trial = record.trial(member)
        row: dict[str, Any] = {
            "problem": member.problem,
            "strategy": member.strategy,
            "seed": member.seed,
            "control": member.control or "",
            "status": trial.status,
            "trial": member.key,
            "error": trial.error.partition("\n")[0],
        }
        if trial.result is not None:
            r = trial.result
            row |= {"parameters": r.parameters, "flops": r.flops, "seconds": r.seconds, "loading": r.loading}
            row |= {"memory": r.memory, "throughput": r.throughput}
            row |= dict(r.final) | {f"transfer: {name}": value for name, value in r.transfer.items()}
        rows.append(row | {f"{k} version" if k != "code" else "code": v for k, v in trial.environment.items()})
    return _squared(rows)


def epoch_rows(record: StudyRecord) -> list[dict[str, Any]]:
    """One row per epoch of every trial."""
    rows = []
    for member in record.members:
        for number, epoch in enumerate(record.trial(member).epochs, 1):
            place = {"problem": member.problem, "strategy": member.strategy, "seed": member.seed, "trial": member.key}
            rows.append(place | {"epoch": number, "loss": epoch.loss, "seconds": epoch.seconds} | dict(epoch.metrics))
    return _squared(rows)


def as_csv(rows: list[dict[str, Any]]) -> str:
    """Comma-separated text with a header; what is unknown is empty."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, list(rows[0]) if rows else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()


def as_json(record: StudyRecord, findings: Findings) -> str:
    """The study, its findings and its trials; a number that is none is null."""
    data = {
        "about": record.about,
        "command": record.command,
        "findings": asdict(findings),
        "history": history_data(record),
        "trials": trial_rows(record),
    }
    return json.dumps(plain(data), indent=1, allow_nan=False, ensure_ascii=False) + "\n"


def parquet(rows: list[dict[str, Any]], path: Path) -> None:
    """Write a Parquet file. Raises S665 without pyarrow."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise ScanlabError.at("S665", "Parquet files need pyarrow", help='pip install "scanlab[reports]"') from None
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path)


def _squared(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """All rows with all columns, in the order of their first appearance."""
    columns = dict.fromkeys(column for row in rows for column in row)
    return [{column: row.get(column) for column in columns} for row in rows]
