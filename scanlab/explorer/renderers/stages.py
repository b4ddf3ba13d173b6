"""The stages of the compiler for what is shown: keys, proofs, index expressions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from scanlab.compiler.loops import loops
from scanlab.compiler.proof import Proof
from scanlab.compiler.stages import Shown, different_orders, key_maps
from scanlab.explorer.renderers.linked import Part, expression_parts, key_parts, linked_code
from scanlab.explorer.renderers.markup import code, mistakes, note, section, text
from scanlab.explorer.snapshot import Snapshot, Subject, definition_of
from scanlab.ir.printer import print_expr
from scanlab.ir.values import Order, orders_of
from scanlab.stages import STAGES, Content, Strategy, change_at, strategy_of

__all__ = ["expression_page", "keys_page", "proof_page"]

_MARKS: Mapping[str, str] = {"proved": "✓", "proved for this grid": "✓", "undecided": "?", "refuted": "✗"}


def keys_page(snapshot: Snapshot) -> str:
    """The sort keys of every order, and the loops that visit it."""
    parts = list(enumerate(key_parts(snapshot)))
    return "".join(
        _keys(subject, _strategy(snapshot, subject), [part for part in parts if part[1].subject == at])
        for at, subject in enumerate(snapshot.subjects)
    )


def _strategy(snapshot: Snapshot, subject: Subject) -> Strategy:
    """What is shown, with its text and its claims: the snapshot holds neither, it is sent with every key."""
    known = definition_of(snapshot.text, subject.name)
    if known is None or known.value != subject.value:
        return Strategy(subject.value, subject.grid, is_asked=True)
    return strategy_of(replace(known, value=subject.value), subject.grid, is_asked=True, scans=subject.scans)


def _keys(subject: Subject, strategy: Strategy, linked: list[tuple[int, Part]]) -> str:
    value, orders = subject.value, different_orders(subject.value)
    parts = [] if isinstance(value, Order) else [code(str(value), "scan")]
    for number, part in linked:
        name, order = part.name, orders[part.name]
        written = [f"~{print_expr(k.expr)}, as it is written" if k.alternate else "" for k in order.keys]
        body = linked_code(part, number, "scan", written)
        if order.where is not None or order.restart or order.tokens or order.assume:
            body = code(str(order), "scan") + body
        body += f"<details><summary>as loops</summary>{code(loops(order), 'python')}</details>"
        # One order needs no heading of its own.
        parts.append(f"<h4>{text(name)}</h4>{body}" if len(orders) > 1 else body)
    repeated = sum(1 for _ in orders_of(value)) - len(orders)
    more = note(f"{repeated} more of its paths repeat these.") if repeated else ""
    return section(subject.name, *_beside("keys", strategy), *parts, more, about="most significant first")


def _beside(stage: str, strategy: Strategy, content: Content | None = None) -> list[str]:
    """Merges, restarts and tokens, and what this stage lost against the one before it."""
    shown = STAGES[stage](strategy) if content is None else content
    return [note(row) for row in (*shown.rows, change_at(stage, strategy, shown))]


def proof_page(snapshot: Snapshot) -> str:
    """The verdicts as the terminal prints them, with claims, the sets that decided, and isl's relations."""
    wrong = [d for d in snapshot.diagnostics if d.severity == "error"]
    page = mistakes(wrong)
    for subject in snapshot.subjects:
        strategy = _strategy(snapshot, subject)
        shown = STAGES["proof"](strategy)
        # One proof needs no name beside that of the strategy.
        verdicts = "".join(
            verdict(name if len(shown.parts) > 1 else "", part.proof) + _sets(part)
            for name, part in shown.parts.items()
        )
        relations = "".join(
            f"<h4>{text(name)}</h4>{code(wrapped_relation(words))}" for name, words in key_maps(subject.value).items()
        )
        maps = f"<details><summary>isl: from patches to keys</summary>{relations}</details>"
        page += section(subject.name, *_beside("proof", strategy, shown), verdicts, maps)
    return page


def _sets(shown: Shown) -> str:
    """What isl was asked, folded away."""
    if not shown.questions:
        return ""
    lines = "".join(code(wrapped_relation(line)) for question in shown.questions for line in question.lines())
    return f"<details><summary>isl: the sets that decide it</summary>{lines}</details>"


def verdict(name: str, proof: Proof) -> str:
    """A proof with its sign: ✓ ? ✗. name: what it is about, "" where that is said above."""
    kind = proof.verdict.replace(" ", "-")
    first, _, rest = str(proof).partition("\n")
    more = "".join(note(line.strip()) for line in rest.split("\n") if line)
    sign = f'<b aria-hidden="true">{_MARKS[proof.verdict]}</b>'
    head = f"<strong>{text(name)}</strong>" if name else ""
    return f'<div class="verdict {kind}">{sign}<div>{head}<p>{text(first)}</p>{more}</div></div>'


def wrapped_relation(words: str) -> str:
    """isl's text of a relation with a line for each piece, so that it can be read."""
    return re.sub(r"; (?=\[)", ";\n  ", words.replace("-> { ", "->\n{ "))


def expression_page(snapshot: Snapshot) -> str:
    """How each path finds the patch at step p, as `--emit expr` prints it."""
    page = ""
    linked = list(enumerate(expression_parts(snapshot)))
    for at, subject in enumerate(snapshot.subjects):
        own = [(number, part) for number, part in linked if part.subject == at]
        parts = [
            (f"<h4>{text(part.name)}</h4>" if len(own) > 1 else "") + linked_code(part, number, "python")
            for number, part in own
        ]
        grid = "×".join(map(str, subject.grid))
        page += section(
            subject.name,
            *_beside("expr", _strategy(snapshot, subject)),
            *parts,
            about=f"on {grid}, from step p to patch",
        )
    return page
