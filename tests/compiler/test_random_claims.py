"""The prover against plain counting: on random claims it is never wrong, and rarely without an answer."""

from __future__ import annotations

from collections import Counter
from itertools import islice

import pytest
from random_claims import Claim, claims

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
            assert proof.code == "S305", f"{claim.text}: {proof}"
            return "refuted"
        assert claim.fails_on(example.grid), f"{claim.text}: {proof}"
        assert claim.shows(example.grid, example.patches), f"{claim.text}: {proof}"
        return "refuted"
    wrong = [g for g in claim.grids if claim.fails_on(g)]
    assert not wrong, f"{claim.text}: {proof}, but it fails on {wrong[0]}"
    return proof.verdict


@pytest.mark.parametrize("seed", range(4))
def test_random_claims(seed: int) -> None:
    counts = Counter(_judged(claim) for claim in islice(claims(seed), 500))
    assert counts["undecided"] <= 25, counts
    assert counts["proved"] >= 100 and counts["refuted"] >= 100, counts
