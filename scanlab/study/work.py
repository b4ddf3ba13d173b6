"""What a worker does with a job, on whatever engine."""

from __future__ import annotations

import errno
import gc
import os
import platform
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
import torch

from scanlab import data
from scanlab.compiler.bind import bind
from scanlab.cpus import cores
from scanlab.data import Dataset
from scanlab.data.checks import check_parts
from scanlab.data.lazy import LOADERS, as_declared, loaded_by
from scanlab.data.parts import limited, measured_on, with_validation
from scanlab.data.redraw import redrawn, tuning_parts
from scanlab.imported import RAISED
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.expr import Axis
from scanlab.ir.values import Key, Order
from scanlab.study.checkpoint import damage_of
from scanlab.study.code_version import code_version
from scanlab.study.engines import EpochDone, Event, Failed, Finished, Job, Restarted
from scanlab.study.record import DIVERGED, Epoch
from scanlab.study.seeds_together import train_together
from scanlab.study.tasks import smallest_step
from scanlab.study.train import train_trial
from scanlab.study.trial import DataChoice, Problem, Recipe, Tested, Trial

__all__ = [
    "FULL_DISK",
    "OUT_OF_MEMORY",
    "collected_as_before",
    "dataset_of",
    "environment",
    "fingerprint_of",
    "one_thread",
    "run_job",
    "tested_by",
    "whole_of",
]

OUT_OF_MEMORY, FULL_DISK = "out of memory", "full disk"
KEPT_BYTES = 1 << 29
_FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))
# What allocators of torch say; on a CPU they raise plain RuntimeErrors.
_MEMORY_WORDS = ("not enough memory", "out of memory", "can't allocate memory", "alloc_cpu")


def run_job(job: Job, on_event: Callable[[Event], None]) -> Finished | Failed:
    """Train a job's trial, on one thread; whatever it raises becomes a Failed, but for KeyboardInterrupt.

    `on_event` is called with every epoch, and with the end of every trial that is trained together with it; data are
    loaded once per process.
    """
    if job.others:
        return _run_together(job, on_event)
    device = chosen_device(job.device)
    try:
        with one_thread():
            if job.checkpoint is not None and (why := damage_of(job.checkpoint, job.key)):
                on_event(Restarted(job.key, why))
            _warm_up(len(job.trial.plan.grid), device)
            _set_aside()
            result = train_trial(
                job.trial,
                dataset_of(job.trial.problem.data),
                lambda number, epoch: on_event(EpochDone(job.key, number, epoch)),
                checkpoint=job.checkpoint,
                device=device,
                keep=job.keep,
            )
    except RAISED as error:
        return Failed(job.key, _kind(error), traceback.format_exc(), environment(device))
    return Finished(job.key, result, environment(device))


def _run_together(job: Job, on_event: Callable[[Event], None]) -> Finished | Failed:
    """All trials of a job at once; where that fails, one after the other, so that each fails or ends by itself."""
    members, device = job.members, chosen_device(job.device)

    def on_epoch(member: int, number: int, epoch: Epoch) -> None:
        on_event(EpochDone(members[member].key, number, epoch))

    try:
        with one_thread():
            for own in members:
                if own.checkpoint is not None and (why := damage_of(own.checkpoint, own.key)):
                    on_event(Restarted(own.key, why))
            _warm_up(len(job.trial.plan.grid), device)
            results = train_together(
                [own.trial for own in members],
                [dataset_of(own.trial.problem.data) for own in members],
                on_epoch,
                checkpoints=[own.checkpoint for own in members],
                device=device,
                keep=job.keep,
            )
    except RAISED:
        ends = [run_job(own, on_event) for own in reversed(members)]
    else:
        where = {**environment(device), "together": str(len(members))}
        ends = [Finished(own.key, made, where) for own, made in zip(reversed(members), reversed(results), strict=True)]
    *others, first = ends
    for end in others:
        on_event(end)
    return first


@cache
def _warm_up(axes: int, device: str) -> None:
    """Train a tiny model once per process, so that code which is then loaded counts as no trial's time or memory."""
    extents = (4,) * axes
    names = tuple("abcde"[:axes])
    plan = bind(Order(names, tuple(Key(Axis(name)) for name in names)), (2,) * axes)
    images = np.zeros((4, 1, *extents), np.float32)
    halves = np.arange(2), np.arange(2, 4)
    tiny = Dataset("tiny", images, np.array([0, 1, 0, 1]), *halves, classes=2, credit="made up")
    recipe = Recipe(epochs=1, batch=2)
    problem = Problem("tiny", DataChoice(), "classification", "", (("row", plan),), recipe=recipe)
    train_trial(Trial(problem, plan, 0), tiny, device=device)


# From the one whose last use is longest ago; None in place of a limit and parts: all of the data.
_kept: dict[DataChoice, Dataset] = {}
_ALL = ""


