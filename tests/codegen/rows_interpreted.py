"""Run by test_interpreted.py with TRITON_INTERPRET=1: the generated functions of the library, all steps at once.

Names of strategies may follow; without any, it is the whole library. Prints how many path functions gave the rows of
the table, and the names of those that did not.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import torch
import triton
import triton.language as tl

from scanlab.codegen import load
from scanlab.codegen.cache import store
from scanlab.codegen.cost import UNLIMITED
from scanlab.codegen.programs import generate
from scanlab.compiler.bind import CompiledPlan, CompiledScan, bind
from scanlab.ir.diagnostics import ScanlabError
from scanlab.language.library import library_definitions
from scanlab.library_index import USUAL_GRIDS
from scanlab.ops.path_tables import path_table

SQUARES = {2: (8, 8), 3: (4, 4, 4)}


@triton.jit
def rows_kernel(rows, steps, length, BLOCK: tl.constexpr, PATCH_AT: tl.constexpr):
    """rows[sequence, step] = the row that a sequence visits at a step; one per program, all its steps at once."""
    sequence = tl.program_id(0)
    step = tl.arange(0, BLOCK)
    inside = (step < length) & (tl.load(steps + sequence * length + step, mask=step < length, other=-1) >= 0)
    step = tl.where(inside, step, 0)
    tl.store(rows + sequence * length + step, PATCH_AT(steps + sequence * length, sequence, step), mask=inside)


def _scans() -> Iterator[CompiledScan]:
    wanted = sys.argv[1:]
    for definition in library_definitions().values():
        value = definition.value
        if value is None or (wanted and definition.name not in wanted):
            continue
        for grids in (USUAL_GRIDS, SQUARES):
            try:
                bound = bind(value, grids[len(value.axes)])
            except (KeyError, ScanlabError):
                continue
            scans = bound.scans if isinstance(bound, CompiledPlan) else (bound,)
            # What squares add are the curves.
            yield from (s for s in scans if grids is USUAL_GRIDS or any(p.form == "curve" for p in s.paths))


def main() -> None:
    """Compare every generated function with its table."""
    assert os.environ["TRITON_INTERPRET"] == "1"
    right, wrong = set(), set()
    for scan in _scans():
        made = generate(scan, "triton", limit=UNLIMITED)
        if not made.name or made.name in right:
            continue
        store(made.name, made.source)
        steps = path_table(scan).steps[0].contiguous()
        rows = torch.full_like(steps, -1)
        block = triton.next_power_of_2(steps.shape[1])
        rows_kernel[(len(steps),)](rows, steps, steps.shape[1], BLOCK=block, PATCH_AT=load(made.name))
        (right if torch.equal(rows, steps) else wrong).add(made.name)
    print(len(right), *sorted(wrong))


if __name__ == "__main__":
    main()
