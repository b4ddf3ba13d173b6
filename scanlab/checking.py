"""Reading and proving together: what ``scanlab check`` reports of a module, definition by definition."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache

from scanlab.compiler.equivalences import Equivalence, find_equivalences
from scanlab.compiler.proof import Proof
from scanlab.compiler.prove import prove, prove_order
from scanlab.compiler.relations import prove_continuous, prove_same
from scanlab.compiler.streaming import prove_streamable
from scanlab.compiler.ties import with_fix
from scanlab.ir.diagnostics import Diagnostic, ScanlabError
from scanlab.ir.values import Claim, Order, Scan, Value, orders_of
from scanlab.language.library import library_definitions
from scanlab.language.module import Definition, Module

__all__ = ["Checked", "check_definition", "check_module", "library_orders", "mark_of", "prove_claim", "verdict_of"]

# The axis that patches arrive along as a rule: of it one also wants to know that an order does not stream.
TIME = "t"


@dataclass(frozen=True)
class Checked:
    """A definition with its proof, its claims' proofs, and what is wrong with it.

    Looked up beside what is claimed: what equals it in the library, and whether it streams, by axis.
    """

    definition: Definition
    proof: Proof | None
    claims: tuple[Proof, ...] = ()
    equivalences: tuple[Equivalence, ...] = ()
    streams: Mapping[str, Proof] = field(default_factory=dict)
    diagnostics: tuple[Diagnostic, ...] = ()


def mark_of(checked: Checked) -> str:
    """One sign for a definition: ✗ wrong, ✓ proved, ? not decided, · checked where it is used."""
    if any(d.severity == "error" for d in checked.diagnostics):
        return "✗"
    if checked.proof is None:
        return "·"
    return "✓" if checked.proof else "?"


def verdict_of(checked: Checked) -> str:
    """What is known of a definition, in words; "" where something is wrong with it, which its diagnostics say."""
    if mark_of(checked) == "✗":
        return ""
    if checked.proof is None:
        return "checked where it is used"
    text = f"{checked.proof.claim}, {checked.proof.words}"
    text += "".join(f"; {_also(c, checked.proof)}" for c in checked.claims)
    claimed = {c.axis for c in checked.definition.claims if c.kind == "streamable"}
    streams = {axis: p for axis, p in checked.streams.items() if axis not in claimed and (p or axis == TIME)}
    text += "".join(f"; {_streams(axis, p, checked.proof)}" for axis, p in streams.items())
    notes = dict.fromkeys(note for p in (checked.proof, *checked.claims, *streams.values()) for note in p.notes)
    text += "".join(f". Note: {note}" for note in notes)
    shown = checked.equivalences[:2]
    known = [e for e in shown if e.proof.verdict == "proved"]
    this = "On those grids, this" if checked.proof.scope else "This"
    if known:
        text += f". {this} is {' and '.join(map(str, known))} in the library"
    return text + "".join(f". {this} {e.words(' in the library')}" for e in shown if e not in known)


def _also(claim: Proof, proof: Proof) -> str:
    return claim.claim if claim.words == proof.words else f"{claim.claim}, {claim.words}"


def _streams(axis: str, verdict: Proof, proof: Proof) -> str:
    if not verdict:
        return f"does not stream in {axis}" if verdict.verdict == "refuted" else f"may not stream in {axis}: undecided"
    words = f"streams in {axis}"
    return words if verdict.words == proof.words else f"{words}, {verdict.words}"


def check_module(module: Module, grid: tuple[int, ...] | None = None, look_up: bool = True) -> Iterator[Checked]:
    """Check each definition in turn; the module's own problems (syntax, names) are in ``module.problems``.

    >>> from scanlab.facade import read_text
    >>> module = read_text(b"grid h, w  order good = by 2 * h, ~w  order bad = by h + w", "two.scan")
    >>> for checked in check_module(module, look_up=False):
    ...     print(mark_of(checked), checked.definition.name, [d.code for d in checked.diagnostics])
    ✓ good []
    ✗ bad ['S300']
    """
    for definition in module.definitions:
        fits = grid if grid is not None and len(grid) == len(definition.axes) else None
        yield check_definition(definition, fits, look_up)


def check_definition(definition: Definition, grid: tuple[int, ...] | None = None, look_up: bool = True) -> Checked:
    """Prove a definition and its claims. Raises no ScanlabError.

    look_up: also see what it equals in the library, and along which axes it streams.
    """
    value = definition.value
    if value is None:
        return Checked(definition, None)
    try:
        proof = prove(value, grid)
        if proof.verdict == "refuted":
            return Checked(definition, proof, diagnostics=tuple(_refuted(value, grid)))
        claims = tuple(prove_claim(c, value, grid) for c in definition.claims)
        equal = tuple(_in_library(definition, value, grid)) if look_up else ()
        streams = {axis: prove_streamable(value, axis, 1, grid) for axis in definition.axes} if look_up else {}
    except ScanlabError as error:
        return Checked(definition, None, diagnostics=error.diagnostics)
    problems = [_undecided(definition, proof)] if proof.verdict == "undecided" else []
    problems += [_failed(definition.name, c, p) for c, p in zip(definition.claims, claims, strict=True) if not p]
    return Checked(definition, proof, claims, equal, streams, tuple(problems))


def _refuted(value: Value, grid: tuple[int, ...] | None) -> Iterator[Diagnostic]:
    """One diagnostic for each order with a tie; else for what the merges need."""
    ties = []
    within = tuple(dict.fromkeys(orders_of(value)))
    for order in within:
        proof = prove_order(order, grid, () if isinstance(value, Order) else within)
        if proof.verdict == "refuted" and proof.code != "S311":
            ties.append(_tie(order, proof))
    if ties:
        yield from ties
        return
    proof = prove(value, grid)
    yield Diagnostic(
        proof.code,
        proof.reason,
        value.span,
        counterexample=proof.counterexample,
        help=_HELPS.get(proof.code, _COVERAGE_HELP),
    )


_COVERAGE_HELP = (
    "paths of a scatter exclude each other and together cover the grid; "
    "paths that are summed visit the same patches, and all of them"
)
_HELPS = {"S311": "an explicit list fits the grids with as many patches; give lists of one length"}


def _tie(order: Order, proof: Proof) -> Diagnostic:
    example = proof.counterexample
    if example is None:
        return Diagnostic("S305", proof.reason, order.span, help="a path visits at least one patch")
    if proof.code == "S403":
        return Diagnostic(
            "S403",
            "a key divides by zero",
            order.span,
            counterexample=example,
            help="no key may divide by something that can be zero; max(1, …) keeps a divisor positive",
        )
    message = "two patches have the same keys, so their order is not defined"
    return with_fix(Diagnostic("S300", message, order.span, counterexample=example), order)


def prove_claim(claim: Claim, value: Value, grid: tuple[int, ...] | None = None) -> Proof:
    """The verdict on what ``expect`` says of a value. grid: as for `prove`. Raises what `prove` raises."""
    match claim.kind:
        case "continuous":
            return prove_continuous(value, grid)
        case "covers":
            whole = Scan("sum", (value,)) if isinstance(value, Order) else value
            return replace(prove(whole, grid), claim="visits every patch of the grid")
        case "streamable":
            return prove_streamable(value, claim.axis, claim.latency, grid)
    assert claim.other is not None, "`expect same as` has a value"
    return prove_same(value, claim.other, grid)


_CLAIM_CODES = {"continuous": "S303", "same": "S304", "covers": "S307", "streamable": "S315"}
# Claims whose sentence speaks of patches; that of another follows the definition's name.
_OF_PATCHES = ("continuous", "streamable")


def _failed(name: str, claim: Claim, proof: Proof) -> Diagnostic:
    sentence = proof.claim if claim.kind in _OF_PATCHES else f"`{name}` {proof.claim}"
    if proof.verdict == "undecided":
        return Diagnostic(
            "S308",
            f"this claim could be neither proved nor refuted: {sentence}",
            claim.span,
            note=f"{proof.reason}; by {proof.method}",
            help="check it for one grid with --grid, or drop the claim",
        )
    return Diagnostic(
        _CLAIM_CODES[claim.kind],
        f"this is not true: {sentence}",
        claim.span,
        note=proof.reason,
        counterexample=proof.counterexample,
        help="correct the definition, or drop the claim",
    )


def _undecided(definition: Definition, proof: Proof) -> Diagnostic:
    return Diagnostic(
        "S309",
        f"`{definition.name}` is not proved for all grid sizes",
        definition.span,
        note=f"{proof.reason}; {proof.method}",
        help="prove it for the grid you use with --grid; binding checks every grid it is used on",
        severity="warning",
    )


@cache
def library_orders() -> dict[str, Order]:
    """The library's orders that stand alone, by name."""
    return {n: d.value for n, d in library_definitions().items() if isinstance(d.value, Order)}


def _in_library(definition: Definition, value: Value, grid: tuple[int, ...] | None) -> Iterator[Equivalence]:
    if isinstance(value, Order):
        others = {n: o for n, o in library_orders().items() if n != definition.name}
        yield from find_equivalences(value, others, grid)
