"""What `make quick` runs: the first thing to be right, on two cores, before everything else is asked.

Language, compiler and values; every kernel against the reference, in float32 and few forms, since each form is compiled
once; one model and one tiny study. An entry is a file, a folder, or a test with or without its parameters; the rest of
the tests is `pytest --part rest`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

__all__ = ["PARTS", "QUICK", "is_quick", "left_out", "only", "stale"]

PARTS = ("all", "quick", "rest")
ROOT = Path(__file__).parents[1]


def _of(file: str, *tests: str) -> Iterator[str]:
    yield from (f"tests/{file}::{test}" for test in tests)


def _each(test: str, *parameters: str) -> list[str]:
    return [f"{test}[{p}]" for p in parameters]


# What kernels are told by a table: whole and partial paths, restarts, chains, tokens that come twice, orders per
# sample, a row again and again, one step, no memory.
_TABLES = ("two ways", "restarts", "chain", "partial", "token twice", "per sample", "any indices", "one step")
_SCANS = ("two paths", "restarts", "chain", "partial paths", "class token at both ends", "shared parameters",
          "an input per path", "groups", "a path without a step", "many channels")  # fmt: skip

QUICK = frozenset(
    (
        # Those that walk a table come first: the first of each kernel compiles it.
        *_of(
            "ops/test_ssd.py",
            "test_one_task_goes_through_several_groups_on_the_cpu",
            *_each("test_backends_agree", *(f"{case}-cpu" for case in _TABLES), "chain-triton", "token twice-triton"),
            *_each("test_weights", "cpu", "triton"),
            *_each("test_lengths", "70-cpu", "17-triton"),
            *_each("test_a_slow_state_passes_through_whole_chunks", "cpu", "triton"),
        ),
        *_of(
            "ops/test_selective_scan.py",
            *_each("test_values_and_gradients_equal_the_reference", *(f"{shape}-cpu" for shape in _SCANS)),
            *_each("test_values_and_gradients_equal_the_reference", "restarts-triton", "chain-triton",
                   "class token at both ends-triton", "groups-triton"),
            *_each("test_every_merge_equals_the_reference", "weights-cpu", "mean-cpu", "none-cpu", "weights-triton"),
            *_each("test_last_states_equal_the_reference", "sum-cpu", "sum-triton"),
            *_each("test_every_length_on_the_cpu", "196"),
        ),
        *_of(
            "ops/test_convolution.py",
            *_each("test_backends_agree", *(f"{case}-cpu" for case in _TABLES), "chain-triton", "token twice-triton"),
            *_each("test_backends_agree_with_an_input_per_path", "chain-cpu", "chain-triton"),
        ),
        *_of(
            "ops/test_gpu_divisions.py",
            *_each("test_values_and_gradients_equal_the_reference",
                   "restarts and parts of the grid-Division(together=1, chunks=1)",
                   "shared parameters and groups-Division(together=2, chunks=0)"),
            *_each("test_parts_of_several_chunks", "80-33-1"),
            *_each("test_last_states", "Division(together=1, chunks=1)"),
        ),
        *_of("ops/test_gpu_states.py", *_each("test_every_number_of_states", "4-torch.float32")),
        "tests/ops/test_paths.py",
        "tests/ops/test_tiles.py",
        "tests/ops/test_reference.py",
        "tests/kernels/test_gpu_sums.py",
        "tests/nn/test_backbone.py",
        *_of("study/test_train.py", "test_a_trial_learns", "test_two_runs_are_equal_and_leave_torchs_generator_alone"),
        "tests/ir",
        *(f"tests/language/test_{name}.py" for name in ("broken", "constants", "diagnostics", "extents", "followed",
                                                        "habits", "helpers", "lexer")),
        *_of("language/test_random_programs.py", *_each("test_any_program_gives_values_or_errors", "range(0, 250)")),
        *(f"tests/compiler/test_{name}.py" for name in ("bind", "evaluate_on_grid", "metrics")),
        *_of("compiler/test_prove.py", "test_proofs_agree_with_counting", "test_coverage_agrees_with_counting"),
        "tests/test_facade.py",
    )
)  # fmt: skip


def is_quick(test: str) -> bool:
    """Whether a test, by its full name, belongs to QUICK."""
    file, _, name = test.partition("::")
    function = name.partition("[")[0]
    folders = {str(parent) for parent in Path(file).parents}
    return bool(QUICK & {test, file, f"{file}::{function}", *folders})


def left_out(path: Path, part: str) -> bool:
    """Whether no test of a file can belong to the part: then it is not read at all."""
    if part != "quick" or path.suffix != ".py" or not path.name.startswith("test_"):
        return False
    file = path.relative_to(ROOT).as_posix()
    return not is_quick(file) and not any(entry.startswith(f"{file}::") for entry in QUICK)


def only(items: list[pytest.Item], part: str) -> tuple[list[pytest.Item], list[pytest.Item]]:
    """The tests of a part, and the others."""
    chosen = [item for item in items if part == "all" or is_quick(item.nodeid) == (part == "quick")]
    kept = set(chosen)
    return chosen, [item for item in items if item not in kept]


def stale(items: list[pytest.Item]) -> set[str]:
    """Entries of QUICK whose test is there, but not with these parameters: renamed, they would be lost in silence."""
    tests = {item.nodeid for item in items}
    functions = {test.partition("[")[0] for test in tests}
    return {entry for entry in QUICK - tests if "[" in entry and entry.partition("[")[0] in functions}
