"""Curves by rewriting: a turtle's rules (an L-system), and the finite table that a rule set is if it fills squares.

``F`` is a step, ``+`` and ``-`` turn left and right by 90 degrees, and a letter with a rule is a part of the curve: one
cell, or at the next depth a block of b x b cells, filled as its rule says. The turtle sets out to the right, and rows
count downwards. Notation: P. Prusinkiewicz and A. Lindenmayer, The Algorithmic Beauty of Plants (1990), sections 1.3
and 1.4 (node rewriting).

Each letter with a heading is a state, and a state is a list of cells of its block, each with the state that fills it.
The curve fills its square at every depth if, by induction,

* every state's list names each cell of its block once, and all blocks are of one size;
* a rule leaves the turtle with the heading it had, so that states say all;
* between two cells that follow each other, the one's part ends and the other's begins on the two sides of their common
  border, in the same place. Where parts end and begin is again a state, so that finitely many pairs are looked at.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from scanlab.ir.text import count_text

__all__ = ["START", "BadRules", "Part", "Rewriting", "Rules", "rewriting", "turtle_walk"]

START = "start"
LONGEST_RULE = 1024
# Right, up, left, down: where the turtle goes after so many turns to the left.
_STEPS = ((0, 1), (-1, 0), (0, -1), (1, 0))

Rules = tuple[tuple[str, str], ...]
"""Rules by letter, and what the curve begins with under ``start``; sorted by name, without white space."""

Cell = tuple[int, int]


class BadRules(Exception):
    """Rules that are no curve which fills squares: in which of them, at which sign of its text if at one, and why."""

    def __init__(self, rule: str, at: int | None, why: str, help: str = "") -> None:
        super().__init__(why)
        self.rule, self.at, self.why, self.help = rule, at, why, help


@dataclass(frozen=True)
class Part:
    """A cell of a block, and the state that fills it."""

    cell: Cell
    state: int


@dataclass(frozen=True)
class Rewriting:
    """The table: ``parts[state]`` are the side² parts of a state's block in order, ``start`` those of the whole curve.

    At depth n the curve fills a square of ``start_side * side**n``.
    """

    side: int
    parts: tuple[tuple[Part, ...], ...]
    start_side: int
    start: tuple[Part, ...]


@dataclass(frozen=True)
class _Letter:
    """A letter of a rule: its place in the text, its cell, and how often the turtle has turned left before it."""

    name: str
    at: int
    cell: Cell
    turns: int


@lru_cache(maxsize=256)
def rewriting(rules: Rules) -> Rewriting:
    """The table of a rule set. Raises BadRules for one that is no curve which fills squares at every depth."""
    texts = dict(rules)
    walks = {name: _walk(name, texts) for name in texts}
    sides = {name: _side(name, walk) for name, walk in walks.items()}
    letters = [name for name in texts if name != START]
    for name in letters[1:]:
        if sides[name] != sides[letters[0]]:
            why = f"it fills a block of {sides[name]}x{sides[name]}, and `{letters[0]}` one of {sides[letters[0]]}x"
            raise BadRules(name, None, f"{why}{sides[letters[0]]}", "all rules fill blocks of one size")
    states = {(name, turns): 4 * i + turns for i, name in enumerate(letters) for turns in range(4)}
    made = Rewriting(
        sides[letters[0]],
        tuple(_parts(walks[name], turns, states) for name, turns in states),
        sides[START],
        _parts(walks[START], 0, states),
    )
    for name, turns in [(START, 0), *states]:
        _check_joints(name, walks[name], made.start if name == START else made.parts[states[name, turns]], made)
    return made


def _walk(rule: str, texts: Mapping[str, str]) -> list[_Letter]:
    """The letters of a rule with their cells, the first one at (0, 0), as the turtle meets them."""
    if len(texts[rule]) > LONGEST_RULE:
        raise BadRules(rule, LONGEST_RULE, f"it has more than {LONGEST_RULE} signs")
    letters: list[_Letter] = []
    cell, turns, steps = (0, 0), 0, 1
    for at, sign in enumerate(texts[rule]):
        if sign in "+-":
            turns += 1 if sign == "+" else -1
        elif sign == "F":
            if not letters or steps:
                why = "a step before the first letter" if not letters else "a second step: no letter is between the two"
                raise BadRules(rule, at, why, "one F leads from each letter to the next")
            cell, steps = (cell[0] + _STEPS[turns % 4][0], cell[1] + _STEPS[turns % 4][1]), 1
        elif sign in texts and sign != START:
            if not steps:
                raise BadRules(rule, at, "no step leads to this letter", "one F leads from each letter to the next")
            letters.append(_Letter(sign, at, cell, turns % 4))
            steps = 0
        else:
            raise BadRules(rule, at, f"`{sign}` means nothing in a rule", _meanings(sign, texts))
    if not letters:
        raise BadRules(rule, None, "it has no letter that has a rule", "such as L, with the rule L=…")
    if steps:
        raise BadRules(rule, texts[rule].rindex("F"), "this step leads to no letter")
    if turns and rule != START:
        # A start has nothing after it.
        why = f"it turns by {90 * abs(turns)} degrees to the {'left' if turns > 0 else 'right'} in all"
        raise BadRules(rule, None, why, "a rule ends with the heading it began with: add turns at its end")
    return letters


def _meanings(sign: str, texts: Mapping[str, str]) -> str:
    if sign in "&^/\\|":
        return "curves by rewriting are flat: + and - are the only turns"
    if sign.isalpha() and sign not in "Ff":
        return f"give it a rule: {sign}=…"
    known = ", ".join(name for name in texts if name != START)
    return f"F is a step, + and - are turns, and there are rules for {known}"


def _side(rule: str, walk: list[_Letter]) -> int:
    """The side of the block that a walk fills."""
    seen: dict[Cell, _Letter] = {}
    for number, letter in enumerate(walk):
        if letter.cell in seen:
            before = list(seen).index(letter.cell)
            raise BadRules(rule, letter.at, f"letter {number + 1} stands in the cell of letter {before + 1}")
        seen[letter.cell] = letter
    rows, columns = zip(*seen, strict=True)
    height, width = max(rows) - min(rows) + 1, max(columns) - min(columns) + 1
    if height != width or height * width != len(walk):
        missing = next(
            (
                (r - min(rows), c - min(columns))
                for r in range(min(rows), max(rows) + 1)
                for c in range(min(columns), max(columns) + 1)
                if (r, c) not in seen
            ),
            None,
        )
        hole = "" if missing is None else f" and never visits the one in row {missing[0]}, column {missing[1]}"
        raise BadRules(rule, None, f"its {len(walk)} letters fill no square: it spans {height}x{width} cells{hole}")
    if rule != START and len(walk) == 1:
        raise BadRules(rule, None, "it has one letter alone, so that the curve never grows")
    return math.isqrt(len(walk))


def _parts(walk: list[_Letter], turns: int, states: Mapping[tuple[str, int], int]) -> tuple[Part, ...]:
    """The parts of a block whose turtle sets out with so many turns to the left."""
    cells = [letter.cell for letter in walk]
    for _ in range(turns):
        cells = [(-column, row) for row, column in cells]
    top, left = min(r for r, _ in cells), min(c for _, c in cells)
    return tuple(
        Part((r - top, c - left), states[letter.name, (letter.turns + turns) % 4])
        for letter, (r, c) in zip(walk, cells, strict=True)
    )


def _check_joints(rule: str, walk: list[_Letter], parts: tuple[Part, ...], made: Rewriting) -> None:
    """Raise BadRules where a step is none at some depth: parts end and begin where their blocks do not touch."""
    for number, (one, two) in enumerate(pairwise(parts)):
        step = (two.cell[0] - one.cell[0], two.cell[1] - one.cell[1])
        seen: set[tuple[int, int]] = set()
        pair = (one.state, two.state)
        while pair not in seen:
            seen.add(pair)
            last, first = made.parts[pair[0]][-1], made.parts[pair[1]][0]
            if not _touch(last.cell, first.cell, step, made.side):
                before, after = walk[number], walk[number + 1]
                times, ends = count_text(len(seen), "time"), f"`{before.name}` to the beginning of `{after.name}`"
                why = f"with letters rewritten {times}, no step leads from the end of {ends}: their blocks do not meet"
                raise BadRules(rule, after.at, why)
            pair = (last.state, first.state)


def _touch(last: Cell, first: Cell, step: Cell, side: int) -> bool:
    """Whether a cell of one block and one of the block a step further are neighbours in the direction of that step."""
    return all(b + side * s - a == s for a, b, s in zip(last, first, step, strict=True))


def turtle_walk(rules: Rules, depth: int) -> list[Cell]:
    """The cells (row, column, from 0 on) that the turtle itself visits with all letters rewritten ``depth`` times."""
    texts = dict(rules)
    text = texts[START]
    for _ in range(depth):
        text = "".join(texts.get(sign, sign) for sign in text)
    cells, turns = [(0, 0)], 0
    for sign in text:
        turns += (sign == "+") - (sign == "-")
        if sign == "F":
            down, right = _STEPS[turns % 4]
            cells.append((cells[-1][0] + down, cells[-1][1] + right))
    top, left = min(r for r, _ in cells), min(c for _, c in cells)
    return [(r - top, c - left) for r, c in cells]
