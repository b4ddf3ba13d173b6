"""Findings in words that follow the figures."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from scanlab.ir.text import count_text
from scanlab.study.changes import hundredths
from scanlab.study.controls import is_peer, removed_by, repeated_by
from scanlab.study.findings import Findings, ProblemFindings, SizeFindings, StrategyFindings
from scanlab.study.overall import is_pooled
from scanlab.study.statistics import ROUNDING, Difference, format_difference
from scanlab.study.tasks import Task
from scanlab.study.trial_wording import cost_sentences, diverged_sentences, failure_sentence, seeds_sentences

# Shorter curves have no last fifth.
LEARNING_EPOCHS = 5
EACH_ALIKE = "with each seed the same: their spread counts as half of the smallest step"

__all__ = [
    "amount",
    "margin_amount",
    "overall_sentences",
    "problem_sentences",
    "resolution_words",
    "size_sentences",
    "verdict",
]


def verdict(
    difference: Difference, adjusted: float | None, within: float | None, margin: float, task: Task, waiting: bool
) -> tuple[str, str]:
    """The kind of a comparison, and its words.

    adjusted: the adjusted p of a difference. within: that of equivalence. waiting: trials of the two have no result.
    """
    n = count_text(difference.pairs, "seed")
    alpha = 1 - difference.confidence
    equivalent = within is not None and within < alpha
    band = f"equivalent within ±{margin_amount(margin, task.unit)}"
    if waiting:
        return "waiting", f"not judged yet, with {n} so far"
    if adjusted is not None and adjusted < alpha:
        kind = "better" if (difference.mean > 0) == task.higher else "worse"
        words = f"{kind} by {_size(difference, task.unit)}"
        words += f" ({EACH_ALIKE})" if difference.constant else ""
        return kind, f"{words}, yet {band}" if equivalent else words
    if equivalent:
        return "equivalent", band
    return "not distinguishable", _undecided(difference, n, task.unit)


def _undecided(difference: Difference, seeds: str, unit: str) -> str:
    """Why neither a difference nor equivalence is claimed. Where all pairs differ by the same, and with one pair, the
    difference itself: nothing tells how much of it is chance."""
    each = f"{format_difference(difference.mean, unit)} {unit}".rstrip()
    if difference.pairs == 1:
        return f"{each} with 1 seed, which shows no spread to judge by"
    if not difference.constant:
        return f"not distinguishable with {seeds}"
    if abs(difference.mean) < ROUNDING:
        return f"not distinguishable with {seeds}, and equal with each"
    return f"{each} with each of {seeds}, too few to tell that from chance"


def _size(difference: Difference, unit: str) -> str:
    """From where to where a difference that is not zero reaches."""
    assert difference.low is not None and difference.high is not None
    low, high = sorted((abs(difference.low), abs(difference.high)))
    # Holm's p rejects a little sooner than the intervals, which hold for all comparisons, leave out zero.
    if difference.low * difference.high < 0:
        return f"at most {amount(high, unit)}"
    return f"{amount(low, unit).removesuffix(f' {unit}')} to {amount(high, unit)}"


def amount(value: float, unit: str) -> str:
    """A size in points, or as it is without a unit."""
    if not unit:
        return f"{value:.3g}"
    # A tenth of a point is fine enough, but for what is less.
    digits = ".1f" if not value or 100 * abs(value) >= 0.095 else ".1g"
    return f"{100 * value:{digits}} {unit}"


def margin_amount(margin: float, unit: str) -> str:
    """A margin as it was set: nothing of it is rounded away."""
    return f"{hundredths(margin)} {unit}" if unit else f"{margin:.3g}"


def problem_sentences(problem: ProblemFindings, about: Mapping[str, Any]) -> Iterator[str]:
    """What a problem's comparisons and controls say; first, whether orders were told apart at all."""
    base = about["baseline"]
    rows = [row for row in problem.rows if row.control is None and row.label != base]
    yield from _sensitivity(problem, base)
    yield from _comparisons(rows, base)
    for row in rows:
        if row.same_as:
            yield f"{row.label} is the same order as {row.same_as} on this grid: it was not run twice."
    for row in problem.rows:
        if row.control and row.comparison:
            yield _control(row, base, problem.unit)
    if problem.resolution and 0 < problem.margin < problem.resolution * (1 - 1e-9):
        margin, step = margin_amount(problem.margin, problem.unit), resolution_words(problem)
        yield f"Nothing is called equivalent: the margin, {margin}, is below the smallest step between results, {step}."
    yield from diverged_sentences(problem)
    yield from seeds_sentences(problem, len(about["seeds"]))
    yield from _learning(problem)
    yield from cost_sentences(rows, base)


