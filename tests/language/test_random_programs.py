"""Whole programs at random, down the whole road: anything but a value or a ScanlabError is a mistake of ours.

Every text is read, and what it defines is printed and read back. Of some, everything is asked that needs no GPU:
proofs and claims, paths on a small grid, metrics, every stage of `scanlab compile --emit` up to the path functions.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

import numpy as np
import pytest
from random_programs import program
from sweep import chunks

from scanlab.checking import check_module, mark_of, verdict_of
from scanlab.codegen.listing import function_listing
from scanlab.codegen.programs import FAILED
from scanlab.compiler.bind import CompiledScan, bind
from scanlab.compiler.index_form import evaluate_form, patch_at
from scanlab.compiler.lattice import Lattice
from scanlab.compiler.locality import locality
from scanlab.compiler.sorting import sorted_patches
from scanlab.ir.diagnostics import ScanlabError, Source
from scanlab.ir.values import Value
from scanlab.language.library import library_templates
from scanlab.language.module import Definition, Module, parse_value, read_module
from scanlab.language.parse import decode
from scanlab.stages import STAGES, change_at, strategy_of

_SECONDS = 20
_GRIDS = {
    1: ((5,), (1,)),
    2: ((3, 4), (5, 2), (1, 3), (4, 4)),
    3: ((2, 3, 2),),
    4: ((2, 1, 2, 2),),
    5: ((1, 2, 2, 1, 2),),
}
_STAGES = tuple(s for s in STAGES if s != "proof")


@contextmanager
def _bounded(what: str) -> Iterator[None]:
    """Fail where something takes longer than it may, instead of waiting for it."""

    def stop(*_: object) -> None:
        raise TimeoutError(f"more than {_SECONDS} s: {what}")

    if not hasattr(signal, "setitimer"):
        yield
        return
    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, _SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.sweep
@pytest.mark.parametrize("seeds", chunks(2_500, sweep=100_000), ids=str)
def test_any_program_gives_values_or_errors(seeds: range) -> None:
    failed: list[str] = []
    for seed in seeds:
        text = program(seed)
        try:
            with _bounded(f"program {seed}"):
                _drive(text, Random(seed))
        except Exception as error:
            failed.append(f"program({seed}): {type(error).__name__}: {error}\n{text.decode(errors='replace')}")
    assert not failed, f"{len(failed)} of {len(seeds)}:\n\n" + "\n\n".join(failed[:5])


def _drive(text: bytes, random: Random) -> None:
    try:
        module = read_module(decode(text, "a.scan"), library_templates)
    except ScanlabError as error:
        assert str(error)
        return
    assert all(str(d) and d.message for d in module.problems)
    for definition in module.definitions:
        if definition.value is not None and random.random() < 0.3:
            _round_trip(definition.value)
    if random.random() < 0.03:
        _check(module, random)
    for definition in module.definitions:
        if definition.value is not None and random.random() < 0.05:
            _compile(definition, random)


def _round_trip(value: Value) -> None:
    try:
        again = parse_value(Source(str(value)), value.axes, library_templates)
    except ScanlabError as error:
        # What is written out in full can be longer than a text may be.
        assert error.code in ("S104", "S105", "S213"), error
        return
    assert str(again) == str(value)


def _check(module: Module, random: Random) -> None:
    grid = random.choice((None, None, (3, 4), (2, 2, 2)))
    for checked in check_module(module, grid, look_up=False):
        assert mark_of(checked) in "✗✓?·"
        assert all(str(d) for d in checked.diagnostics)
        assert verdict_of(checked) or checked.diagnostics


def _compile(definition: Definition, random: Random) -> None:
    value = definition.value
    assert value is not None
    grid = random.choice(_GRIDS[len(value.axes)])
    try:
        bound = bind(value, grid)
    except ScanlabError as error:
        assert str(error)
        return
    for scan in bound.scans:
        _closed_forms(scan)
        listing = function_listing(scan, random.choice(("triton", "cpu")))
        assert str(listing) and FAILED not in listing.program.reasons
    stage = random.choice(_STAGES)
    try:
        strategy = strategy_of(definition, grid, is_asked=True)
        content = STAGES[stage](strategy)
        # Of orders that are beyond isl, its stage shows no more than the reasons.
        assert content.parts and (content.shows or stage == "isl")
        assert str(change_at(stage, strategy, content))
    except ScanlabError as error:
        assert str(error)


def _closed_forms(scan: CompiledScan) -> None:
    for path in scan.paths:
        oracle = sorted_patches(path.order, Lattice(path.axes, path.grid))
        np.testing.assert_array_equal(path.indices, oracle)
        locality(path.indices, path.grid)
        form = path.index_form
        assert form.lines(path.axes) and "mistake" not in form.reason
        if form.patch is not None:
            np.testing.assert_array_equal(evaluate_form(form, path.axes, len(oracle)), oracle)
            assert [patch_at(form, path.axes, p) for p in range(len(oracle))] == oracle.tolist()
