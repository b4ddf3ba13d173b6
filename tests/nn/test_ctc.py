"""Texts of scores per step: greedy and by a beam, against all alignments of small cases."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanlab.ir.diagnostics import ScanlabError
from scanlab.nn.ctc import beam_search, best_path, needed_steps


def log_probabilities(steps, symbols, seed):
    scores = 3 * np.random.RandomState(seed).randn(steps, symbols + 1)
    return scores - np.logaddexp.reduce(scores, axis=1, keepdims=True)


def text_of(alignment, blank):
    kept = [s for n, s in enumerate(alignment) if n == 0 or s != alignment[n - 1]]
    return tuple(s for s in kept if s != blank)


def all_texts(scores):
    """The probability of every text, by the sum over all its alignments; and the likeliest alignment's text."""
    steps, columns = scores.shape
    totals, best = {}, (-np.inf, ())
    for alignment in product(range(columns), repeat=steps):
        score = scores[np.arange(steps), alignment].sum()
        text = text_of(alignment, columns - 1)
        totals[text] = np.logaddexp(totals.get(text, -np.inf), score)
        best = max(best, (score, text))
    return totals, best[1]


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 5), st.integers(1, 3), st.integers(0, 10_000))
def test_a_wide_beam_gives_every_text_with_its_probability(steps, symbols, seed):
    scores = log_probabilities(steps, symbols, seed)
    totals, likeliest = all_texts(scores)
    found = beam_search(scores, width=len(totals) + 1)
    assert {text for text, _ in found} == set(totals)
    for text, score in found:
        assert score == pytest.approx(totals[text], abs=1e-9)
    assert [score for _, score in found] == sorted((score for _, score in found), reverse=True)
    assert found[0][0] == max(totals, key=totals.__getitem__)
    assert best_path(scores) == likeliest


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 6), st.integers(1, 3), st.integers(0, 10_000), st.integers(1, 4))
def test_a_narrow_beam_never_gives_a_text_too_much(steps, symbols, seed, width):
    scores = log_probabilities(steps, symbols, seed)
    totals, _ = all_texts(scores)
    found = beam_search(scores, width)
    assert len(found) <= width
    assert all(score <= totals[text] + 1e-9 for text, score in found)


def test_a_beam_finds_the_text_that_the_best_path_misses():
    # Every step prefers the blank, and yet "0" has three alignments to the one of the empty text.
    scores = np.log(np.array([[0.4, 0.6], [0.4, 0.6]]))
    assert best_path(scores) == ()
    text, score = beam_search(scores)[0]
    assert text == (0,)
    assert np.exp(score) == pytest.approx(0.64)


def test_texts_that_cannot_be_are_not_given():
    scores = np.log(np.array([[1.0, 1e-300, 1e-300], [1e-300, 1.0, 1e-300]]))
    scores[scores < -100] = -np.inf
    assert beam_search(scores, width=10) == [((0, 1), 0.0)]


def test_repeated_symbols_need_a_blank_between_them():
    assert [needed_steps(text) for text in ((), (1,), (1, 2), (1, 1), (1, 1, 1))] == [0, 1, 2, 3, 5]


@pytest.mark.parametrize(
    "scores", [np.zeros(3), np.zeros((2, 1)), np.zeros((2, 3), int), np.array([[0.0, np.nan, 0.0]])]
)
def test_what_is_no_scores_is_refused(scores):
    for decode in (best_path, beam_search):
        with pytest.raises(ScanlabError, match="S672"):
            decode(scores)


def test_a_beam_of_no_width_is_refused():
    with pytest.raises(ScanlabError, match="S672"):
        beam_search(np.zeros((2, 3)), width=0)
