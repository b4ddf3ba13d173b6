"""How often a study's verdicts are right: `python benchmarks/verdicts.py [--json FILE] [--studies N] [--workers N]`.

Studies with known truth are drawn (seeded), and judged by the whole of `scanlab.study.analyse`: whether what the power
sentence promises is kept, how often equal strategies are said to differ, and how often strategies that differ by the
margin are called equivalent. Shares are of N studies each, with the standard error sqrt(p (1 - p) / N).
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from pathlib import Path

import numpy as np
from rich.console import Console

import scanlab.study.statistics as rules
from scanlab.bench.machine import environment
from scanlab.ir.text import count_text
from scanlab.study import Epoch, Findings, MemberRecord, StudyRecord, TrialRecord, TrialResult, analyse
from scanlab.study.power import detectable_effect, equivalence_spread

Values = Mapping[str, Mapping[str, np.ndarray]]
CONTROLS = ("no scan", "random order 1", "random order 2")
NOISE = 0.01
MARGIN = 0.04
# Of parts of which a third is tested: 0.3 / 0.7, as of digits.
OVERLAP = 3 / 7
# Seeds, strategies, samples (0: a metric without steps), margin, overlap.
PROMISED = (
    (5, 4, 0, 0.02, 0.0),
    (5, 4, 0, 0.02, OVERLAP),
    (3, 3, 72, 0.02, 0.0),
    (5, 4, 72, 0.014, 0.0),
    (5, 9, 72, 0.02, 0.0),
    (5, 4, 540, 0.01, 0.0),
    (10, 4, 72, 0.02, OVERLAP),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--studies", type=int, default=2000)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    cases = dict(_cases())
    with ProcessPoolExecutor(options.workers) as pool:
        shares = dict(zip(cases, pool.map(_share, cases.values(), [options.studies] * len(cases)), strict=True))
    for name, share in shares.items():
        Console().print(f"{name}: {share}", highlight=False)
    if options.json:
        data = {
            "command": " ".join(["python", *sys.argv]),
            "environment": environment(("numpy", "scipy")),
            "studies": options.studies,
            "figures": shares,
        }
        options.json.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")


Draw = Callable[[np.random.Generator], bool]


def _share(draw: Draw, studies: int) -> float:
    """Of so many studies, those of which something holds."""
    # Friedman's permutations decide nothing here.
    rules.DRAWS = 99
    generator = np.random.default_rng(7)
    return round(sum(draw(generator) for _ in range(studies)) / studies, 4)


def _cases():
    for seeds in (3, 5, 10, 20):
        for strategies in (2, 4, 9):
            effect = _promised_effect(seeds, strategies - 1)
            name = f"found: {seeds} seeds, {strategies} strategies, a difference of {effect:.2f} sd, promised 0.8"
            yield name, partial(_found, seeds, strategies, 1, effect)
    effect = _promised_effect(5, 3, problems=4)
    yield f"found: 5 seeds, 4 strategies, 4 problems, {effect:.2f} sd, promised 0.8", partial(_found, 5, 4, 4, effect)
    for seeds in (5, 20):
        effect = _promised_effect(seeds, 3, overlap=OVERLAP)
        name = f"found: {seeds} seeds that redraw a third for tests, 4 strategies, {effect:.2f} sd, promised 0.8"
        yield name, partial(_found, seeds, 4, 1, effect, overlap=OVERLAP)
    for seeds, strategies, samples, margin, overlap in PROMISED:
        spread = equivalence_spread(seeds, strategies - 1, overlap=overlap, step=1 / samples / margin if samples else 0)
        assert spread is not None
        name = (
            f"equal, beside others that are not, and called equivalent within {100 * margin:.1f} points: {seeds} seeds"
            f"{' that redraw a third for tests' * bool(overlap)}, {strategies} strategies, "
            f"{f'{samples} samples' if samples else 'a metric without steps'}, {100 * margin * spread:.2f} points of "
            "deviation, promised 0.8"
        )
        yield name, partial(_promised, seeds, strategies, samples, margin, overlap, margin * spread)
    yield (
        "equal strategies said to differ: 5 seeds that redraw a third for tests, 4 strategies",
        partial(_false, 5, 4, 1, 0, False, overlap=OVERLAP),
    )
    for seeds, strategies, problems in ((3, 4, 1), (5, 2, 1), (5, 4, 1), (5, 9, 1), (20, 9, 1), (5, 4, 6), (3, 9, 6)):
        where = f"{seeds} seeds, {strategies} strategies, {count_text(problems, 'problem')}"
        for samples in (0, 72):
            kind = f"accuracies of {samples} samples" if samples else "a metric without steps"
            yield (
                f"equal strategies said to differ: {where}, {kind}",
                partial(_false, seeds, strategies, problems, samples, False),
            )
    yield "equal controls said to differ: 5 seeds, 4 strategies, 6 problems", partial(_false, 5, 4, 6, 0, True)
    for seeds in (3, 5, 10):
        for samples in (72, 360):
            for spread in (0.3, 1.0, 3.0):
                name = f"called equivalent at the margin: {seeds} seeds, {samples} samples, sd {spread} of them"
                yield name, partial(_equivalent, seeds, samples, spread)
    for problems in (6, 10):
        yield (
            f"equal on average, pooled and said to differ: {problems} problems, 5 seeds, 4 strategies",
            partial(_pooled, problems),
        )


def _promised_effect(seeds: int, comparisons: int, *, problems: int = 1, overlap: float = 0.0) -> float:
    effect = detectable_effect(seeds, comparisons, problems=problems, overlap=overlap)
    assert effect is not None, "something is promised"
    return effect


def _found(
    seeds: int, strategies: int, problems: int, effect: float, generator: np.random.Generator, overlap: float = 0.0
) -> bool:
    """Whether a strategy that is better on one problem is called so; paired differences have the deviation NOISE."""
    values = _normal(seeds, strategies, problems, generator, NOISE / math.sqrt(2), overlap=overlap)
    values["p0"]["s1"] = values["p0"]["s1"] + effect * NOISE
    comparison = _judged(values, overlap=overlap).problems[0].row("s1").comparison
    return comparison is not None and comparison.kind == "better"


def _promised(
    seeds: int,
    strategies: int,
    samples: int,
    margin: float,
    overlap: float,
    spread: float,
    generator: np.random.Generator,
) -> bool:
    """Whether a strategy that does not differ, of others that do, is called equivalent. spread: of paired differences
    as measured."""
    noise = (_before_steps(spread * samples) / samples if samples else spread) / math.sqrt(2)
    values = _normal(seeds, strategies, 1, generator, noise, overlap=overlap)
    values["p0"] |= {s: v - 10 * margin for s, v in values["p0"].items() if s not in ("s0", "s1")}
    values = _on_steps(values, samples)
    comparison = _judged(values, margin, samples, overlap).problems[0].row("s1").comparison
    return comparison is not None and comparison.equivalence is not None and comparison.equivalence < 0.05


@cache
def _before_steps(spread: float) -> float:
    """The deviation of differences that have a given one on steps of 1; neither end of them is near any step."""
    generator = np.random.default_rng(11)
    noise, place = generator.normal(size=400_000), generator.uniform(size=400_000)
    low, high = 0.0, spread
    for _ in range(20):
        middle = (low + high) / 2
        on_steps = (np.round(place + middle * noise) - np.round(place)).std()
        low, high = (middle, high) if on_steps < spread else (low, middle)
    return high


def _false(
    seeds: int,
    strategies: int,
    problems: int,
    samples: int,
    controls: bool,
    generator: np.random.Generator,
    overlap: float = 0.0,
) -> bool:
    """Whether any of equal strategies, or of equal controls, is said to differ on any problem."""
    values = _on_steps(_normal(seeds, strategies, problems, generator, NOISE, controls, overlap), samples)
    judged = _judged(values, samples=samples, overlap=overlap)
    rows = [row for problem in judged.problems for row in problem.rows if bool(row.control) == controls]
    return any(row.comparison.decided for row in rows if row.comparison)


def _equivalent(seeds: int, samples: int, spread: float, generator: np.random.Generator) -> bool:
    """Whether a strategy is called equivalent whose true difference is the margin. spread: in samples."""
    base = 0.8 * samples + generator.normal(0, 2, seeds)
    own = base + MARGIN * samples + generator.normal(0, spread, seeds)
    values = {"p0": {"s0": np.round(base) / samples, "s1": np.round(own) / samples}}
    comparison = _judged(values, MARGIN, samples).problems[0].row("s1").comparison
    return comparison is not None and (comparison.kind == "equivalent" or "equivalent" in comparison.verdict)


def _pooled(problems: int, generator: np.random.Generator) -> bool:
    """Whether strategies that differ on every problem, and not on average, are said to differ on average."""
    values = _normal(5, 4, problems, generator, NOISE)
    for of in values.values():
        for strategy in of:
            of[strategy] = of[strategy] + generator.normal(0, 2 * NOISE)
    rows = _judged(values).overall
    assert rows, "six problems are pooled"
    return any(row.adjusted is not None and row.adjusted < 0.05 for row in rows)


def _normal(
    seeds: int,
    strategies: int,
    problems: int,
    generator: np.random.Generator,
    noise: float,
    controls: bool = False,
    overlap: float = 0.0,
) -> dict[str, dict[str, np.ndarray]]:
    """Equal strategies: seeds have effects in common, as weights and batches are, and noise of their own; where they
    redraw their parts from one pool, a strategy's noise also has a share that all its seeds have in common."""
    labels = [f"s{i}" for i in range(strategies)] + ([f"control: {c}" for c in CONTROLS] if controls else [])
    values = {}
    for p in range(problems):
        common = 0.8 + generator.normal(0, NOISE, seeds)
        shares = generator.normal(0, math.sqrt(overlap) * noise, len(labels)) if overlap else np.zeros(len(labels))
        values[f"p{p}"] = {
            label: common + share + generator.normal(0, noise, seeds)
            for label, share in zip(labels, shares, strict=True)
        }
    return values


