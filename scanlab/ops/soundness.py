"""Whether a table of steps is what it says, since kernels read and write where it tells them to."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from scanlab.ir.diagnostics import ScanlabError
from scanlab.kernels.columns import SEGMENT_COLUMNS
from scanlab.ops.partition import cut

__all__ = ["check_table"]

_HELP = "make tables with path_table, index_table and a table's own methods"


def check_table(
    steps: Tensor, segments: Tensor, length: int, paths: int, checkpoints: int, claims: dict[str, bool]
) -> None:
    """Refuse with S713 a table that would send a kernel astray, or whose claims are not so.

    steps, segments, checkpoints: see PathTable; length: rows that there are. claims: "revisits", "complete" and
    "disjoint", of which one may say less than is so, but not more. Waits for a GPU.
    """
    integers = steps.dtype == segments.dtype == torch.int32
    if not integers or steps.ndim != 3 or segments.ndim != 2 or segments.shape[1] != SEGMENT_COLUMNS:
        given = f"steps are {steps.dtype} {list(steps.shape)}, segments {segments.dtype} {list(segments.shape)}"
        raise _unsound(f"{given}, not int32 [Bt, T, S] and int32 [R, 5]")
    if segments.device.type != "cpu":
        raise _unsound(f"the segments are on {segments.device}, and are planned with on the CPU")
    visited = steps.detach().cpu().numpy()
    covered = _covered_steps(segments.numpy(), visited.shape[1], visited.shape[2], paths)
    if checkpoints != cut(segments, visited.shape[1]).checkpoints:
        raise _unsound(
            f"checkpoints is {checkpoints}, but the segments need {cut(segments, visited.shape[1]).checkpoints}"
        )
    inside = covered[None] & np.ones_like(visited, dtype=bool)
    _check_rows(visited, inside, length)
    _check_claims(visited, inside, length, claims)


def _covered_steps(segments: np.ndarray, sequences: int, steps: int, paths: int) -> np.ndarray:
    """bool [T, S]: which steps belong to a segment.

    The segments of a sequence follow one another from its first step on. Each path is of one sequence, and they rise:
    what is summed by path lies side by side.
    """
    covered = np.zeros((sequences, steps), dtype=bool)
    before, reached, latest = 0, 0, -1
    for number, (sequence, path, first, last, carry) in enumerate(segments.tolist()):
        if not (0 <= sequence < sequences and 0 <= path < paths and carry in (0, 1)):
            raise _unsound(
                f"segment {number} is of sequence {sequence} and path {path}: there are {sequences} and {paths}"
            )
        reached = reached if number and sequence == before else 0
        if sequence < before or first != reached or not first < last <= steps or (carry and first == 0):
            raise _unsound(
                f"segment {number} goes from step {first} to {last}, where step {reached} of {steps} is next"
            )
        if path < latest or (sequence > before and path == latest):
            raise _unsound(
                f"segment {number} is of path {path} after one of path {latest}: paths rise, each in one sequence"
            )
        covered[sequence, first:last] = True
        before, reached, latest = sequence, last, path
    return covered


def _check_rows(visited: np.ndarray, inside: np.ndarray, length: int) -> None:
    wrong = np.where(inside, (visited < 0) | (visited >= length), visited != -1)
    if wrong.any():
        sample, sequence, step = (int(i) for i in np.argwhere(wrong)[0])
        row = int(visited[sample, sequence, step])
        where = f"step {step} of sequence {sequence}" + (f" of sample {sample}" if len(visited) > 1 else "")
        said = f"visits row {row}, and there are rows 0 to {length - 1}"
        raise _unsound(
            f"{where} {said}" if inside[sample, sequence, step] else f"{where} is in no segment, but has row {row}"
        )


def _check_claims(visited: np.ndarray, inside: np.ndarray, length: int, claims: dict[str, bool]) -> None:
    samples, sequences, _ = visited.shape
    places = np.arange(samples * sequences).reshape(samples, sequences, 1) * length + visited
    counts = np.bincount(places[inside], minlength=samples * sequences * length).reshape(samples, sequences, length)
    if not claims.get("revisits", True) and (counts > 1).any():
        raise _unsound("a sequence visits a row twice, but revisits is False")
    if claims.get("complete", False) and (counts == 0).any():
        raise _unsound("a sequence leaves a row out, but complete is True")
    if claims.get("disjoint", False) and (counts.sum(1) > 1).any():
        raise _unsound("a row is visited twice, but disjoint is True")


def _unsound(message: str) -> Any:
    return ScanlabError.at("S713", f"this table of paths is not sound: {message}", help=_HELP)
