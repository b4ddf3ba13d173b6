"""What single trials mean for a verdict, in words: those that failed, those that diverged, and what strategies cost."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence

from scanlab.ir.text import count_text, shortened
from scanlab.study.findings import Findings, ProblemFindings, StrategyFindings
from scanlab.study.record import StudyRecord

__all__ = [
    "cost_sentences",
    "diverged_sentences",
    "diverged_words",
    "failed_names",
    "failure_reason",
    "failure_sentence",
    "ratio_text",
    "seeds_sentences",
    "stopped_sentences",
]

# Of failures a verdict names so many, each with so many letters of its reason.
MOST_FAILURES, MOST_REASON = 5, 160
_HEAD = "Traceback (most recent call last):"


def failure_sentence(findings: Findings) -> str:
    """Which trials failed, and why; of many the first few."""
    count = len(findings.failures)
    named = [f"{name} ({failure_reason(error)})" for name, error in findings.failures[:MOST_FAILURES]]
    more = [f"{count - MOST_FAILURES} more"] if count > MOST_FAILURES else []
    verb = "is" if count == 1 else "are"
    return f"{count_text(count, 'trial')} failed and {verb} left out: {'; '.join([*named, *more])}."


def failure_reason(error: str) -> str:
    """Why a trial failed, on one line: the kind of error and, where its traceback is there, what the error said.

    >>> failure_reason('ValueError\\nTraceback (most recent call last):\\n  File "a.py"\\nValueError: no such grid\\n')
    'ValueError: no such grid'
    """
    kind, _, trace = error.partition("\n")
    lines = trace.splitlines()
    heads = [number for number, line in enumerate(lines) if line == _HEAD]
    # Of errors in a chain the last one counts. What was raised begins at the margin, below indented frames; a message
    # of several lines, perhaps with another traceback in it, goes on below.
    raised = next((line for line in lines[heads[-1] + 1 if heads else 0 :] if re.match(r"[\w.]+: ", line)), "")
    said = shortened(re.sub(r"^error\[(S\d+)\]", r"\1", raised.partition(": ")[2]), MOST_REASON).rstrip(".")
    return f"{kind}: {said}" if said and said != kind else kind


def failed_names(record: StudyRecord, keys: Collection[str]) -> list[str]:
    """These trials of a study in words, each by the first of its places."""
    names: dict[str, str] = {}
    for m in record.members:
        names.setdefault(m.key, f"{m.problem}, {m.strategy}, seed {m.seed}")
    return [name for key, name in names.items() if key in keys]


def stopped_sentences(record: StudyRecord | None, keys: Collection[str]) -> list[str]:
    """Which of these trials diverged in an earlier run, and are not trained again."""
    stopped = {key for key in keys if record and key in record.trials and record.trials[key].diverged}
    if record is None or not stopped:
        return []
    names = failed_names(record, stopped)
    more = [f"{len(names) - MOST_FAILURES} more"] if len(names) > MOST_FAILURES else []
    verb, them = ("is", "it") if len(stopped) == 1 else ("are", "them")
    return [
        f"{count_text(len(stopped), 'trial')} diverged in an earlier run and {verb} not trained again, since the same "
        f"settings give the same numbers: {'; '.join([*names[:MOST_FAILURES], *more])}. --retry-diverged goes on with "
        f"{them} from the epoch before; with another recipe these are other trials."
    ]


def diverged_sentences(problem: ProblemFindings) -> Iterator[str]:
    """Results that are no numbers, and what is not compared for it."""
    for row in problem.rows:
        if row.diverged:
            yield f"{row.label}: {diverged_words(row, problem)}, so that nothing is compared with it."


def diverged_words(row: StrategyFindings, problem: ProblemFindings) -> str:
    """With which seeds a training diverged, or its result is no number."""
    stopped = [seed for seed in row.diverged if seed not in row.seeds]
    undefined = [seed for seed in row.diverged if seed in row.seeds]
    clauses = [f"its training diverged with {_seeds(stopped)}"] if stopped else []
    clauses += [f"its {problem.metric.replace('_', ' ')} is no number with {_seeds(undefined)}"] if undefined else []
    return " and ".join(clauses)


def _seeds(seeds: Sequence[int]) -> str:
    return f"seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))}"


def seeds_sentences(problem: ProblemFindings, seeds: int) -> Iterator[str]:
    """Which strategies lack seeds for good: a difference is no longer that of the two means then."""
    lacking = [row for row in problem.rows if len(row.seeds) < seeds]
    if lacking and not any(row.waiting for row in problem.rows):
        counts = ", ".join(f"{row.label} {len(row.seeds)} of {seeds}" for row in lacking)
        yield f"Means are over the seeds that each strategy has, differences over those that both have: {counts}."


def cost_sentences(rows: Sequence[StrategyFindings], base: str) -> Iterator[str]:
    """Which strategies have not the baseline's cost, and in what: FLOPs and parameters are different things."""
    clauses = []
    for place, what in enumerate(("FLOPs", "parameters")):
        unequal = [(row.label, row.ratios[place]) for row in rows if row.ratios and abs(row.ratios[place] - 1) > 1e-9]
        if unequal:
            clauses.append(f"{what}, " + ", ".join(f"{label} {ratio_text(ratio)} times" for label, ratio in unequal))
    if clauses:
        yield f"Not of order alone: of {base}'s {'; of its '.join(clauses)}."


def ratio_text(ratio: float) -> str:
    """With two decimals, or with as many as tell it from 1.

    >>> ratio_text(1.5), ratio_text(1.0004), ratio_text(1.0)
    ('1.50', '1.0004', '1.00')
    """
    digits = 2
    while digits < 9 and abs(ratio - 1) > 1e-9 and float(f"{ratio:.{digits}f}") == 1:
        digits += 1
    return f"{ratio:.{digits}f}"
