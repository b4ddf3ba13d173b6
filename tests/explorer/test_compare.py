"""Strategies side by side: what the prover finds between them."""

from __future__ import annotations

import pytest

from scanlab.explorer.renderers.compared import compare_page, relation_sentences
from scanlab.explorer.snapshot import snapshot


def said(text: str, *names: str, grid: tuple[int, ...] = (6, 5)) -> list[str]:
    found = snapshot(text, grid, names)
    assert [s.name for s in found.subjects] == list(names), found.diagnostics
    return list(relation_sentences(found.subjects))


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ("order a = by 2 * h, w", "a is the same as row (proved for all sizes)."),
        ("order a = by -h, -w", "a is the reverse of row (proved for all sizes)."),
        ("order a = by w, h", "a is the transpose of row (proved for all sizes)."),
        ("order a = by -w, -h", "a is the reverse of the transpose of row (proved for all sizes)."),
        ("order a = by hilbert(h, w)", "No path in common, not even reversed or transposed: a and row."),
        ("scan a = sum(snake, -row)", "a · -row is the reverse of row (proved for all sizes)."),
    ],
)
def test_pairs_of_orders(body, sentence):
    assert said(f"grid h, w\n{body}\n", "a", "row") == [sentence]


def test_whole_strategies_come_before_their_paths():
    text = "grid h, w\nscan a = sum((by 2 * h, w), column, -row, -column)\nscan b = mean(row, -row)\n"
    assert said(text, "a", "cross", "b") == [
        "a is the same as cross (proved for all sizes).",
        "a · by 2 * h, w is the same as b · row (proved for all sizes).",
        "a · column is the transpose of b · row (proved for all sizes).",
        "a · -row is the same as b · -row (proved for all sizes).",
        "a · -column is the transpose of b · -row (proved for all sizes).",
        "cross · row is the same as b · row (proved for all sizes).",
        "cross · column is the transpose of b · row (proved for all sizes).",
        "cross · -row is the same as b · -row (proved for all sizes).",
        "cross · -column is the transpose of b · -row (proved for all sizes).",
    ]


def test_six_strategies_and_those_that_share_nothing():
    text = "grid h, w\n" + "".join(
        f"order {n} = by {k}\n" for n, k in zip("abc", ("h, w", "h + w, h", "morton(h, w)"), strict=True)
    )
    found = said(text, "a", "b", "c", "row", "hilbert", "spiral_in")
    assert found[0] == "a is the same as row (proved for all sizes)."
    assert found[-1].startswith("No path in common") and "a and b; a and c; a and hilbert" in found[-1]
    assert len(found) == 2


def test_what_holds_on_one_grid_says_so():
    # A depth-first walk without a seed's choice follows the snake; no proof covers all sizes.
    [sentence] = said("grid h, w\norder a = by dfs(seed=0)\n", "a", "snake", grid=(4, 4))
    assert sentence == "a is the same as snake (proved for this grid)."


def test_paths_of_different_dimensions_share_nothing():
    assert said("grid t, h, w\norder a = by t, h, w\n", "a", "row", grid=(2, 3, 4)) == [
        "No path in common, not even reversed or transposed: a and row."
    ]


def test_one_strategy_asks_for_a_second():
    page = compare_page(snapshot("row", (4, 4)))
    assert "Show two strategies or more, at most six" in page and "unit share" in page


def test_the_pane_names_what_is_the_same(explorer, new_page):
    text = "grid h, w\norder mine = by 2 * h, ~w\nscan both = sum(mine, -mine)\n"
    page = new_page(explorer.address(text=text, names=("mine", "snake", "hilbert"), grid=(6, 5), panes=("compare",)))
    page.set_default_timeout(60_000)
    page.wait_for_selector("#pane-compare .pane-body[data-state=ready]")
    findings = page.locator("#pane-compare .finding").all_inner_texts()
    assert findings == list(relation_sentences(snapshot(text, (6, 5), ("mine", "snake", "hilbert")).subjects))
    head = page.locator("#pane-compare thead").inner_text().split()
    assert head == ["path", "mine", "snake", "hilbert"]
    # Another one is shown with a click, and compared.
    page.get_by_role("button", name="both", exact=True).click()
    page.wait_for_selector("#pane-compare .finding:has-text('both · mine')")