def resolution_words(problem: ProblemFindings) -> str:
    """The smallest step of a problem's metric, and how it is known; "" where it is not."""
    if not problem.resolution:
        return ""
    step = amount(problem.resolution, problem.unit)
    if problem.guessed:
        return f"{step} (a guess, from the results themselves)"
    return f"{step} (by the {count_text(problem.tested, 'sample')} measured on)"


def _sensitivity(problem: ProblemFindings, base: str) -> Iterator[str]:
    """Whether a difference between orders could have shown: without that, "equivalent" is empty (ICH E10, 1.5)."""
    removed = [row for row in problem.rows if row.control and row.comparison and removed_by(row.control)]
    plain = [row for row in problem.rows if row.control is None]
    without = [row.comparison for row in removed if row.comparison]
    strategies = [row.comparison for row in plain if row.comparison]
    alike = any(c.kind == "equivalent" for c in strategies)
    if problem.blind:
        names = [str(row.control) for row in removed]
        differ = f"neither {' nor '.join(names)} differs" if len(names) > 1 else f"{names[0]} does not differ"
        seeds = count_text(max(c.difference.pairs for c in (*without, *strategies)), "seed")
        unshown = [c.difference for c in without if c.kind != "equivalent"]
        # That nothing was seen is a fact about a study; that there is nothing to see takes controls shown to be alike.
        verdict = "This study did not tell orders apart here" if unshown else "This problem cannot tell orders apart"
        left = f"; {_could_differ(unshown, problem.unit)}" if unshown else ""
        yield (
            f"{verdict}, with {seeds}: {differ} from {base}, and no strategy does{left}."
            + " What is equivalent here is so without its order as well." * (alike and len(unshown) < len(without))
        )
    elif alike and not any(c.decided for c in (*without, *strategies)):
        yield "No control shows that this problem can tell orders apart: read “equivalent” with that in mind."


def _could_differ(unshown: Sequence[Difference], unit: str) -> str:
    """How large a difference of controls a study leaves open."""
    ends = [abs(end) for d in unshown for end in (d.low, d.high) if end is not None]
    if len(ends) < 2 * len(unshown):
        return "how much a control could still differ by is not known"
    return f"a control could still differ by up to {amount(max(ends), unit)}"


