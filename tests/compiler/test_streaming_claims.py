"""`expect streamable`: proved for all sizes, or refuted with two patches, by isl and by looking."""

import numpy as np
import pytest

import scanlab
from scanlab.checking import check_module, verdict_of
from scanlab.compiler.proof import Proof
from scanlab.compiler.streaming import prove_streamable
from scanlab.facade import read_text

LINES = {
    "by t, h, w": ("proved", 1),
    "by t, -h, ~w": ("proved", 1),
    "by H * W * t + W * h + w": ("proved", 1),
    "by t, hilbert(h, w)": ("proved", 1),
    "by t, within (h // 2, w // 2): hilbert(h, w)": ("proved", 1),
    "by t, h, w where h > t": ("proved", 1),
    "by t // 2, hilbert(h, w), t % 2": ("proved", 2),
    "by t // 2, h, w, t % 2": ("refuted", 1),
    "by t // 3, h, w, t % 3": ("refuted", 2),
    "by h, w, t": ("refuted", 1),
    "by hilbert(h, w), t": ("refuted", 1),
    "-(by t, h, w)": ("refuted", 1),
    "-(by -t, hilbert(h, w))": ("proved", 1),
    "by t + h, w, h": ("refuted", 1),
    "sum((by t, h, w), (by t, -h, -w))": ("proved", 1),
    "sum((by t, h, w), (by h, t, w))": ("refuted", 1),
    "chain((by t, h, w), (by t, w, h))": ("refuted", 1),
    "chain((by t, h, w where h < 0), (by t, w, h))": ("proved", 1),
    "cycle((by t, h, w), (by t, w, h))": ("proved", 1),
    "by t, h, w restart by t": ("proved", 1),
    "by h, w, t assume T == 1": ("proved", 1),
}


@pytest.mark.parametrize("line", LINES)
def test_lines(line):
    verdict, latency = LINES[line]
    proof = prove_streamable(scanlab.parse(line, "t h w"), "t", latency)
    assert proof.verdict == verdict, proof
    if verdict == "refuted":
        first, second = proof.counterexample.patches
        assert first[0] // latency != second[0] // latency


@pytest.mark.parametrize("seed", range(40))
def test_random_orders_against_looking(seed):
    """A brute search over the path of every small grid, apart from what the proof itself looks at."""
    draw = np.random.RandomState(seed)
    keys = ["t", "-t", "h", "~h", "t // 2", "t % 2", "t + h", "h // 2", "h % 2", "hilbert(t, h)", "min(t, h)"]
    line = "by " + ", ".join([*draw.choice(keys, draw.randint(1, 4), replace=False), "t, h"])
    latency = int(draw.randint(1, 4))
    order = scanlab.parse(line, "t h")
    proof = prove_streamable(order, "t", latency)
    streams = True
    for grid in [(t, h) for t in range(1, 8) for h in range(1, 8)]:
        groups = scanlab.compile(order, grid).indices[0] // grid[1] // latency
        streams &= bool((np.diff(groups) >= 0).all())
    assert proof.verdict in (("proved", "undecided") if streams else ("refuted",)), (line, latency, proof)


def test_claims_in_a_file():
    text = b"""grid t, h, w
order a = by t, h, ~w
  expect streamable in t
order b = by t // 2, h, w, t % 2
  expect streamable in t with latency 2
order c = by t // 2, h, w, t % 2
  expect streamable in t
"""
    checked = list(check_module(read_text(text, "streams.scan"), look_up=False))
    assert [[d.code for d in c.diagnostics] for c in checked] == [[], [], ["S315"]]
    [failed] = checked[2].diagnostics
    assert failed.counterexample is not None and "no patch comes before one of an earlier t" in failed.message


@pytest.mark.parametrize(
    ("claim", "code"),
    [("in x", "S201"), ("in t with latency 0", "S211"), ("", "S102"), ("in 3", "S101"), ("in t with latency", "S102")],
)
def test_claims_that_mean_nothing_are_refused(claim, code):
    module = read_text(f"grid t, h\norder a = by t, h\n  expect streamable {claim}\n".encode(), "wrong.scan")
    assert [d.code for d in module.problems] == [code]


def test_a_check_says_along_which_axes_an_order_streams():
    text = b"""grid t, h, w
order frames = by t, h, w
order spatial = by h, w, t
order tubelets = by t // 2, h, w, t
  expect streamable in t with latency 2
scan ways = sum(frames, frames(t, w, h))
scan blocked = sum(frames, -frames)
"""
    checked = list(check_module(read_text(text, "streams.scan")))
    said = [verdict_of(c).split(". ")[0].split("; ")[1:] for c in checked]
    assert said == [
        ["streams in t"],
        ["does not stream in t", "streams in h"],
        ["no patch comes before one of an earlier group of 2 along t"],
        ["streams in t"],
        ["does not stream in t"],
    ]
    assert {axis: p.verdict for axis, p in checked[3].streams.items()} == {
        "t": "proved",
        "h": "refuted",
        "w": "refuted",
    }


def test_streams_undecided_are_never_shown_as_yes(monkeypatch):
    undecided = Proof("", "undecided", "isl", "too long")
    monkeypatch.setattr("scanlab.checking.prove_streamable", lambda *given: undecided)
    [checked] = check_module(read_text(b"grid t, h\norder frames = by t, h\n", "streams.scan"))
    assert verdict_of(checked).split(". ")[0].endswith("; may not stream in t: undecided")
