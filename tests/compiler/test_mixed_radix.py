"""Products of coordinates and extents, remainders by extents, curves behind an `if`: proved, and never wrongly."""

from __future__ import annotations

import pytest

import scanlab
from scanlab.compiler.loops import loops
from scanlab.compiler.relations import prove_continuous, prove_same

PROVED = [
    ("by W * h + w", "h w"),
    ("by H * W * t + W * h + w", "t h w"),
    ("by (t * H + h) * W + w", "t h w"),
    ("by -(W * h) - w", "h w"),
    ("by W * h + (W - 1 - w)", "h w"),
    ("by H * W - 1 - (W * h + w)", "h w"),
    ("by 2 * W * h + 2 * w", "h w"),
    ("by h * (W + 1) + w", "h w"),
    ("by W * h - w", "h w"),
    ("by h // 7 * 7 * W + w * 7 + h % 7", "h w"),
    ("by (w // 7) * ((H + 6) // 7) + h // 7, h % 7, w % 7", "h w"),
    ("by h // 2, ~(W * (h % 2) + w)", "h w"),
    ("by W * h + w, ~h", "h w"),
    ("by (W * h + w) % 3, ~(W * h + w)", "h w"),
    ("by (h * W + w) % W, (h * W + w) // W", "h w"),
    ("by (H * W * t + W * h + w) // (H * W), (H * W * t + W * h + w) % (H * W)", "t h w"),
    ("by (h * W + w) // 7, (h * W + w) % 7 assume W % 7 == 0", "h w"),
    ("by W * h + w if h % 2 == 0 else W * h + W - 1 - w", "h w"),
    ("by ((h - 2) % H) // 4, ((w - 2) % W) // 4, (h - 2) % H, (w - 2) % W", "h w"),
    ("by (h + 5) % H, (w - h % 2) % W, h", "h w"),
    ("by h >= 8, (hilbert(h, w) if h < 8 else morton(h, w))", "h w"),
    ("by h // 8, (hilbert(h % 8, w) if h % 16 < 8 else morton(w, h % 8))", "h w"),
    (
        "by (0 if h % 8 == 0 and w % 8 == 0 else 1 if h % 8 == 0 and w % 8 == 4 else 2 if h % 8 == 4 and w % 4 == 0 "
        "else 3 if h % 4 == 0 and w % 4 == 2 else 4 if h % 4 == 2 and w % 2 == 0 else 5 if h % 2 == 0 and w % 2 == 1 "
        "else 6), h, w",
        "h w",
    ),
]


@pytest.mark.parametrize(("line", "axes"), PROVED, ids=[line[:40] for line, _ in PROVED])
def test_proved(line: str, axes: str) -> None:
    proof = scanlab.prove(scanlab.parse(line, axes))
    assert proof.verdict == "proved", proof
    assert proof.method.startswith("isl, for every")


@pytest.mark.parametrize(
    "line",
    [
        "by W * h + 2 * w",
        "by (W - 1) * h + w",
        "by H * h + w",
        "by (W * h + w) // 2",
        "by (W * h + w) % H",
        "by W * h + w where h // 0 == 1 if h < 0 else 1 restart by h // (W - 2)",
        "by hilbert(h, w) if h < 8 else morton(h, w)",
        "by h % 2, (hilbert(h // 2, w) if h < 2 else morton(h % 2, w))",
    ],
)
def test_refuted_or_unknown_but_not_proved(line: str) -> None:
    assert scanlab.prove(line).verdict == "refuted"


@pytest.mark.parametrize(
    ("one", "two", "axes", "verdict"),
    [
        ("by W * h + w", "row", "h w", "proved"),
        ("by H * W * t + W * h + w", "by t, h, w", "t h w", "proved"),
        ("by W * h + (w if h % 2 == 0 else W - 1 - w)", "snake", "h w", "proved"),
        ("by h // 2, ~(W * (h % 2) + w)", "by h // 2, ~(h % 2), w", "h w", "refuted"),
        ("by h // 2, ~(W * (h % 2) + w)", "by h // 2, ~(h % 2), (-w if h // 2 % 2 else w)", "h w", "proved"),
        ("by (W * h + w) // 7, w assume W % 7 == 0", "row", "h w", "proved"),
        ("by W * h + w, ~h", "row", "h w", "proved"),
        ("by t, ~(W * h + w), ~t", "by t, ~h, ~w", "t h w", "refuted"),
        ("by (h - 1) % H, w", "by h == 0, h, w", "h w", "proved"),
        ("by (h - 2) % H, w", "by h == 0, h, w", "h w", "refuted"),
        ("by W * h + w restart by W * h", "row restart by h", "h w", "proved"),
    ],
)
def test_equality(one: str, two: str, axes: str, verdict: str) -> None:
    assert prove_same(scanlab.parse(one, axes), scanlab.parse(two, axes)).verdict == verdict


@pytest.mark.parametrize(
    ("line", "axes", "verdict"),
    [
        ("by a, ~b, ~c, ~d, ~e", "a b c d e", "proved"),
        ("by a, ~b, ~c, d, ~e", "a b c d e", "refuted"),
        ("by W * h + (w if h % 2 == 0 else W - 1 - w)", "h w", "proved"),
        ("by W * h + w restart by h", "h w", "proved"),
        ("by (h + 1) % H, ~w", "h w", "refuted"),
        ("by (h + H) % H, ~w", "h w", "proved"),
    ],
)
def test_continuity(line: str, axes: str, verdict: str) -> None:
    assert prove_continuous(scanlab.parse(line, axes)).verdict == verdict


@pytest.mark.parametrize(
    "line",
    [
        "by W * h + w",
        "by h // 2, ~(W * (h % 2) + w)",
        "by (h * W + w) // 7, (h * W + w) % 7 assume W % 7 == 0",
        "by ((h - 2) % H) // 4, ((w - 2) % W) // 4, (h - 2) % H, (w - 2) % W",
        "by h // 3, w // 3, ~(h % 3), ~(w % 3)",
    ],
)
def test_loops(line: str) -> None:
    order = scanlab.parse(line)
    assert isinstance(order, scanlab.Order)
    # They are run on small grids, and compared with the sorted order, before they are printed.
    assert loops(order).lstrip("{ \n").startswith("for (int c0")


@pytest.mark.parametrize(("line", "grid"), [("by W * h + w", (7, 5)), ("by (h - 2) % H // 4, (h - 2) % H, w", (8, 6))])
def test_closed_forms(line: str, grid: tuple[int, int]) -> None:
    [path] = scanlab.compile(line, grid).paths
    assert path.form == "affine"
