"""How every class does: confusion matrices, or Dice of every class, of what trials said of single samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from numpy.typing import NDArray

from scanlab.ir.text import count_text
from scanlab.study.findings import ProblemFindings
from scanlab.study.predictions import Predictions, read_predictions
from scanlab.study.record import StudyRecord
from scanlab.study.statistics import mean_spread

__all__ = ["Confusion", "confusion_of", "per_class_html", "shares_of"]

# Of more classes than these the most frequent confusions are listed, so many of them.
MOST_CLASSES = MOST_CONFUSIONS = 20


@dataclass(frozen=True, eq=False)
class Confusion:
    """counts: int64 [true class, predicted class], over all samples and seeds."""

    counts: NDArray[np.int64]
    seeds: int

    def share(self, true: int, predicted: int) -> float | None:
        """Of the samples of a class, the share that was taken for another; None where there are none."""
        total = int(self.counts[true].sum())
        return int(self.counts[true, predicted]) / total if total else None

    def largest(self) -> list[tuple[int, int]]:
        """The pairs of true and predicted class that were confused, the most frequent first."""
        wrong = self.counts * (1 - np.eye(len(self.counts), dtype=np.int64))
        order = np.argsort(-wrong, axis=None, kind="stable")[:MOST_CONFUSIONS]
        pairs = [divmod(int(place), len(wrong)) for place in order]
        return [(true, predicted) for true, predicted in pairs if wrong[true, predicted]]


def confusion_of(kept: Sequence[Predictions]) -> Confusion | None:
    """The confusion matrix of one strategy's trials; None without predicted classes."""
    pairs = [(each.truth, each.values) for each in kept if each.kind == "class" and each.truth is not None]
    if not pairs:
        return None
    classes = 1 + max(int(max(truth.max(initial=0), values.max(initial=0))) for truth, values in pairs)
    counts = sum(np.bincount(truth * classes + values, minlength=classes**2) for truth, values in pairs)
    return Confusion(np.asarray(counts, np.int64).reshape(classes, classes), len(pairs))


def shares_of(kept: Sequence[Predictions], kind: str = "dice") -> list[tuple[float, float | None]] | None:
    """Mean and standard deviation over one strategy's seeds of a kind of shares: the Dice of each class but the
    background, or the "ap50" of each class, each a mean over the samples where the target or what was said of it has
    the class; NaN for a class that no sample has. None where no such shares were kept."""
    scores = [each.values for each in kept if each.kind == kind]
    if not scores:
        return None
    means = np.array([[_mean(column) for column in values.T] for values in scores])
    return [mean_spread(column.tolist()) for column in means.T]


def per_class_html(record: StudyRecord, problem: ProblemFindings) -> str:
    """The section of a problem: a matrix per strategy, folded, or one table of Dice; a word where nothing was kept."""
    kept = {row.label: _kept(record, problem.name, row.label) for row in problem.rows if not row.same_as}
    if not any(kept.values()):
        return "<p>Nothing was kept of single samples when these trials ran.</p>"
    for kind, (first, note) in _SHARES.items():
        if shares := {label: shares for label, each in kept.items() if (shares := shares_of(each, kind))}:
            return _share_table(shares, first, note)
    confusions = {label: matrix for label, each in kept.items() if (matrix := confusion_of(each))}
    if not confusions:
        return "<p>This task has no classes.</p>"
    return "".join(_folded(label, confusion) for label, confusion in confusions.items())


def _kept(record: StudyRecord, problem: str, label: str) -> list[Predictions]:
    members = [m for m in record.members if (m.problem, m.strategy) == (problem, label)]
    kept = read_predictions(record, members)
    return [kept[m.key] for m in members if m.key in kept]


def _mean(values: NDArray[np.float64]) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")


# Kinds of shares with the number of their first class and what stands below their table.
_SHARES = {
    "dice": (1, "Dice of every class in %, ± its standard deviation over seeds; – where no mask and no guess has it."),
    "ap50": (
        0,
        "AP at IoU 0.5 of every class in %, of each image by itself and averaged over images, ± its standard deviation "
        "over seeds; – where no box and no guess has it.",
    ),
}


def _share_table(shares: dict[str, list[tuple[float, float | None]]], first: int, note: str) -> str:
    classes = range(first, first + max(map(len, shares.values())))
    head = "".join(f"<th>class {c}</th>" for c in classes)
    rows = "".join(
        f"<tr><td>{escape(x)}</td>{''.join(_share_cell(*pair) for pair in row)}</tr>" for x, row in shares.items()
    )
    return f'{_table(head, rows)}<p class="note">{note}</p>'


def _share_cell(mean: float, spread: float | None) -> str:
    if np.isnan(mean):
        return "<td>–</td>"
    return f"<td>{100 * mean:.1f}{'' if spread is None else f' ± {100 * spread:.1f}'}</td>"


def _folded(label: str, confusion: Confusion) -> str:
    many = len(confusion.counts) > MOST_CLASSES
    shown = _list(confusion) if many else _matrix(confusion)
    seeds = f"{count_text(confusion.seeds, 'seed')} together"
    return f"<details><summary>{escape(label)}, {seeds}</summary>{shown}</details>"


def _matrix(confusion: Confusion) -> str:
    classes = range(len(confusion.counts))
    head = "".join(f"<th>{c}</th>" for c in classes)
    rows = "".join(
        f"<tr><td>{true}</td>{''.join(_cell(confusion, true, guess) for guess in classes)}</tr>" for true in classes
    )
    note = "Rows: true classes. Columns: what they were taken for, in % of the row."
    return f'{_table(head, rows, "true", "confusion")}<p class="note">{note}</p>'


def _cell(confusion: Confusion, true: int, guess: int) -> str:
    share, count = confusion.share(true, guess), int(confusion.counts[true, guess])
    if not count or share is None:
        return "<td></td>"
    kind = "right" if true == guess else "wrong"
    about = f"class {true} taken for {guess}: {count_text(count, 'time')}"
    return f'<td class="{kind}" style="--share:{share:.2f}" title="{about}">{100 * share:.1f}</td>'


def _list(confusion: Confusion) -> str:
    rows = "".join(
        f"<tr><td>{true}</td><td>{guess}</td><td>{confusion.counts[true, guess]}</td>"
        f"<td>{100 * (confusion.share(true, guess) or 0):.1f}</td></tr>"
        for true, guess in confusion.largest()
    )
    return _table("<th>taken for</th><th>times</th><th>% of the class</th>", rows, "true")


def _table(head: str, rows: str, first: str = "strategy", kind: str = "") -> str:
    return (
        f'<div class="scroll" tabindex="0"><table class="{kind}"><thead><tr><th>{first}</th>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )
