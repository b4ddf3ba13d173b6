"""Whole .scan files at random: sound ones, ones that only look sound, and ones damaged by tokens and by bytes.

``program(seed)`` is the same in every run. Half of the texts are written by ``Writer``, which knows the language and
now and then breaks its rules; the others are sound values from random_orders, or the library, damaged or not.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from random_orders import AXES, RULES, orders, plans, scans

from scanlab.ir.functions import CURVES
from scanlab.ir.merges import MERGES
from scanlab.ir.values import PLACES, TOKENS, Value
from scanlab.language.library import library_definitions, library_sources

__all__ = ["program"]

_GRIDS = (("h", "w"), ("h", "w"), ("h", "w"), ("x",), ("y", "x"), ("t", "h", "w"), ("a", "b", "c", "d"), tuple("vwxyz"))
_HOSTILE = (0, 1, 2, 3, 7, 255, 2**31 - 1, 2**31 - 2, 65536, 2**30, 2**31, 2**63, 10**30)
_FOREIGN = "−×÷→“”‘’≤≥≠∧∨¬·…ｈ３　\u00a0\u200b\ufeff\u2028é漢🙂\x00\x7f\\/^&|!?:;.{}'@$`%"
_SLIPS = (
    *("h / 2", "if h then w else 0", "0 <= h < 3", "h ** 2", "h^2", "sum(by h, w, by w, h)", "w % k", "window(4)"),
    *("h && w", "h || w", "!h", "h = 2", "h ? w : 0", "h mod 2", "h div 2", "h.w", "row.T", "1.5", "let a = h; by a"),
    *("order a: by h", "0..3", "for i in 3", "(h, w)", "[h, w]", "h <> w", "# c", "// c", "/* c */", "true", "None"),
)


class Writer:
    """Writes programs; ``wild`` is how often it breaks a rule."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.wild = random.choice((0.0, 0.0, 0.02, 0.1))
        self.axes: tuple[str, ...] = ("h", "w")
        self.locals: list[str] = []
        self.paths: list[str] = []

    def pick(self, *made: Callable[[], str]) -> str:
        return self.random.choice(made)()

    def number(self) -> str:
        if self.random.random() < 0.06 + self.wild:
            return str(self.random.choice(_HOSTILE))
        return str(self.random.randrange(6))

    def leaf(self) -> str:
        if self.random.random() < self.wild:
            return self.random.choice(("zz", "h", "H", "row", "hilbert", *_SLIPS))
        axis = self.random.choice(self.axes)
        return self.pick(
            lambda: axis, lambda: axis, axis.upper, self.number, lambda: self.random.choice((axis, *self.locals))
        )

    def key(self, depth: int) -> str:
        if depth <= 0 or self.random.random() < 0.25:
            return self.leaf()
        a, b = (lambda: self.key(depth - 1)), (lambda: self.key(depth - 1))
        below = self.random.choice((self.number, self.number, self.leaf, b))
        return self.pick(
            lambda: f"{a()} {self.random.choice('+-*')} {b()}",
            lambda: f"({a()}) {self.random.choice(('//', '%', '*'))} ({below()})",
            lambda: f"({a()}) {self.random.choice(('//', '%'))} {self.number()}",
            lambda: f"({a()} {self.random.choice(('==', '!=', '<', '<=', '>', '>='))} {b()})",
            lambda: f"({a()} if {b()} else {self.key(depth - 1)})",
            lambda: f"({a()} {self.random.choice(('and', 'or'))} not {b()})",
            lambda: f"{self.random.choice(('min', 'max'))}({a()}, {b()})",
            lambda: f"{self.random.choice(('abs', 'flip', '-', 'not '))}({a()})",
            lambda: self.curve(depth - 1),
            self.radix,
            lambda: f"{self.random.choice(('offset', 'breadth'))}({a()}){self.groups()}",
            lambda: f"(let q{depth} = {a()} in {self.within(f'q{depth}', depth - 1)})",
        )

    def within(self, name: str, depth: int) -> str:
        self.locals.append(name)
        text = self.key(depth)
        self.locals.pop()
        return text

    def curve(self, depth: int) -> str:
        signature = self.random.choice(list(CURVES.values()))
        count = self.random.randint(max(1, signature.fewest), max(1, min(3, signature.most)))
        given = [self.key(depth - 1) for _ in range(count)]
        given += [f"{o.name}={self.random.randint(o.low, min(o.high, 3))}" for o in signature.options]
        if signature.rules:
            given += [f'{name}="{self.damaged(text)}"' for name, text in self.random.choice(RULES)]
        return f"{signature.name}({', '.join(given)}){self.groups() if self.random.random() < 0.1 else ''}"

    def damaged(self, rule: str) -> str:
        at = self.random.randrange(len(rule))
        return rule[:at] + self.random.choice("LRF+-Q ") + rule[at + 1 :] if self.random.random() < 0.1 else rule

    def groups(self) -> str:
        return f" within ({', '.join(self.key(1) for _ in range(self.random.choice((1, 1, 2))))})"

    def by(self) -> str:
        tilde = ("", "", "~", "~") if self.random.random() < 0.8 else ("-",)
        keys = [self.random.choice(tilde) + f"({self.key(3)})" for _ in range(self.random.choice((0, 0, 1, 1, 2)))]
        last = self.random.sample(self.axes, len(self.axes)) if self.random.random() < 0.85 or not keys else []
        keys += [self.random.choice(tilde) + a for a in last]
        at = self.random.randrange(len(keys)) if self.random.random() < 0.15 else len(keys)
        keys[at:] = [f"{self.groups()[1:]}: {', '.join(keys[at:])}"] if at < len(keys) else []
        text = f"by {', '.join(keys)}"
        if self.random.random() < 0.2:
            text += f" where {self.key(2)}"
        if self.random.random() < 0.15:
            text += f" restart by {self.key(2)}"
        text += self.tokens() if self.random.random() < 0.1 else ""
        return text + self.assumption() if self.random.random() < 0.15 else text

    def assumption(self) -> str:
        """Conditions on extents, most of which some grid satisfies."""
        if self.random.random() < self.wild:
            return f" assume {self.key(2)}"
        extent, other = (self.random.choice(self.axes).upper() for _ in range(2))
        conditions = (
            f"{extent} % {self.random.randint(1, 3)} == {self.random.randrange(2)}",
            f"{extent} {self.random.choice(('==', '!=', '<', '<=', '>', '>='))} {self.number()}",
            f"not {extent} // 2 > {other} + {self.number()}",
            f"({extent} * {other} <= 40 or {extent} == {other})",
        )
        return f" assume {', '.join(self.random.sample(conditions, self.random.randint(1, 2)))}"

    def regroup(self) -> str:
        """A pattern in place of keys, now and then with a slip in it."""
        groups, parts, sizes = [], [], []
        for i, axis in enumerate(self.axes):
            inner = [f"k{i}{j}" for j in range(self.random.choice((0, 1, 1, 2)))]
            groups.append(f"({' '.join([axis, *inner])})" if inner else axis)
            parts += [axis, *inner]
            sizes += [f"{name}={self.random.randint(1, 4)}" for name in inner]
        if self.random.random() < self.wild:
            parts[0] = self.random.choice((*parts, "(", "~", "...", "2", "zz"))
        right = [self.random.choice(("", "", "~")) + p for p in self.random.sample(parts, len(parts))]
        return ", ".join([f'by "{" ".join(groups)} -> {" ".join(right)}"', *sizes])

    def radix(self) -> str:
        """Coordinates as the digits of a number, and what is left of it."""
        first, *others = self.random.sample(self.axes, len(self.axes))
        text = first
        for axis in others:
            text = f"({text} * {axis.upper()} + {axis})"
        below = self.random.choice((self.number(), self.random.choice(self.axes).upper()))
        return self.pick(
            lambda: text,
            lambda: f"{text} // {below}",
            lambda: f"{text} % {below}",
            lambda: f"({first} - {self.number()}) % {first.upper()}",
        )

    def tokens(self) -> str:
        placed = [f"{n} at {self.random.choice(PLACES)}{self.random.choice(('', ' fixed'))}" for n in TOKENS]
        return " with " + ", ".join(placed[: self.random.randint(1, 2)])

    def path(self, depth: int = 2) -> str:
        known = [*self.paths, "row", "snake", "window[2]", f"window[{self.number()}]", "cross"]
        coordinates = ", ".join(self.key(1) for _ in self.axes)
        if depth <= 0:
            return self.random.choice((*known, f"({self.by()})"))
        return self.pick(
            lambda: self.random.choice(known),
            lambda: f"({self.by()})",
            lambda: f"({self.regroup()})",
            lambda: f"-{self.path(depth - 1)}",
            lambda: f"{self.random.choice(known)}({coordinates})",
            lambda: f"{self.random.choice(('transpose', 'flip_h', 'flip_w', 'reverse'))}({self.path(depth - 1)})",
            lambda: self.scan(depth - 1),
            lambda: f"({self.scan(depth - 1)}{self.tokens()})",
            lambda: f"visit({', '.join(map(str, self.random.sample(range(4), 4)))})",
            lambda: f"(let r = {self.path(depth - 1)} in r)",
        )

    def scan(self, depth: int = 2) -> str:
        parts = [self.path(depth - 1) for _ in range(self.random.randint(1, 3))]
        if self.random.random() < 0.2:
            return f"{self.random.choice(tuple(MERGES))}(orbit({parts[0]}, transpose, flip_w))"
        if self.random.random() < 0.15:
            axis, k, all_of = self.random.choice(self.axes), self.number(), f"by {', '.join(self.axes)}"
            return f"scatter(({all_of} where {axis} < {k}), ({all_of} where {axis} >= {k}))"
        return f"{self.random.choice(tuple(MERGES))}({', '.join(parts)})"

    def plan(self) -> str:
        entries = [
            f"{self.path(1)}{self.random.choice(('', f' * {self.number()}'))}" for _ in range(self.random.randint(1, 3))
        ]
        return f"{self.random.choice(('cycle', 'layers'))}({', '.join(entries)})"

    def claim(self) -> str:
        claim = self.random.choice(("continuous", "covers", f"same as {self.path(1)}", "covers\n  expect continuous"))
        return f"\n  expect {claim}"

    def definition(self, name: str) -> str:
        kind = self.random.choice(("order", "order", "order", "scan", "plan"))
        parameter = self.random.random() < 0.15
        self.locals = ["k"] if parameter else []
        body = {"order": self.by, "scan": self.scan, "plan": self.plan}[kind]()
        head = name + (f"[k={self.number()}]" if parameter else "")
        doc = '"About it."\n' if self.random.random() < 0.1 else ""
        text = f"{doc}{kind} {head} = {body}"
        text += self.claim() if self.random.random() < 0.25 else ""
        self.paths.append(name)
        return text

    def module(self) -> str:
        lines = []
        for i in range(self.random.choice((1, 1, 2, 3))):
            if i == 0 or self.random.random() < 0.1:
                self.axes = self.random.choice(_GRIDS)
                lines.append(f"grid {', '.join(self.axes)}{self.assumption() if self.random.random() < 0.1 else ''}")
            lines.append(self.definition(f"p{i}"))
        if self.random.random() < 0.05:
            lines.append(f"order deep = by {self.random.choice(_DEEP)}, {', '.join(self.axes)}")
        return "\n".join(lines) + "\n"