def _on_steps(values: Values, samples: int) -> Values:
    """Accuracies of so many samples; as they are for 0."""
    if not samples:
        return values
    return {p: {s: np.round(v * samples) / samples for s, v in of.items()} for p, of in values.items()}


def _judged(values: Values, margin: float = 0.0, samples: int = 0, overlap: float = 0.0) -> Findings:
    """What `analyse` says of a study with these values by problem, strategy and seed; s0 is the baseline.

    samples: that the metric is a share of, 0 for none. overlap: samples measured on over samples trained on.
    """
    members, trials = [], {}
    for problem, of in values.items():
        for label, own in of.items():
            control = label.removeprefix("control: ") if label.startswith("control: ") else None
            for seed, value in enumerate(own):
                key = f"{problem}, {label}, {seed}"
                members.append(MemberRecord(problem, label, seed, control, key))
                result = TrialResult((Epoch(1.0, {"accuracy": float(value)}),), 1000, 1000, 1.0)
                trials[key] = TrialRecord(key, "done", {}, result=result)
    first = next(iter(values.values()))
    row = {"source": "row", "axes": ["h", "w"], "grid": [4, 4]}
    plain = {label: row for label in first if not label.startswith("control: ")}
    tested = {"tested": {"samples": samples, "step": 1 / samples}} if samples else {}
    pool = {"resample": {"pooled": False, "tested": 1000 * overlap, "pool": 1000 * (1 + overlap)}} if overlap else {}
    about = {
        "name": "drawn",
        "question": "",
        "baseline": "s0",
        "seeds": list(range(len(first["s0"]))),
        "controls": {label: "" for label in first if label not in plain},
        "margins": dict.fromkeys(values, margin),
        "confidence": 0.95,
        "unequal": False,
        "problems": [
            {"name": p, "task": "classification", "strategies": plain, "fingerprint": p} | tested | pool for p in values
        ],
    }
    return analyse(StudyRecord(about, tuple(members), trials))


if __name__ == "__main__":
    main()
