"""The stages of the compiler: what each shows of a strategy with everything in it, and what it says that it lost."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from scanlab.cli import main
from scanlab.compiler.loops import loops
from scanlab.facade import as_definition, as_value, load_file
from scanlab.ir.diagnostics import Source
from scanlab.ir.values import Order, orders_of
from scanlab.language.parse import parse_body
from scanlab.language.written import left_out
from scanlab.stages import STAGES, Content, change_at, strategy_of

TEXT = """grid h, w
"Rows two by two."
order mine[k=2] = let b = h // k in by b, ~(w), h % k where w >= 0 restart by b  # down the columns
  expect continuous
  note "an example"
order flipped(p) = -p
scan both = heads(mine[k=2], flipped(hilbert)) with cls at middle
  expect covers
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "all.scan"
    path.write_text(TEXT, encoding="utf-8")
    return path


def contents(file: Path) -> dict[str, Content]:
    strategy = strategy_of(load_file(file)["both"], (4, 4), is_asked=True)
    return {name: stage(strategy) for name, stage in STAGES.items()}


def nodes(tree: dict) -> list[dict]:
    return [tree, *(node for below in tree["below"] for node in nodes(below))]


def test_the_tree_of_the_source_has_all_that_was_written_and_where(file: Path) -> None:
    parts = contents(file)["ast"].parts
    assert list(parts) == ["both", "mine", "flipped", "hilbert"]
    seen = {(n["kind"], *n["words"].values(), n["line"], n["column"]) for n in nodes(parts["mine"]["tree"])}
    for wanted in (
        ("Word", "k", 3, 12),
        ("Number", 2, 3, 14),
        ("Word", "b", 3, 23),
        ("Unary", "~", 3, 43),
        ("Suffix", "restart", 3, 68),
        ("Number", 0, 3, 66),
        ("Clause", "continuous", "expect continuous", 4, 3),
    ):
        assert wanted in seen, wanted
    assert [node["field"] for node in nodes(parts["flipped"]["tree"]) if node["words"].get("text") == "p"] == [
        "formals",
        "operand",
    ]


def test_zero_stands_in_both_trees() -> None:
    line = "by h, w where h > 0"
    strategy = strategy_of(as_definition(line), (2, 2), is_asked=False)
    [part] = STAGES["ast"](strategy).parts.values()
    assert ("Number", {"value": 0}) in [(n["kind"], n["words"]) for n in nodes(part["tree"])]
    [text] = STAGES["expanded"](strategy).parts.values()
    assert "Int value=0" in text


@pytest.mark.parametrize("stage", [s for s in STAGES if s != "ast"])
def test_every_later_stage_shows_merges_channels_restarts_and_tokens(file: Path, stage: str) -> None:
    rows = {row.about: row.facts for row in contents(file)[stage].rows}
    bound = stage in ("indices", "ranks", "expr")
    assert rows["merge"]["merges"] == "heads(mine[k=2], flipped(hilbert))"
    assert rows["mine[k=2]"]["channels"] == "channels 0 to 1/2"
    assert rows["mine[k=2]"]["restarts"] == ("restarts before step 9" if bound else "restart by h // 2")
    assert rows["flipped(hilbert)"]["tokens"] == ("cls (-2) at step 8 of 0 to 16" if bound else "cls (-2) at middle")
    assert ("where" in rows["mine[k=2]"]) is not bound


def test_the_paths_of_a_chain_and_the_layers_of_a_plan_are_named() -> None:
    chain = strategy_of(as_definition("chain(row, -row)"), (2, 2), is_asked=True)
    assert "-row: goes on with the state of row" in map(str, STAGES["keys"](chain).rows)
    plan = strategy_of(as_definition("cycle(row, sum(row, column))"), (2, 2), is_asked=True)
    for stage in ("keys", "indices"):
        shown = list(map(str, STAGES[stage](plan).rows))
        assert shown == [
            "row: in layers 0, 2, 4, … of a cycle",
            "merge: sum(row, column); in layers 1, 3, 5, … of a cycle",
        ]


def test_what_a_stage_lost_is_what_is_not_in_it(file: Path) -> None:
    strategy = strategy_of(load_file(file)["both"], (4, 4), is_asked=True)
    made = contents(file)
    lost = {name: change_at(name, strategy, content).lost for name, content in made.items()}
    assert lost["ast"] == {
        "comments": {"down the columns"},
        "parentheses that only group": {"1 pair"},
        "spaces and line breaks": {""},
    }
    assert lost["expanded"] == {
        "places": {""},
        "claims": {"expect continuous", "expect covers"},
        "documentation": {"doc", "note", "source"},
        "parameters": {"k"},
        "lets": {"b"},
        "helpers": {"p"},
    }
    assert lost["keys"] == {"`~`": {""}, "reversals": {""}, "names": {"both"}}
    assert lost["isl"] == {"keys": {""}, "curves": {"hilbert"}}
    assert lost["indices"] == {"keys": {""}, "every grid size": {""}, "curves": {"hilbert"}, "where": {""}}
    assert not lost["ranks"] and lost["expr"] == {"steps": {""}}
    gained = change_at("proof", strategy, made["proof"]).new
    assert gained["claims"] == {"expect covers"} and gained["sets of isl"] == {""}