_DEEP = (
    "(" * 70 + "1" + ")" * 70,
    "-" * 600 + "1",
    "not " * 200 + "1",
    " + ".join(["1"] * 400),
    " * ".join(["2147483647"] * 400),
    "abs(" * 60 + "1" + ")" * 60,
    "1 if 1 else " * 150 + "1",
    "".join(f"let a{i + 1} = a{i} + a{i} in " for i in range(20)).replace("a0", "1", 1),
)


@cache
def sound_texts() -> tuple[str, ...]:
    """Some hundred sound values from random_orders as whole files, and the library's definitions."""
    found: list[str] = []

    @given(st.data())
    @settings(max_examples=150, database=None, derandomize=True, deadline=None)
    def draw(data: st.DataObject) -> None:
        axes = data.draw(st.sampled_from(AXES))
        value: Value = data.draw(
            st.one_of(
                orders(axes, with_tokens=True, assuming=True), orders(axes, affine=True), scans(axes), plans(axes)
            )
        )
        found.append(_file(axes, value))

    draw()
    library = [_file(d.axes, d.value) for d in library_definitions().values() if d.value is not None]
    return (*found, *library)


def _file(axes: tuple[str, ...], value: Value) -> str:
    return f"grid {', '.join(axes)}\n{type(value).__name__.lower()} a = {value}\n"


