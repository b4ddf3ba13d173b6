"""Run a study: every strategy and every control with every seed."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, replace
from queue import Empty, Queue
from time import perf_counter

import torch

from scanlab import data
from scanlab.compiler.bind import CompiledPlan, CompiledScan
from scanlab.data import Dataset
from scanlab.study.check import check_study
from scanlab.study.linear import linear_accuracy
from scanlab.study.result import Strategy, StudyResult
from scanlab.study.train import train
from scanlab.study.trial import Epoch, Study, Trial, TrialResult, control_name


@dataclass(frozen=True)
class Progress:
    """An epoch just finished: `done` of `total` epochs over the whole study; epoch counts from 1."""

    strategy: str
    seed: int
    epoch: int
    accuracy: float
    done: int
    total: int


Listener = Callable[[Progress], None]


def run(study: Study, progress: Listener = lambda _: None, workers: int = 1) -> StudyResult:
    """Train every trial of a study and the linear classifier.

    Each trial computes on one thread, so the numbers depend on neither the workers nor the cores; with more than one
    worker, trials run in that many fresh processes (the calling script then needs the usual `__main__` guard).
    `progress` hears of every epoch, in the calling process. Raises S600 to S608 before any training starts.
    """
    dataset = data.load(study.dataset)
    check_study(study, dataset)
    start = perf_counter()
    trials = list(study.trials())
    ran = _in_process(trials, dataset, progress) if workers < 2 else _in_workers(trials, dataset, progress, workers)
    strategies = [Strategy(name, _source(plan)) for name, plan in study.strategies]
    baseline = study.strategies[0]
    strategies += [Strategy(control_name(c), _source(baseline[1]), control=c) for c in study.controls]
    return StudyResult(
        dataset=dataset.name,
        credit=dataset.credit,
        images=(len(dataset.train), len(dataset.test)),
        grid=tuple(baseline[1].grid),
        seeds=study.seeds,
        sizes=study.sizes,
        recipe=study.recipe,
        strategies=tuple(strategies),
        trials=tuple(ran),
        linear=linear_accuracy(dataset),
        seconds=perf_counter() - start,
    )


def _source(plan: CompiledScan | CompiledPlan) -> str:
    return str(plan.scan if isinstance(plan, CompiledScan) else plan.plan)


def _in_process(trials: list[Trial], dataset: Dataset, progress: Listener) -> list[TrialResult]:
    total = sum(t.recipe.epochs for t in trials)
    results, done = [], 0
    with one_thread():
        for trial in trials:

            def after_epoch(number: int, epoch: Epoch, trial: Trial = trial, before: int = done) -> None:
                progress(_progress(trial, number, epoch, before + number + 1, total))

            results.append(train(trial, dataset, after_epoch))
            done += trial.recipe.epochs
    return results


def _in_workers(trials: list[Trial], dataset: Dataset, progress: Listener, workers: int) -> list[TrialResult]:
    total = sum(t.recipe.epochs for t in trials)
    context = multiprocessing.get_context("spawn")
    with context.Manager() as manager, ProcessPoolExecutor(min(workers, len(trials)), context) as pool:
        heard: Queue[tuple[int, int, Epoch]] = manager.Queue()
        waiting: set[Future] = set()
        futures = [pool.submit(_work, i, replace(t, plan=_light(t.plan)), dataset, heard) for i, t in enumerate(trials)]
        waiting.update(futures)
        done = 0
        try:
            while waiting:
                _, waiting = wait(waiting, timeout=0.1, return_when=FIRST_COMPLETED)
                for i, number, epoch in _heard(heard):
                    done += 1
                    progress(_progress(trials[i], number, epoch, done, total))
            return [f.result() for f in futures]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _work(i: int, trial: Trial, dataset: Dataset, heard: Queue[tuple[int, int, Epoch]]) -> TrialResult:
    with one_thread():
        return train(trial, dataset, lambda number, epoch: heard.put((i, number, epoch)))


def _heard(queue: Queue[tuple[int, int, Epoch]]) -> Iterator[tuple[int, int, Epoch]]:
    while True:
        try:
            yield queue.get_nowait()
        except Empty:
            return


def _light(plan: CompiledScan | CompiledPlan) -> CompiledScan | CompiledPlan:
    """The plan without what its paths have computed lazily, which may hold objects no process can send."""
    if isinstance(plan, CompiledPlan):
        return replace(plan, scans=tuple(map(_light_scan, plan.scans)))
    return _light_scan(plan)


def _light_scan(scan: CompiledScan) -> CompiledScan:
    return replace(scan, paths=tuple(replace(path) for path in scan.paths))


def _progress(trial: Trial, number: int, epoch: Epoch, done: int, total: int) -> Progress:
    return Progress(trial.strategy, trial.seed, number + 1, epoch.accuracy, done, total)


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute on one thread inside: small models gain little by more, and no number depends on the cores then."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