def test_what_a_stage_keeps_can_be_read_in_it(file: Path) -> None:
    strategy = strategy_of(load_file(file)["both"], (4, 4), is_asked=True)
    for name, content in contents(file).items():
        text = f"{content.rows} {content.parts}"
        for kind, items in change_at(name, strategy, content).kept.items():
            if kind in ("names", "curves", "lets", "parameters", "helpers"):
                assert all(item in text for item in items), (name, kind, items)


def test_proofs_show_claims_and_the_set_that_was_empty() -> None:
    snake = strategy_of(as_definition("snake"), (4, 4), is_asked=False)
    parts = STAGES["proof"](snake).parts
    assert list(parts) == ["snake", "expect continuous"]
    [pairs] = parts["snake"].questions
    assert pairs.is_empty and "equal keys" in pairs.what
    assert str(pairs.made_of[0][1]) == "[H, W] -> { [h, w] -> [h' = h, w' = w] : 0 <= h < H and 0 <= w < W }"
    assert parts["expect continuous"].proof.verdict == "proved"
    assert all(q.is_empty for q in parts["expect continuous"].questions)


def test_a_refuted_claim_shows_the_set_of_its_counter_examples(tmp_path: Path) -> None:
    path = tmp_path / "tie.scan"
    path.write_text("grid h, w\norder tie = by h + w\norder rows = by h, w\n  expect continuous\n", encoding="utf-8")
    module = load_file(path)
    [asked] = STAGES["proof"](strategy_of(module["tie"], (2, 2), is_asked=False)).parts["tie"].questions
    assert not asked.is_empty and "of two different patches" in asked.what
    example = STAGES["proof"](strategy_of(module["rows"], (2, 2), is_asked=False)).parts["expect continuous"]
    assert example.proof.verdict == "refuted" and not example.questions[0].is_empty
    assert example.as_json()["sets"][0]["empty"] is False


def test_claims_with_defaults_are_not_those_of_other_parameters() -> None:
    assert as_definition("window[k=3]").claims == () and as_definition("window[k=3]").syntax is not None


@pytest.mark.parametrize(
    ("line", "begins", "rest"),
    [
        ("by h // 4, w // 4, hilbert(h % 4, w % 4)", "group(c0, c1)", "hilbert(h % 4, w % 4)"),
        ("-(by h // 2, ~(w // 2), spiral_in(h, w))", "group(c0, c1)", "-spiral_in(h, w, corner=0, turn=0)"),
        ("by h // 2, hilbert(h, w) where (h + w) % 2 == 0", "group(c0)", "hilbert(h, w)"),
        ("by h, w * h, w", "group(c0)", "w * h, w"),
        ("hilbert", "group()", "hilbert(h, w)"),
        ("by visit(0, 2, 1, 3)", "group()", "visit(0, 2, 1, 3)"),
    ],
)
def test_loops_say_where_a_curve_begins(line: str, begins: str, rest: str) -> None:
    order = next(orders_of(as_value(line)))
    assert isinstance(order, Order)
    text = loops(order)
    assert f"{begins};" in text and f"// {begins}: " in text
    assert f"in the order of {rest}\n// not in these loops: `" in text


def test_loops_of_lists_that_fit_no_grid_together() -> None:
    order = next(orders_of(as_value("by h, w where visit(0, 1, 2, 3) < visit(0, 1, 2, 3, 4, 5)")))
    assert loops(order) == "no loops: no grid has 4 and 6 patches, as its lists have"


def test_the_command_gives_all_of_it_as_json(file: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    def said(stage: str) -> dict:
        words = ["scanlab", "compile", f"{file}:both", "-g", "4x4", "--emit", stage, "--json"]
        monkeypatch.setattr(sys, "argv", words)
        with pytest.raises(SystemExit):
            main()
            sys.exit(0)
        return json.loads(capsys.readouterr().out)

    tree = said("ast")
    assert tree["result"]["mine"]["tree"]["kind"] == "Definition"
    assert tree["strategies"][0]["lost"]["comments"] == ["down the columns"]
    proved = said("proof")
    assert proved["result"]["expect covers"]["verdict"] == "proved"
    assert {s["empty"] for s in proved["result"]["mine[k=2]"]["sets"]} == {True}
    indices = said("indices")
    assert indices["strategies"][0]["rows"][1]["restarts"] == "restarts before step 9"
    code = said("triton")["result"][0]
    assert code["from"] == "expr" and code["rows"][0]["merges"] == "heads(mine[k=2], flipped(hilbert))"


@pytest.mark.parametrize(
    "text, groups",
    [
        ("by within (h // 3, w // 3): h, w", 0),
        ("by h // 3, offset(h) within (h // 3), w, h", 0),
        ("by h, within ((h // 3), w // 3): (h), w", 2),
    ],
)
def test_parentheses_of_within_do_not_only_group(text: str, groups: int) -> None:
    assert left_out(parse_body(Source(text)), text).get("parentheses that only group", ()) == (
        (f"{groups} pairs",) if groups else ()
    )