@cache
def _library_texts() -> tuple[str, ...]:
    return tuple(s.text for s in library_sources())


def _some_of_the_library(random: Random) -> str:
    text = random.choice(_library_texts())
    start = random.randrange(max(1, len(text) - 400))
    return f"grid h, w\n{text[start : start + random.randint(20, 400)]}"


def _damaged_tokens(text: str, random: Random) -> str:
    words = re.findall(r"\w+|\s+|[^\w\s]+", text) or [""]
    for _ in range(random.randint(1, 4)):
        at = random.randrange(len(words))
        match random.randrange(5):
            case 0:
                del words[at]
                words = words or [""]
            case 1:
                words.insert(at, random.choice(words))
            case 2:
                words[at] = random.choice(words)
            case 3:
                words.insert(at, f" {random.choice(_SLIPS)} ")
            case _:
                words.insert(
                    at, random.choice(("(", ")", ",", "~", "by ", " in ", "=", str(random.choice(_HOSTILE)), " grid "))
                )
    return "".join(words)


def _damaged_bytes(text: str, random: Random) -> bytes:
    data = bytearray(text.encode())
    for _ in range(random.randint(1, 4)):
        at = random.randrange(len(data) + 1)
        match random.randrange(4):
            case 0:
                data[at : at + 1] = bytes([random.randrange(256)])
            case 1:
                del data[at : at + random.randint(1, 20)]
            case 2:
                data[at:at] = random.choice(_FOREIGN).encode()
            case _:
                data[at:at] = data[max(0, at - 30) : at]
    return bytes(data)


def program(seed: int) -> bytes:
    """The bytes of a .scan file."""
    random = Random(seed)
    text = Writer(random).module() if random.random() < 0.65 else random.choice(sound_texts())
    if random.random() < 0.1:
        text = _some_of_the_library(random)
    match random.randrange(6):
        case 0:
            return _damaged_tokens(text, random).encode()
        case 1:
            return _damaged_bytes(text, random)
    return text.encode()
