"""Whether a table of steps is what it says, since kernels read and write where it tells them to."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from scanlab.ir.diagnostics import ScanlabError
from scanlab.kernels.columns import RUN_COLUMNS
from scanlab.ops.partition import cut

__all__ = ["check_table"]

_HELP = "make tables with path_table, index_table and a table's own methods"


def check_table(steps: Tensor, runs: Tensor, length: int, paths: int, slots: int, claims: dict[str, bool]) -> None:
    """Refuse with S713 a table that would send a kernel astray, or whose claims are not so.

    steps, runs, slots: see PathTable; length: rows that there are. claims: "revisits", "complete" and "disjoint", of
    which one may say less than is so, but not more. Waits for a GPU.
    """
    whole = steps.dtype == runs.dtype == torch.int32
    if not whole or steps.ndim != 3 or runs.ndim != 2 or runs.shape[1] != RUN_COLUMNS:
        found = f"steps are {steps.dtype} {list(steps.shape)}, runs {runs.dtype} {list(runs.shape)}"
        raise _unsound(f"{found}, not int32 [Bt, T, S] and int32 [R, 5]")
    if runs.device.type != "cpu":
        raise _unsound(f"the runs are on {runs.device}, and are planned with on the CPU")
    visited = steps.detach().cpu().numpy()
    walked = _walked(runs.numpy(), visited.shape[1], visited.shape[2], paths)
    if slots != cut(runs, visited.shape[1]).slots:
        raise _unsound(f"slots is {slots}, but the runs need {cut(runs, visited.shape[1]).slots}")
    inside = walked[None] & np.ones_like(visited, dtype=bool)
    _check_rows(visited, inside, length)
    _check_claims(visited, inside, length, claims)


def _walked(runs: np.ndarray, tracks: int, steps: int, paths: int) -> np.ndarray:
    """bool [T, S]: which steps belong to a run.

    Each track is one walk from its first step on, in order. Each path is of one track, and they rise: what is summed by
    path is found as one stretch.
    """
    walked = np.zeros((tracks, steps), dtype=bool)
    before, reached, latest = 0, 0, -1
    for number, (track, path, first, last, carry) in enumerate(runs.tolist()):
        if not (0 <= track < tracks and 0 <= path < paths and carry in (0, 1)):
            raise _unsound(f"run {number} is of track {track} and path {path}: there are {tracks} and {paths}")
        reached = reached if number and track == before else 0
        if track < before or first != reached or not first < last <= steps or (carry and first == 0):
            raise _unsound(f"run {number} goes from step {first} to {last}, where step {reached} of {steps} is next")
        if path < latest or (track > before and path == latest):
            raise _unsound(f"run {number} is of path {path} after one of path {latest}: paths rise, each in one track")
        walked[track, first:last] = True
        before, reached, latest = track, last, path
    return walked


def _check_rows(visited: np.ndarray, inside: np.ndarray, length: int) -> None:
    wrong = np.where(inside, (visited < 0) | (visited >= length), visited != -1)
    if wrong.any():
        sample, track, step = (int(i) for i in np.argwhere(wrong)[0])
        row = int(visited[sample, track, step])
        where = f"step {step} of track {track}" + (f" of sample {sample}" if len(visited) > 1 else "")
        said = f"visits row {row}, and there are rows 0 to {length - 1}"
        raise _unsound(f"{where} {said}" if inside[sample, track, step] else f"{where} is in no run, but has row {row}")


def _check_claims(visited: np.ndarray, inside: np.ndarray, length: int, claims: dict[str, bool]) -> None:
    samples, tracks, _ = visited.shape
    places = np.arange(samples * tracks).reshape(samples, tracks, 1) * length + visited
    counts = np.bincount(places[inside], minlength=samples * tracks * length).reshape(samples, tracks, length)
    if not claims.get("revisits", True) and (counts > 1).any():
        raise _unsound("a track visits a row twice, but revisits is False")
    if claims.get("complete", False) and (counts == 0).any():
        raise _unsound("a track leaves a row out, but complete is True")
    if claims.get("disjoint", False) and (counts.sum(1) > 1).any():
        raise _unsound("a row is visited twice, but disjoint is True")


def _unsound(message: str) -> Any:
    return ScanlabError.at("S713", f"this table of paths is not sound: {message}", help=_HELP)
