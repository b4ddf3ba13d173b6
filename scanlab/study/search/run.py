"""Explore a space: propose, prove, train a little on the validation part, and go on from what was learned."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from scanlab.ir.diagnostics import ScanlabError
from scanlab.study import runner
from scanlab.study.digest import Compiled
from scanlab.study.engines import Engine
from scanlab.study.record import StudyRecord
from scanlab.study.search.propose import SAMPLERS, Proposal, Sampler, sampler_named
from scanlab.study.search.prove import Screen
from scanlab.study.search.values import Candidate, Search, SearchProgress, SearchResult, SearchStopped, plain_source
from scanlab.study.store import read_study
from scanlab.study.tasks import task_named, task_of
from scanlab.study.trial import Problem, Study
from scanlab.study.work import dataset_of, tested_by

__all__ = ["ROUND", "candidates", "explore", "search_problem", "search_scores"]

ROUND = 5
"""Candidates that are trained between two looks of the sampler at the scores, whatever the number of workers."""
PROPOSALS_PER_TRIAL = 40
KEPT_SHARE = 3
"""Successive halving (Jamieson and Talwalkar, AISTATS 2016): one in three goes on, with three times the epochs."""


Listener = Callable[[SearchProgress], None]


def explore(
    search: Search,
    folder: Path,
    *,
    engine: Engine | None = None,
    workers: int = 1,
    listener: Listener = lambda _: None,
    command: str = "",
) -> SearchResult:
    """Run a search whose trials are kept in a folder's database; what is there already is not trained again.

    The same search in the same folder takes the same steps: proposals depend on the seed and on scores alone. Raises
    S668 where no candidate could be trained, SearchStopped for a KeyboardInterrupt, and what `runner.run_study` raises.
    """
    explorer = _Explorer(search, folder, engine, workers, listener, command)
    try:
        return explorer.explore()
    except KeyboardInterrupt:
        raise SearchStopped(explorer.so_far()) from None


def candidates(search: Search, count: int) -> tuple[list[tuple[Proposal, str]], Screen]:
    """The first candidates and their verdicts, without training: so many that would be trained, or all there are."""
    sampler, screen = sampler_named(search.sampler, search.space, search.seed), _screen(search)
    seen = []
    while screen.counts["new"] < count and len(seen) < PROPOSALS_PER_TRIAL * count:
        proposal = sampler.propose()
        seen.append((proposal, screen.examine(proposal.value, _label(proposal)).verdict))
        sampler.tell(proposal, None if seen[-1][1] != "new" else 0.0)
    return seen, screen


def search_problem(search: Search, epochs: int, plans: Sequence[tuple[str, Compiled]]) -> Problem:
    """The problem as candidates meet it: fewer epochs, measured on the validation part, no other inputs."""
    data = replace(search.problem.data, part="val")
    dataset = dataset_of(data)
    return replace(
        search.problem,
        data=data,
        fingerprint=dataset.fingerprint,
        tested=tested_by(search.problem.task, dataset),
        strategies=(*search.problem.strategies, *plans),
        recipe=replace(search.problem.recipe, epochs=epochs),
        transfer=(),
    )


def search_scores(record: StudyRecord) -> dict[str, float]:
    """The mean of the primary metric over the seeds, by label; strategies with a failed trial are left out."""
    primary = task_of(record.about["problems"][0]).primary
    values: dict[str, list[float]] = {}
    for member in record.members:
        result = record.trial(member).result
        values.setdefault(member.strategy, []).append(result.final[primary] if result else math.nan)
    means = {label: sum(scores) / len(scores) for label, scores in values.items()}
    return {label: mean for label, mean in means.items() if math.isfinite(mean)}


def _screen(search: Search) -> Screen:
    problem = search.problem
    label, plan = problem.strategies[0]
    screen = Screen(plan.grid, problem.config, problem.transfer)
    screen.known(plan, label)
    return screen


def _label(proposal: Proposal) -> str:
    return f"candidate {proposal.number + 1}"


class _Explorer:
    def __init__(
        self, search: Search, folder: Path, engine: Engine | None, workers: int, listener: Listener, command: str
    ) -> None:
        self.search, self.folder, self.engine, self.workers = search, folder, engine, workers
        self.listener, self.command = listener, command
        self.sampler: Sampler = sampler_named(search.sampler, search.space, search.seed)
        self.screen = _screen(search)
        self.tried: dict[str, Candidate] = {}
        self.baseline: dict[int, float] = {}
        self.proposals = 0
        self.sign = 1.0 if task_named(search.problem.task).higher else -1.0
        self.start = time.monotonic()

    def explore(self) -> SearchResult:
        exhausted = False
        while not self._spent() and not exhausted:
            batch, repeats = self._batch()
            exhausted = not batch
            if batch:
                self._train(self.search.epochs, [tried for _, tried in batch])
            for proposal, tried in batch:
                self.sampler.tell(proposal, self._score(tried.label))
            for proposal, owner in repeats:
                self.sampler.tell(proposal, self._score(owner))
        if self.search.halving:
            self._halve()
        ranked = self._ranked()
        if not ranked:
            raise ScanlabError.at(
                "S668",
                f"none of {self.proposals} candidates could be trained",
                note=", ".join(f"{verdict}: {n}" for verdict, n in self.screen.counts.items()),
                help="take another space, or see what the database says of the trials that failed",
            )
        # One more look, so that the database lists all candidates: nothing is left to train.
        self._run(self.search.epochs, [t for t in self.tried.values() if t.scores])
        failed = tuple(t for t in self.tried.values() if not t.scores)
        return self._result(ranked, failed, exhausted)

    def so_far(self) -> SearchResult:
        """What is known when a search is stopped: with the candidates of the round under way that are done."""
        with suppress(ScanlabError):
            record = read_study(self.folder)
            self._take(record.about["problems"][0]["recipe"]["epochs"], search_scores(record))
        return self._result(self._ranked(), (), False)

    def _result(self, ranked: tuple[Candidate, ...], failed: tuple[Candidate, ...], exhausted: bool) -> SearchResult:
        counts, seconds = dict(self.screen.counts), time.monotonic() - self.start
        return SearchResult(ranked, failed, self.baseline, counts, self.proposals, exhausted, seconds)

    def _spent(self) -> bool:
        search = self.search
        late = search.minutes is not None and time.monotonic() - self.start > 60 * search.minutes
        return late or (search.trials is not None and len(self.tried) >= search.trials)

    def _size(self) -> int:
        search = self.search
        left = ROUND if search.trials is None else search.trials - len(self.tried)
        # Chance learns nothing, so without a clock to look at there is no reason to pause.
        return left if not SAMPLERS[search.sampler].learns and search.minutes is None else min(ROUND, left)

    def _batch(self) -> tuple[list[tuple[Proposal, Candidate]], list[tuple[Proposal, str]]]:
        """The next new candidates, and those that do what another one does, with its label."""
        size, batch, repeats = self._size(), [], []
        for _ in range(PROPOSALS_PER_TRIAL * size):
            proposal = self.sampler.propose()
            self.proposals += 1
            screened = self.screen.examine(proposal.value, _label(proposal))
            if screened.verdict == "new":
                assert screened.plan is not None, "what is new is bound"
                tried = Candidate(proposal.number, _label(proposal), proposal.value, screened.plan)
                self.tried[tried.label] = tried
                batch.append((proposal, tried))
            elif screened.verdict == "the same as another":
                repeats.append((proposal, screened.same_as))
            else:
                self.sampler.tell(proposal, None)
            self._say("proving", None)
            if len(batch) == size:
                break
        return batch, repeats

    def _score(self, label: str) -> float | None:
        scores = self.baseline if label == self.search.baseline else self.tried[label].scores
        score = scores.get(self.search.epochs)
        return None if score is None else self.sign * score

    def _train(self, epochs: int, batch: Sequence[Candidate]) -> None:
        scores = search_scores(self._run(epochs, batch))
        if self.search.baseline not in scores:
            raise ScanlabError.at(
                "S668", "the baseline itself could not be trained", help="`scanlab ablate` with it alone shows why"
            )
        self._take(epochs, scores)
        self._say("trained", None)

    def _take(self, epochs: int, scores: Mapping[str, float]) -> None:
        """Write scores down, by label."""
        for label, score in scores.items():
            if label == self.search.baseline:
                self.baseline[epochs] = score
            elif label in self.tried:
                tried = self.tried[label]
                self.tried[label] = replace(tried, scores={**tried.scores, epochs: score})

    def _run(self, epochs: int, batch: Sequence[Candidate]) -> StudyRecord:
        problem = search_problem(self.search, epochs, [(t.label, t.plan) for t in batch])
        study = Study(
            f"search of {self.search.space.kind}",
            (problem,),
            tuple(range(self.search.seeds)),
            baseline=self.search.baseline,
            controls=(),
            question=f"Which orders of the space {self.search.space.kind} are worth a closer look?",
        )
        return runner.run_study(
            study,
            self.folder,
            engine=self.engine,
            workers=self.workers,
            listener=lambda update: self._say("training", update),
            command=self.command,
        )

    def _halve(self) -> None:
        """Train the best third for three times the epochs, and again, up to the epochs of the whole recipe."""
        epochs, most = self.search.epochs, self.search.problem.recipe.epochs
        standing = list(self._ranked())
        while len(standing) > self.search.finalists and epochs < most:
            epochs = min(most, KEPT_SHARE * epochs)
            kept = max(self.search.finalists, math.ceil(len(standing) / KEPT_SHARE))
            self._train(epochs, standing[:kept])
            standing = [t for t in self._ranked() if t.epochs == epochs]

    def _ranked(self) -> tuple[Candidate, ...]:
        """Those that were trained longest first; equals in the order of their proposal."""
        done = [t for t in self.tried.values() if t.scores]
        return tuple(sorted(done, key=lambda t: (-t.epochs, -self.sign * t.scores[t.epochs], t.number)))

    def _say(self, stage: str, update: runner.StudyProgress | None) -> None:
        ranked = self._ranked()
        best = (plain_source(ranked[0].plan), ranked[0].scores[ranked[0].epochs]) if ranked else None
        trained = sum(bool(t.scores) for t in self.tried.values())
        self.listener(SearchProgress(stage, self.proposals, trained, best, update))
