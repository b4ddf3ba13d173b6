"""What the error codes of the language mean: of reading it, its names, its proofs and its grids."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

__all__ = ["LANGUAGE_CODES", "Code"]


@dataclass(frozen=True)
class Code:
    """The meaning of one code; ``wrong`` and ``right`` are whole texts, empty where no text can show it."""

    title: str
    meaning: str
    wrong: str = ""
    right: str = ""


_HW = "grid h, w\n"

_READING = {
    "S100": Code(
        "a character without meaning",
        "The language is made of names, whole numbers, strings in double quotes, and a few signs.",
        _HW + "order a = by h; w",
        _HW + "order a = by h, w",
    ),
    "S101": Code(
        "an unexpected word",
        "A word or sign stands where the grammar allows something else; the message lists what could follow.",
        _HW + "order a = by h, w were h < 3",
        _HW + "order a = by h, w where h < 3",
    ),
    "S102": Code(
        "a text that ends too early",
        "A definition stops in the middle.",
        _HW + "order a = by h,",
        _HW + "order a = by h, w",
    ),
    "S103": Code("not UTF-8", "A .scan file is UTF-8 text; the message names the first byte that is not."),
    "S104": Code("a text that is too long", "One file holds at most 262,144 characters."),
    "S105": Code(
        "nested too deeply",
        "Brackets nest at most 64 deep, operations 256 deep, and one expression has at most 1,000 words.",
    ),
    "S106": Code(
        "a number that is too large",
        "Numbers in a text go up to 2147483647, and what is computed from numbers alone stays below 2^62.",
        _HW + "order a = by 99999999999 * h, w",
        _HW + "order a = by 1000 * h, w",
    ),
    "S107": Code("a file that cannot be read", "It is missing, a folder, or not readable by you."),
    "S108": Code(
        "a string that is not closed",
        'A documentation string begins and ends with ".',
        _HW + '"Row by row.\norder a = by h, w',
        _HW + '"Row by row."\norder a = by h, w',
    ),
}

_NAMES = {
    "S200": Code(
        "no grid",
        "A definition uses coordinates, so a grid line that names the axes must stand above it.",
        "order a = by h, w",
        _HW + "order a = by h, w",
    ),
    "S201": Code(
        "an unknown name",
        "The name is no axis, extent, parameter, function or definition here. A similar known name is suggested.",
        _HW + "order a = snaek",
        _HW + "order a = snake",
    ),
    "S202": Code(
        "defined twice",
        "Two definitions, or two parameters of one, have the same name.",
        _HW + "order a = by h, w\norder a = by w, h",
        _HW + "order a = by h, w\norder b = by w, h",
    ),
    "S203": Code(
        "a name that is taken",
        "A definition, parameter or let would hide an axis or its extent (the axis in upper case).",
        _HW + "order h = by h, w",
        _HW + "order rows = by h, w",
    ),
    "S204": Code(
        "the wrong number of arguments",
        "A function, a helper or a coordinate substitution got too many or too few.",
        _HW + "order a = row(w)",
        _HW + "order a = row(w, h)",
    ),
    "S205": Code(
        "a wrong parameter",
        "Parameters in brackets are whole numbers known in advance; all without a default must be given.",
        _HW + "order a = window[k=h]",
        _HW + "order a = window[k=4]",
    ),
    "S206": Code(
        "the wrong kind",
        "Keys are numbers, orders are paths, scans merge paths, plans list scans; one stands where another is needed.",
        _HW + "scan a = sum(row, h)",
        _HW + "scan a = sum(row, column)",
    ),
    "S207": Code(
        "a definition that uses itself",
        "Definitions cannot be recursive, and use each other at most 40 levels deep.",
        _HW + "order a = b\norder b = a",
        _HW + "order a = b\norder b = by h, w",
    ),
    "S208": Code(
        "other axes",
        "A path over other axes is used; say which coordinates it runs over.",
        "grid t, h, w\norder a = row",
        "grid t, h, w\norder a = by t, row(h, w)",
    ),
    "S209": Code(
        "a misplaced ~",
        "~k runs a whole key backwards where the sum of the keys before it is odd; it cannot stand inside a key.",
        _HW + "order a = by h, 1 + ~w",
        _HW + "order a = by h, ~(1 + w)",
    ),
    "S210": Code(
        "an unknown extent",
        "An order that uses an extent such as W needs to know how many values its new coordinate takes.",
        _HW + "order f = by h, W - 1 - w\norder a = f(h, w * w)",
        _HW + "order f = by h, W - 1 - w\norder a = f(w, h)",
    ),
    "S211": Code(
        "a wrong option",
        "A key function has no such option, or its value is out of range.",
        _HW + "order a = by spiral_in(h, w, corner=7)",
        _HW + "order a = by spiral_in(h, w, corner=2)",
    ),
    "S212": Code(
        "a wrong grid line",
        "A grid has one to five different axes in lower case.",
        "grid H, W\norder a = by 1",
        _HW + "order a = by h, w",
    ),
    "S213": Code("too large", "A key has at most 4,096 terms, a scan 64 paths, a plan 1,024 layers."),
    "S214": Code(
        "no permutation",
        "An explicit list must name each of the patches 0 to L-1 exactly once.",
        _HW + "order a = by visit(0, 1, 1, 3)",
        _HW + "order a = by visit(0, 2, 1, 3)",
    ),
    "S215": Code(
        "tokens placed twice",
        "A token stands on a scan or on its paths, not on both, and once.",
        _HW + "scan a = sum((row with cls at start)) with cls at end",
        _HW + "scan a = sum(row) with cls at end",
    ),
    "S216": Code("a branch on a coordinate", "In Python, use scanlab.where(condition, a, b) in place of if."),
    "S280": Code(
        "no condition on extents",
        "An `assume` compares the grid's extents and numbers; it cannot speak of single patches, nor divide by zero.",
        _HW + "order a = by h, w assume h < 4",
        _HW + "order a = by h, w assume H < 4",
    ),
    "S281": Code(
        "assumptions that no grid satisfies",
        "What a grid line and the orders below it assume must hold together on some grid.",
        _HW + "order a = by h, w assume H > 8, H < 4",
        _HW + "order a = by h, w assume H > 4, H < 8",
    ),
    "S282": Code(
        "a pattern that is no regrouping",
        "The left side names a group for each axis, the right side every name once, in the order of visiting.",
        _HW + 'order a = by "(h k) w -> h k", k=7',
        _HW + 'order a = by "(h k) w -> h w k", k=7',
    ),
    "S283": Code(
        "sizes that do not fit a pattern",
        "Every part of a group but the outermost has a size, and only these have one.",
        _HW + 'order a = by "(h k) w -> h w k"',
        _HW + 'order a = by "(h k) w -> h w k", k=7',
    ),
    "S217": Code(
        "a definition that depends on a broken one",
        "Another definition of the file has a mistake; it is shown, too. What does not depend on it can be used.",
    ),
    "S290": Code(
        "a box of no group",
        "Curves, offset(…) and breadth(…) can speak of the box of a group, given by `within`; nothing else has one.",
        _HW + "order a = by offset(h), w",
        _HW + "order a = by h // 7, offset(h) within (h // 7), w",
    ),
    "S291": Code(
        "rules of no curve",
        "The rules of lsystem(…) fill a square at every depth: one F from each letter to the next, each cell once.",
        _HW + 'order a = by lsystem(h, w, L="-LF+LFL+FL-")',
        _HW + 'order a = by lsystem(h, w, L="-RF+LFL+FR-", R="+LF-RFR-FL+")',
    ),
}

_PROOFS = {
    "S300": Code(
        "a tie",
        "Two patches have equal keys, so nothing says which comes first. The smallest grid and patches are shown, "
        "and a key that tells them apart.",
        _HW + "order a = by h + w",
        _HW + "order a = by h + w, h",
    ),
    "S301": Code(
        "a patch left out",
        "Paths whose outputs are merged patch by patch must visit the same patches, and all of them.",
        _HW + "scan a = sum(row, (row where h > 0))",
        _HW + "scan a = scatter((row where h == 0), (row where h > 0))",
    ),
    "S302": Code(
        "a patch visited twice",
        "The paths of a scatter share the grid out; two of them visit the same patch.",
        _HW + "scan a = scatter((row where h < 3), (row where h >= 2))",
        _HW + "scan a = scatter((row where h < 3), (row where h >= 3))",
    ),
    "S303": Code(
        "not continuous",
        "`expect continuous` claims that every step goes to a neighbouring patch.",
        _HW + "order a = by h, w\n  expect continuous",
        _HW + "order a = by h, ~w\n  expect continuous",
    ),
    "S304": Code(
        "not the same",
        "`expect same as` claims that two definitions visit the same patches in the same sequence.",
        _HW + "order a = by w, h\n  expect same as row",
        _HW + "order a = by 2 * h, 3 * w\n  expect same as row",
    ),
    "S305": Code("no patch left", "A `where` keeps no patch of this grid; a path visits at least one."),
    "S306": Code(
        "division by zero",
        "A divisor is zero whatever the patch.",
        _HW + "order a = by h // 0, w",
        _HW + "order a = by h // 2, h, w",
    ),
    "S307": Code(
        "a patch not covered",
        "`expect covers` claims that every patch of the grid is visited.",
        _HW + "order a = by h, w where h > 0\n  expect covers",
        _HW + "order a = by h, w\n  expect covers",
    ),
    "S308": Code(
        "an undecided claim",
        "A claim must be proved: this one is beyond linear arithmetic, and no small grid refutes it.",
        _HW + "order a = by h * h * W * W + w * w\n  expect covers",
        _HW + "order a = by h + w, h\n  expect covers",
    ),
    "S309": Code(
        "not proved for all sizes",
        "A warning: the keys are beyond linear arithmetic. No small grid refutes them, and every grid that the order "
        "is used on is checked patch by patch.",
        _HW + "order a = by h * h * W * W + w * w",
        _HW + "order a = by h + w, h",
    ),
    "S310": Code(
        "two answers",
        "Every verdict of isl is tried by looking at every patch of some grids. Here the two disagree, so there is "
        "none: a mistake in ScanLab or in isl, to be reported.",
    ),
    "S311": Code(
        "lists that fit no grid",
        "An order with an explicit list fits the grids with as many patches. Lists of different lengths fit no grid "
        "together, nor do orders whose assumptions exclude each other.",
        _HW + "scan a = sum((by visit(0, 1, 2, 3)), (by visit(0, 1)))",
        _HW + "scan a = sum((by visit(0, 1, 2, 3)), (by visit(3, 2, 1, 0)))",
    ),
    "S315": Code(
        "a path that cannot be followed as it grows",
        "`expect streamable in t` claims that no patch comes before one of an earlier t; with a latency, of an earlier "
        "group of so many.",
        _HW + "order a = by w, h\n  expect streamable in h",
        _HW + "order a = by h, w\n  expect streamable in h",
    ),
}

_GRIDS = {
    "S400": Code(
        "a wrong grid",
        "A grid has one extent per axis, each a whole number of at least 1: 14x14, and in Python also (14, 14), an "
        "array of integers, or 14 for one axis.",
    ),
    "S401": Code("a grid that is too large", "Grids have at most 2^24 patches; graph orders at most 2^18."),
    "S402": Code("a key that is too large", "A key's value could leave 64-bit integers on this grid."),
    "S403": Code(
        "division by zero at a patch",
        "A divisor is zero at the patch shown.",
        _HW + "order a = by h // w, h, w",
        _HW + "order a = by h // 2, h, w",
    ),
    "S404": Code("a list for another grid", "An explicit list of indices fits only grids with as many patches."),
    "S405": Code("an unknown stage", "`scanlab compile --emit` prints the stages that its help lists."),
    "S406": Code("no such layer", "A plan made with layers(…) has exactly the layers it lists."),
    "S410": Code(
        "a wrong argument",
        "compile and prove take an order, scan or plan, its name or a line; parse takes a line and the names of axes, "
        "whose extents are compile's.",
    ),
    "S430": Code(
        "no array of patches",
        "What is decompiled is, for each grid, an array of the flat row-major numbers of the patches at every step.",
    ),
    "S431": Code(
        "a patch that the grid has not", "The array reads beyond the last patch: perhaps the grid is another."
    ),
    "S432": Code("a function that gives no array", "It raised an error on every grid that it was tried on."),
    "S470": Code(
        "no link to Compiler Explorer",
        "A link holds the whole Triton function of --emit triton, and a web server takes addresses of some length.",
    ),
    "S471": Code(
        "a function that does not come back", "It was stopped: one call, or the import of its file, took too long."
    ),
    "S472": Code(
        "a function that answers differently", "Its array is another one when it is called again with the same extents."
    ),
    "S480": Code("no order to measure", "Locality is measured on paths that visit each patch once, inside the grid."),
    "S481": Code("a side for the peers", "The public Hilbert implementations order only squares of a power of two."),
    "S482": Code(
        "a grid that is not allowed", "Its extents are not what the order assumes; the help has one that fits."
    ),
    "S483": Code("a text that is no layout", "A layout of CuTe's is shape:strides, nested alike, in whole numbers."),
    "S484": Code(
        "a layout that is no order", "Its steps go to each patch of the grid once; the message says where not."
    ),
    "S485": Code("a path that is no layout", "Layouts add up strides: they have no turns; the message names the step."),
}

LANGUAGE_CODES: Mapping[str, Code] = MappingProxyType(_READING | _NAMES | _PROOFS | _GRIDS)
