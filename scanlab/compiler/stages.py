"""The compiler's stages as text: what ``scanlab compile --emit`` prints and the explorer shows, from one place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from scanlab.compiler.bind import CompiledScan, Path
from scanlab.compiler.order_relations import plain_keys
from scanlab.compiler.polyhedra import NotAffine, Polyhedra, TooComplex, limited
from scanlab.compiler.proof import Proof
from scanlab.compiler.prove import prove
from scanlab.compiler.trail import Asked, asked
from scanlab.ir.printer import print_expr
from scanlab.ir.values import Order, Plan, Scan, Value, orders_of, signed_keys

__all__ = [
    "Shown",
    "different_orders",
    "expressions",
    "is_relation",
    "key_maps",
    "keys",
    "labelled_paths",
    "proofs",
    "shown",
    "tree",
]


def different_orders(value: Value) -> dict[str, Order]:
    """The orders of a value by name, or by their text where they have none; a name that is taken gets a prime."""
    labelled: dict[str, Order] = {}
    for order in dict.fromkeys(orders_of(value)):
        label = order.name or str(order)
        while label in labelled:
            label += "'"
        labelled[label] = order
    return labelled


def labelled_paths(scans: tuple[CompiledScan, ...]) -> dict[str, Path]:
    """All paths by label; a label that is taken gets a prime."""
    labelled: dict[str, Path] = {}
    for scan in scans:
        for path in scan.paths:
            label = path.label
            while label in labelled:
                label += "'"
            labelled[label] = path
    return labelled


def tree(node: Any, indent: int = 0) -> str:
    """A value as an indented tree of its fields with its names; places and empty fields are left out."""
    pad = "  " * indent
    if isinstance(node, tuple):
        return "\n".join(tree(n, indent) for n in node)
    if not hasattr(node, "__dataclass_fields__"):
        return f"{pad}{node!r}"
    fields = [f for f in node.__dataclass_fields__.values() if f.compare]
    values = [(f.name, getattr(node, f.name)) for f in fields]
    if isinstance(node, Order | Scan | Plan):
        values.append(("name", node.name))
    kept = [(n, v) for n, v in values if not (v is None or v is False or v in ("", ()))]
    plain = [f"{n}={v!r}" for n, v in kept if isinstance(v, str | int) or (isinstance(v, tuple) and _is_plain(v))]
    lines = [f"{pad}{type(node).__name__} {' '.join(plain)}".rstrip()]
    lines += [tree(v, indent + 1) for _, v in kept if not (isinstance(v, str | int) or _is_plain(v))]
    return "\n".join(lines)


def _is_plain(value: Any) -> bool:
    return isinstance(value, tuple) and not any(hasattr(v, "__dataclass_fields__") for v in value)


def keys(value: Value) -> dict[str, str]:
    """The sort keys of every order, one a line, with ``~`` and reversal written out."""
    return {n: "\n".join(print_expr(e) for e in signed_keys(o)) for n, o in different_orders(value).items()}


def key_maps(value: Value) -> dict[str, str]:
    """isl's relation from patches to keys for every order, or why there is none."""
    relations = {}
    for name, order in different_orders(value).items():
        try:
            polyhedra = Polyhedra(order.axes, assume=order.assume)
            with limited(polyhedra.context):
                relations[name] = str(polyhedra.key_map(plain_keys(order, polyhedra), order.where))
        except (NotAffine, TooComplex) as why:
            relations[name] = f"{_NO_RELATION}: {why}"
    return relations


_NO_RELATION = "no Presburger relation"


def is_relation(text: str) -> bool:
    """Whether what `key_maps` gave is a relation."""
    return not text.startswith(_NO_RELATION)


@dataclass(frozen=True)
class Shown:
    """A proof with the sets of isl that decided it; none where isl was not asked, or had no answer."""

    proof: Proof
    questions: tuple[Asked, ...] = ()

    def __str__(self) -> str:
        return "\n".join([str(self.proof), *(f"  isl: {line}" for asked in self.questions for line in asked.lines())])

    def as_json(self) -> dict[str, Any]:
        """In JSON's types."""
        proof = self.proof
        sets = [{"what": q.what, "empty": q.is_empty, "set": str(q.members)} for q in self.questions]
        example = None if proof.counterexample is None else asdict(proof.counterexample)
        texts = {"claim": proof.claim, "verdict": proof.verdict, "words": proof.words, "reason": proof.reason}
        return {**texts, "method": proof.method, "counterexample": example, "notes": list(proof.notes), "sets": sets}


def shown(prove_it: Callable[[], Proof]) -> Shown:
    """A proof, made again with its sets kept."""
    with asked() as questions:
        proof = prove_it()
    return Shown(proof, tuple(questions))


def proofs(value: Value, grid: tuple[int, ...] | None = None) -> dict[str, Shown]:
    """The proof of a value under its name, and of its orders where there are several. grid: as for `prove`."""
    orders = different_orders(value)
    whole = shown(lambda: prove(value, grid))
    if len(orders) <= 1:
        return {value.name: whole}
    # The sets of its orders stand with them; what is left is about the whole.
    own = {n: shown(lambda o=o: prove(o, grid)) for n, o in orders.items()}
    theirs = {line for one in own.values() for q in one.questions for line in q.lines()}
    left = tuple(q for q in whole.questions if not theirs.issuperset(q.lines()))
    return {value.name: Shown(whole.proof, left), **own}


def expressions(scans: tuple[CompiledScan, ...]) -> dict[str, str]:
    """How each path finds the patch at step p: an index expression, or why it is a table.

    >>> import scanlab
    >>> print(expressions(scanlab.compile("by w, h", (2, 3)).scans)["by w, h"])
    # affine, for p from 0 to 5
    d1 = p // 2
    r1 = p % 2
    d2 = r1
    h = d2
    w = d1
    patch = h * 3 + w
    """
    return {
        n: f"# {p.form}, for p from 0 to {len(p.indices) - 1}\n" + "\n".join(p.index_form.lines(p.axes))
        for n, p in labelled_paths(scans).items()
    }