def _learning(problem: ProblemFindings) -> Iterator[str]:
    """Whether the metric still moves at the end by more than the strategies differ: then speed is compared as well."""
    long = [row for row in problem.rows if row.control is None and len(row.curves) >= LEARNING_EPOCHS]
    rows = [row for row in long if all(math.isfinite(mean) for mean, _, _ in row.curves)]
    if len(rows) < 2:
        return
    ends = [row.curves[-1][0] for row in rows]
    sign = 1 if problem.higher else -1
    gains = [sign * (row.curves[-1][0] - row.curves[-1 - len(row.curves) // 5][0]) for row in rows]
    most = max(gains)
    if most > max(ends) - min(ends) and most > 0:
        label = rows[gains.index(most)].label
        yield (
            f"Training had not come to rest: in the last fifth of its epochs {label} gained "
            f"{amount(most, problem.unit)}, more than the strategies differ by: trained on, they may rank otherwise."
        )


def overall_sentences(findings: Findings) -> Iterator[str]:
    """The verdict of a whole study."""
    waiting = findings.counts.get("waiting", 0) + findings.counts.get("running", 0)
    if waiting:
        yield f"This study is not finished: {waiting} of {sum(findings.counts.values())} trials have no result yet."
    if findings.failures:
        yield failure_sentence(findings)
    if len(findings.problems) == 1:
        yield from findings.problems[0].sentences
        return
    for problem in findings.problems:
        rows = [row for row in problem.rows if row.control is None and row.label != findings.baseline]
        compared = (*_sensitivity(problem, findings.baseline), *_comparisons(rows, findings.baseline))
        single = (*diverged_sentences(problem), *seeds_sentences(problem, len(findings.seeds)))
        said = " ".join((*compared, *single))
        if said:
            yield f"{problem.name}: {said}"
    for sizes in findings.sizes:
        said = " ".join(size_sentences(sizes, findings.baseline, findings.confidence))
        if said:
            yield f"{sizes.of}, by the number of training images: {said}"
    yield from _pooled(findings)


def size_sentences(sizes: SizeFindings, baseline: str, confidence: float) -> Iterator[str]:
    """Where few training images change how a strategy stands beside the baseline, and where that is not shown."""
    few, many = sizes.images[0], sizes.images[-1]
    open_ = []
    for row in sizes.rows:
        if row.change is None:
            continue
        if not row.decided(confidence):
            open_.append(row.label)
            continue
        verb = "gains" if (row.change.mean > 0) == sizes.higher else "loses"
        words = f"With {few} training images in place of {many}, {row.label} {verb} {_size(row.change, sizes.unit)}"
        chance = row.control and not removed_by(row.control) and not is_peer(row.control)
        yield f"{words} on {baseline}" + (": a difference that is chance, and a warning." if chance else ".")
    if open_:
        yield (
            f"Not shown to stand otherwise beside {baseline} with {few} training images than with {many}: "
            f"{', '.join(open_)}."
        )


def _pooled(findings: Findings) -> Iterator[str]:
    """What holds over problems, of which every one counts once."""
    best = sorted((row.rank, row.label) for row in findings.overall if row.rank is not None)
    if not best or findings.friedman is None:
        return
    f, ranked = findings.friedman, ", ".join(f"{label} {rank:.1f}" for rank, label in best)
    yield f"Over {f.blocks} problems, mean ranks, 1 the best: {ranked} (Friedman, p = {_p(f.p)} by permutation)."
    yield from _unpooled(findings)
    for row in findings.overall:
        d = row.difference
        if d is not None and row.adjusted is not None and row.adjusted < 1 - findings.confidence:
            words = f"{'better' if d.mean > 0 else 'worse'} by {_size(d, 'points')}"
            yield f"Of problems of this kind, on average, {row.label} is {words} than {findings.baseline}."


def _unpooled(findings: Findings) -> Iterator[str]:
    """Of which problems some seeds, or all, are in no mean over problems."""
    labels = [row.label for row in findings.overall]
    left = [p.name for p in findings.problems if not is_pooled(p, labels)]
    if left:
        yield f"Without {', '.join(left)}, where no seed has a result of every strategy."
    some = [p for p in findings.problems if p.name not in left and p.pooled_seeds < len(findings.seeds)]
    if some:
        listed = ", ".join(f"of {p.name} {count_text(p.pooled_seeds, 'seed')}" for p in some)
        yield f"In these means only seeds count that have a result of every strategy: {listed}."


def _comparisons(rows: Sequence[StrategyFindings], base: str) -> Iterator[str]:
    compared = [(row.label, row.comparison) for row in rows if row.comparison is not None]
    for label, c in compared:
        if c.decided:
            yield f"{label} is {_than(c.verdict, base)}."
    same: dict[str, list[str]] = {}
    for label, c in compared:
        if not c.decided:
            same.setdefault(c.verdict, []).append(label)
    for words, labels in same.items():
        if words.startswith(("+", "-")):
            words = words.replace(" with ", f" against {base} with ", 1)
        for kind, preposition in (("equivalent", "to"), ("not distinguishable", "from")):
            words = words.replace(kind, f"{kind} {preposition} {base}", 1)
        yield f"{', '.join(labels)}: {words}."


def _than(words: str, base: str) -> str:
    """The verdict of a difference with what it is a difference from, but where it is said to be equivalent as well."""
    if ", yet" in words:
        return words
    size, space, note = words.partition(" (")
    return f"{size} than {base}{space}{note}"


def _control(row: StrategyFindings, base: str, unit: str) -> str:
    assert row.comparison is not None and row.control is not None
    c, decided = row.comparison, row.comparison.decided
    removed, again = removed_by(row.control), repeated_by(row.control)
    if c.kind == "waiting":
        return f"{row.control}: {c.verdict}."
    verb = "differs by" if c.verdict.startswith(("+", "-")) else "is"
    if is_peer(row.control):
        words = f"{c.verdict} to {base}" if c.kind == "equivalent" else _than(c.verdict, base) if decided else c.verdict
        return f"{row.control}, a peer with as many parameters, {verb} {words}."
    if not removed:
        d, repeat = c.difference, f"{row.control}: {base} against itself {again}"
        if d.low is None or d.high is None or (d.constant and d.mean and not decided):
            return f"{repeat}: {c.verdict}."
        reach = amount((d.high - d.low) / 2, unit)
        state = "a difference that is chance, and a warning" if decided else "nothing, as it should"
        return f"{repeat} shows {state}; its interval reaches {reach} either way."
    if c.kind == "equivalent":
        return f"{row.control} is {c.verdict} to {base}: {removed} mattered by no more than that here."
    doubt = "" if decided else "this study does not show that "
    return f"{row.control} {verb} {_than(c.verdict, base) if decided else c.verdict}: {doubt}{removed} mattered here."


def _p(value: float) -> str:
    return f"{value:.4f}" if value < 0.01 else f"{value:.3f}"
