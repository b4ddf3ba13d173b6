"""Edit distances against their definition, and rates with intervals."""

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanlab.ir.diagnostics import ScanlabError
from scanlab.study.text_errors import edit_distance, error_counts, error_rate


def by_definition(one, other):
    @cache
    def cost(i, j):
        if not i or not j:
            return i + j
        return min(cost(i - 1, j) + 1, cost(i, j - 1) + 1, cost(i - 1, j - 1) + (one[i - 1] != other[j - 1]))

    return cost(len(one), len(other))


@settings(max_examples=200, deadline=None)
@given(st.text("abcſ", max_size=8), st.text("abcſ", max_size=8))
def test_edits_are_the_fewest_that_there_are(one, other):
    assert edit_distance(one, other) == by_definition(one, other)
    words = one.split("a"), other.split("a")
    assert edit_distance(*words) == by_definition(*words)


def test_counts_are_of_characters_and_of_words():
    counts = error_counts(["der Hund", "", "ein  Wort mehr"], ["der Hand", "da", "ein Wort"])
    assert counts.tolist() == [[1, 8, 1, 2], [2, 2, 1, 1], [6, 8, 1, 2]]


def test_a_rate_is_that_of_all_texts_together_and_lies_in_its_interval():
    draw = np.random.RandomState(0)
    lengths = draw.randint(20, 80, 300)
    edits = draw.binomial(lengths, 0.1)
    alone = error_rate(edits, lengths)
    assert alone.rate == edits.sum() / lengths.sum()
    assert alone.low < alone.rate < alone.high
    assert error_rate(edits, lengths) == alone


def test_texts_of_one_print_that_fail_together_widen_the_interval():
    groups = np.arange(300) // 20
    lengths = np.full(300, 50)
    edits = np.where(groups % 3 == 0, 20, 1)
    alone, together = error_rate(edits, lengths), error_rate(edits, lengths, groups)
    assert together.rate == alone.rate
    assert together.high - together.low > 2 * (alone.high - alone.low)


def test_the_interval_covers_the_rate_about_as_often_as_it_says():
    draw = np.random.RandomState(1)
    covered = 0
    for _ in range(200):
        lengths = draw.randint(20, 80, 60)
        got = error_rate(draw.binomial(lengths, 0.1), lengths, draws=300)
        covered += got.low <= 0.1 <= got.high
    assert 175 <= covered <= 199


def test_nothing_to_compare_with_is_refused():
    with pytest.raises(ScanlabError, match="S672"):
        error_rate(np.array([1]), np.array([0]))


@pytest.mark.parametrize("changes", [{"confidence": 1.5}, {"confidence": 0}, {"draws": 0}])
def test_an_interval_needs_a_confidence_and_draws(changes: dict) -> None:
    with pytest.raises(ScanlabError, match=r"S672.*no interval"):
        error_rate(np.array([1, 0]), np.array([4, 4]), **changes)
