"""The prover against plain counting: on random claims it is never wrong, and rarely without an answer."""

from __future__ import annotations

from collections import Counter
from itertools import islice

import pytest
from random_claims import Claim, claims
from sweep import chunks

from scanlab.ir.diagnostics import ScanlabError


def _judged(claim: Claim) -> str:
    """The verdict, once it is known to be right."""
    try:
        proof = claim.prove()
    except ScanlabError as error:
        assert error.code != "S310", f"{claim.text}: {error}"
        return "refused"
    if proof.verdict == "refuted":
        example = proof.counterexample
        if example is None:
            assert proof.code == "S305" or (proof.code == "S311" and not claim.grids), f"{claim.text}: {proof}"
            return "refuted"
        assert claim.allows(example.grid), f"{claim.text}: {proof}"
        assert claim.fails_on(example.grid), f"{claim.text}: {proof}"
        assert claim.shows(example.grid, example.patches), f"{claim.text}: {proof}"
        return "refuted"
    wrong = [g for g in claim.grids if claim.fails_on(g)]
    assert not wrong, f"{claim.text}: {proof}, but it fails on {wrong[0]}"
    return proof.verdict


@pytest.mark.sweep
@pytest.mark.parametrize("numbers", chunks(2_000, sweep=20_000, count=4), ids=str)
def test_random_claims(numbers: range) -> None:
    counts = Counter(_judged(claim) for claim in islice(claims(numbers.start), len(numbers)))
    assert counts["undecided"] <= 0.05 * len(numbers), counts
    assert counts["proved"] >= 0.2 * len(numbers) and counts["refuted"] >= 0.2 * len(numbers), counts
