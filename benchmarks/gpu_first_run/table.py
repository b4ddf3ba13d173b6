"""What a run found, on one page: what failed first, then the figures, most important first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from .results import read
from .smoke_cases import CASES

__all__ = ["table"]

MOST_CHARACTERS = 7000
WIDTH = 180
Line = dict[str, Any]


def table(folder: Path) -> str:
    """The page, cut where it is longer than a console shows."""
    found = read(folder)
    rows = [row[:WIDTH] for section in SECTIONS for row in section(found)]
    text = "\n".join(rows)
    rest = "\n... the rest is in results.jsonl"
    return text if len(text) <= MOST_CHARACTERS else text[: MOST_CHARACTERS - len(rest)].rpartition("\n")[0] + rest


def _stub(found: Sequence[Line]) -> bool:
    return any(line.get("stub") for line in _of(found, "run"))


def _of(found: Iterable[Line], kind: str) -> list[Line]:
    return [line for line in found if line["kind"] == kind]


def _failed(found: Sequence[Line]) -> Iterator[str]:
    if _stub(found):
        yield "UNDER A STUB: nothing was computed, and no time and no comparison below means anything"
    about = ("part", "job", "case", "shape", "model", "how", "what", "variant", "name")
    failures = Counter[str]()
    for line in found:
        if isinstance(line.get("error"), str) and line["kind"] not in ("test", "compiled"):
            words = " ".join(str(line[key]) for key in about if key in line)
            failures[f"  {line['kind']} {words[:70]}: {line['error'][:90]}".replace("\n", " ")] += 1
    yield f"failed or left out: {failures.total()}"
    for words, times in failures.most_common(12):
        yield words + (f" ({times} times)" if times > 1 else "")


def _tests(found: Sequence[Line]) -> Iterator[str]:
    lines = _of(found, "test")
    for line in lines:
        if line["outcome"] == "missing":
            yield f"tests: {line['error']}"
    outcomes = Counter(line["outcome"] for line in {line.get("test"): line for line in lines}.values())
    if lines:
        yield "tests: " + (", ".join(f"{outcomes[o]} {o}" for o in ("passed", "failed", "skipped")))
    for line in [x for x in lines if x["outcome"] == "failed"][:6]:
        yield f"  {line['test'][:70]}: {line['error'][:100]}".replace("\n", " ")


def _smoke(found: Sequence[Line]) -> Iterator[str]:
    lines = list({line["case"]: line for line in _of(found, "smoke")}.values())
    errors = [line["worst"] for line in lines if "worst" in line]
    worst = f", largest error {max(errors):.1e}" if errors and not _stub(found) else ""
    well = "launched" if _stub(found) else "right"
    yield f"smoke: {sum(bool(line.get('right')) for line in lines)} of {len(CASES)} {well}{worst}"
    for line in _of(found, "host"):
        if "microseconds" in line:
            yield f"host: {line['microseconds']:.0f} us a call, {line['what']}"
    for line in _of(found, "graph"):
        if "same" in line:
            yield f"CUDA graph: captured, its replay {'gives the same' if line['same'] else 'DIFFERS'}"


def _compiled(found: Sequence[Line]) -> Iterator[str]:
    lines = _of(found, "compiled")
    if not lines:
        return
    failed, stale = [x for x in lines if "error" in x], [x for x in lines if "stale" in x]
    kept = sum(bool(line.get("from_cache")) for line in lines)
    seconds = sum(line.get("seconds", 0) for line in lines)
    counts = f"{len(lines)} specialisations, {kept} of them from the cache, {seconds:.0f} s of processors"
    yield f"compiled: {counts}; {len(failed)} failed, {len(stale)} stale"
    for line in [*failed, *stale][:4]:
        yield f"  {line['kernel']}: {line.get('error') or line.get('stale')}".replace("\n", " ")


def _limits(found: Sequence[Line]) -> Iterator[str]:
    for line in _of(found, "limits"):
        if "copy_gb_s" in line:
            yield f"limits: copy {line['copy_gb_s']:.0f} GB/s, exp2 {line['exp2_g_s']:.0f} G/s"


def _shapes(found: Sequence[Line]) -> Iterator[str]:
    figures = {(x["shape"], x["name"], x["backward"]): x for x in _of(found, "figure") if x.get("times")}
    names = {"scanlab triton": "ours", "scanlab triton, random orders": "random"}
    if not figures:
        return
    titles = (("forward", 9), ("% limit", 8), ("random", 8), ("× ours", 7), ("fwd+bwd", 9), ("random", 8), ("MB", 8))
    yield f"{'ms':26}" + "".join(f"{title:>{width}}" for title, width in titles) + "  timed by"
    for shape in dict.fromkeys(key[0] for key in figures):
        get = {(names.get(name, "arithmetic"), b): x for (s, name, b), x in figures.items() if s == shape}
        first, both = get.get(("ours", False)), get.get(("ours", True))
        share = f"{100 * first['of_limit']:8.0f}" if first and first["of_limit"] is not None else f"{'–':>8}"
        random = get.get(("random", False))
        ratio = f"{random['times_ours']:7.2f}" if random else f"{'–':>7}"
        memory = f"{both['peak_bytes'] / 1e6:8.0f}" if both and both["peak_bytes"] else f"{'–':>8}"
        how = " / ".join(dict.fromkeys(x["times"].get("how", "") for x in get.values()))
        cells = _ms(first, 9) + share + _ms(random, 8) + ratio + _ms(both, 9) + _ms(get.get(("random", True)), 8)
        yield f"{shape:26}{cells}{memory}  {how}"
        if ("arithmetic", False) in get:
            forward, backward = (_ms(get.get(("arithmetic", b)), 9) for b in (False, True))
            yield f"{'  paths by arithmetic':26}{forward}{'':23}{backward}"


def _ms(figure: Line | None, width: int) -> str:
    return f"{figure['times']['median_ms']:{width}.3f}" if figure else f"{'–':>{width}}"


def _kernels(found: Sequence[Line]) -> Iterator[str]:
    for line in _of(found, "kernels"):
        if "microseconds" in line:
            longest = "; ".join(f"{name[:32]} {us:.0f} us" for name, _, us in line["microseconds"][:4])
            yield f"  kernels of {line['shape']}: {longest}"


def _peers(found: Sequence[Line]) -> Iterator[str]:
    lines = [x for x in _of(found, "peer") if not x.get("name", "").startswith("scanlab")]
    for why, names in _grouped([(x["note"], x["name"]) for x in lines if x.get("note")]).items():
        yield f"NO PEER WAS MEASURED: {' | '.join(names)}: {why}"
    for line in [x for x in lines if x.get("times")]:
        differs = "" if line["difference"] is None else f", differs by {line['difference']:.0e}"
        what = "fwd+bwd" if line["backward"] else "forward"
        ms = line["times"]["median_ms"]
        yield f"peer {line['shape']}, {what}: {line['times_ours']:.2f} × ours, {ms:.3f} ms{differs}: {line['name']}"
    for line in _of(found, "dual"):
        if "absent" in line:
            yield f"NO PEER WAS MEASURED: {line['name']}: {line['absent']}"
        elif "times" in line:
            what = "fwd+bwd" if line["backward"] else "forward"
            yield f"dual, {what}: {line['times']['median_ms']:.3f} ms, differs by {line['differs']:.0e}: {line['name']}"


def _grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for why, name in dict.fromkeys(pairs):
        groups.setdefault(why, []).append(name)
    return groups


def _models(found: Sequence[Line]) -> Iterator[str]:
    for line in _of(found, "model"):
        if "images_s" in line:
            published = f"; an A100 by its authors {line['published_a100']:.0f}" if line["published_a100"] else ""
            rate = f"{line['images_s']:.0f} images/s, {line['peak_bytes'] / 1e6:.0f} MB{published}"
            yield f"{line['model']}, {line['how']}, {line['what']}, batch {line['batch']}: {rate}"


def _memory(found: Sequence[Line]) -> Iterator[str]:
    lines = [x for x in _of(found, "memory") if "tokens" in x]
    for (kind, training), group in _by_kind(lines).items():
        sizes = ", ".join(f"{x['tokens']:,}: {_megabytes(x)}" for x in group)
        yield f"memory, {kind}, {'training' if training else 'inference'}, MB at tokens: {sizes}"


def _by_kind(lines: Sequence[Line]) -> dict[tuple[str, bool], list[Line]]:
    groups: dict[tuple[str, bool], list[Line]] = {}
    for line in lines:
        groups.setdefault((line["kind_of_block"], line["training"]), []).append(line)
    return groups


def _megabytes(line: Line) -> str:
    return line["note"][:20] if line["peak_bytes"] is None else f"{line['peak_bytes'] / 1e6:.0f}"


def _variants(found: Sequence[Line]) -> Iterator[str]:
    lines = [x for x in _of(found, "variant") if "times" in x]
    for shape in dict.fromkeys(x["shape"] for x in lines):
        tried = [x for x in lines if x["shape"] == shape]
        for what in ("forward", "forward + backward"):
            best = sorted(tried, key=lambda x, w=what: x["times"][w]["median_ms"])[:3]
            named = "; ".join(f"{x['variant']} {x['times'][what]['median_ms']:.3f} ms" for x in best)
            yield f"variants of {shape}, {what}: {named}"
        wrong = [x["variant"] for x in tried if not x["differs"] < WRONG]
        if wrong and not _stub(found):
            yield f"  WRONG, never to be taken: {', '.join(wrong)}"


# Relative to the largest output: bfloat16 rounds as coarsely where sums are taken in another order.
WRONG = 0.05
SECTIONS = (
    _failed, _tests, _smoke, _compiled, _limits, _shapes, _peers, _models, _memory, _variants, _kernels,
)  # fmt: skip