@cache
def _set_aside() -> None:
    """Leave what is alive before the first trial, torch's modules above all, out of later searches for garbage.

    Each trial begins with one, to measure its memory; through a million objects it takes a quarter of a second.
    """
    gc.collect()
    gc.freeze()


@contextmanager
def collected_as_before() -> Iterator[None]:
    """Undo at the end what trials inside set aside, in a process that goes on to other work."""
    already = gc.get_freeze_count()
    try:
        yield
    finally:
        if not already:
            gc.unfreeze()
            _set_aside.cache_clear()


def dataset_of(choice: DataChoice) -> Dataset:
    """The data of a choice, kept for later trials: of those used last as many as take KEPT_BYTES, two at least.

    Trials go from problem to problem within each seed, so that all data of a study are asked for again and again.
    """
    return _remembered(choice, _divided if choice.redraw or choice.tuning or choice.watched else _plain)


def whole_of(choice: DataChoice) -> Dataset:
    """The data of a choice with all their parts, kept likewise."""
    lazy = as_declared(choice.lazy, choice.unreadable)
    left = {"limit": None, "test_limit": None, "redraw": None, "tuning": False, "watched": False}
    plain = replace(choice, **left, part=_ALL, lazy=lazy, loaders=LOADERS, unreadable=0)
    return _remembered(plain, _all_of)


def _all_of(choice: DataChoice) -> Dataset:
    c = choice
    return data.whole(c.name, c.size, c.layout, c.spacing, c.lazy, c.window, c.labelled)


def tested_by(task: str, dataset: Dataset) -> Tested:
    """What a task is measured on."""
    return Tested(len(dataset.test), smallest_step(task, dataset))


def fingerprint_of(choice: DataChoice) -> str:
    """What a trial knows its data by: where parts are drawn anew, the fingerprint of the data with all their parts."""
    return (whole_of(choice) if choice.redraw else dataset_of(choice)).fingerprint


def _plain(choice: DataChoice) -> Dataset:
    return data.load(**choice.plain())


def _divided(choice: DataChoice) -> Dataset:
    whole = whole_of(choice)
    redraw, seed = choice.redraw, None
    if choice.tuning:
        parts = tuning_parts(whole, choice.part)
    elif redraw and not redraw.training:
        parts = redrawn(whole, choice.part, redraw)
    else:
        # Of all, those that have a validation part keep it.
        parts = whole if choice.watched and choice.part == "test" else measured_on(whole, choice.part)
        seed = redraw.seed if redraw else None
    dataset = limited(parts, choice.limit, choice.test_limit, seed)
    dataset = with_validation(dataset) if choice.watched else dataset
    check_parts(dataset)
    return replace(dataset, images=loaded_by(dataset.images, choice.loaders, choice.unreadable))


def _remembered(choice: DataChoice, make: Callable[[DataChoice], Dataset]) -> Dataset:
    dataset = _kept.pop(choice, None)
    dataset = make(choice) if dataset is None else dataset
    _kept[choice] = dataset
    while len(_kept) > 2 and _kept_bytes() > KEPT_BYTES:
        del _kept[next(iter(_kept))]
    return dataset


def _kept_bytes() -> int:
    """Data that differ in their parts alone have the same images."""
    return sum({id(d.images): d.images.nbytes + d.labels.nbytes for d in _kept.values()}.values())


def chosen_device(name: str) -> str:
    """ "auto" is the first GPU where there is one, else the CPU."""
    if name != "auto":
        return name
    return "cuda" if torch.cuda.is_available() else "cpu"


def environment(device: str = "cpu") -> dict[str, str]:
    """What a number depends on beside its trial: versions, code, machine, device, threads."""
    where = torch.cuda.get_device_name(device) if device.startswith("cuda") else _processor()
    return {**_versions(), "device": where, "threads": "1", "pid": str(os.getpid())}


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute on one thread inside: small models gain little by more, and no number depends on the cores then."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _kind(error: BaseException) -> str:
    text = str(error).lower()
    if isinstance(error, MemoryError | torch.cuda.OutOfMemoryError) or any(w in text for w in _MEMORY_WORDS):
        return OUT_OF_MEMORY
    code = error.diagnostics[0].code if isinstance(error, ScanlabError) else ""
    if code == "S653" or _no_room(error):
        return FULL_DISK
    return DIVERGED if code == "S860" else type(error).__name__


def _no_room(error: BaseException | None) -> bool:
    """Whether a disk is full, wherever in a training that was met."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in _FULL:
            return True
        error = error.__cause__ or error.__context__
    return False


@cache
def _versions() -> Mapping[str, str]:
    versions = {"python": platform.python_version(), "host": platform.node(), "code": code_version()}
    for package in ("scanlab", "torch", "numpy", "scipy", "numba"):
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = "not installed"
    return versions


@cache
def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return f"{names[0] if names else platform.machine()}, {cores()}"
