"""The three forms of a file, and by which operators each scan is written in it, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.guesses import nearest_text

__all__ = ["FORMS", "WAYS", "Choice", "Form", "Way", "form_named"]

MICROSOFT = "com.microsoft"


@dataclass(frozen=True)
class Form:
    """A kind of runtime that a file is written for. opset, ir: of the standard operators, and of the file. domain: of
    LinearAttention, where `attention` says that there is one. loops: whether the operator Scan, a graph within a
    graph, may be used. needs: what a runtime must have, in words."""

    opset: int
    ir: int
    needs: str
    attention: bool = False
    domain: str = ""
    loops: bool = False


FORMS: Mapping[str, Form] = MappingProxyType(
    {
        "onnxruntime": Form(
            21,
            10,
            "onnxruntime with its contrib operator com.microsoft.LinearAttention where a layer has real heads, and the "
            "standard operators of opset 21",
            attention=True,
            domain=MICROSOFT,
            loops=True,
        ),
        "portable": Form(27, 12, "the standard operators of opset 27, LinearAttention among them", attention=True),
        "plain": Form(21, 10, "the standard operators of opset 21, without control flow and without LinearAttention"),
    }
)


def form_named(name: str) -> Form:
    """The row of a form. Raises S785 for a name that is none."""
    if name not in FORMS:
        raise ScanlabError.at(
            "S785", f"there is no form {name!r}", help=nearest_text(name, FORMS, f"forms are {', '.join(FORMS)}")
        )
    return FORMS[name]


@dataclass(frozen=True)
class Way:
    """How a recurrence is written. what: in a few words."""

    what: str


WAYS: Mapping[str, Way] = MappingProxyType(
    {
        "attention": Way("LinearAttention"),
        "blocked": Way("blocks of steps side by side, plain operators"),
        "stepped": Way("step after step in a Scan operator"),
        "chunked": Way("chunks of steps as products of matrices, plain operators"),
    }
)


@dataclass(frozen=True)
class Choice:
    """The way of a layer, and why it was chosen."""

    way: str
    why: str


# From so many numbers of state on, of all sequences together, a step is worth operators of its own: measured by
# benchmarks/onnx_export.py, whose table is in docs/onnx.md.
STEPPED_FROM = 4096
SLOWER = "LinearAttention would take every channel as a head of its own, which was slower"


def diagonal_choice(form: Form, numbers: int) -> Choice:
    """For a state of so many numbers, each with a decay of its own (Mamba)."""
    if form.attention and not form.domain:
        return Choice("attention", "the standard operator was asked for; it takes every channel as a head of its own")
    if not form.loops:
        return Choice("blocked", "plain operators were asked for")
    if numbers >= STEPPED_FROM:
        return Choice(
            "stepped", f"{SLOWER}; steps of {STEPPED_FROM:,} numbers or more are worth operators of their own"
        )
    return Choice(
        "blocked", f"{SLOWER}; steps of less than {STEPPED_FROM:,} numbers are not worth operators of their own"
    )


def heads_choice(form: Form) -> Choice:
    """For heads with one decay each (Mamba-2)."""
    if form.attention:
        return Choice("attention", "the scan has real heads")
    return Choice("chunked", "plain operators were asked for")
