"""The table of a study while it runs: what it shows after every kind of news."""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path

import pytest
from rich.console import Console

from scanlab.cli.live import watched
from scanlab.study.engines import EpochDone, Failed, Finished, Lost, Started
from scanlab.study.record import Epoch, TrialResult
from scanlab.study.runner import StudyProgress
from scanlab.study.time_needed import duration
from scanlab.study.trial import Study

sys.path.insert(0, str(Path(__file__).parents[1] / "study"))
from small import small_study


def epoch(value: float) -> Epoch:
    return Epoch(1.0, {"accuracy": value})


def finished(key: str, value: float) -> Finished:
    return Finished(key, TrialResult((epoch(value),), 10, 10, 1.0), {})


def story(study: Study) -> list[StudyProgress]:
    first, second, third, *_ = study.trials()
    return [
        StudyProgress(Started(first.key, "worker 1"), first, (0, 12), (0, 6)),
        StudyProgress(EpochDone(first.key, 0, epoch(0.25)), first, (1, 12), (0, 6)),
        StudyProgress(finished(first.key, 0.5), first, (2, 12), (1, 6)),
        StudyProgress(finished(second.key, 0.75), second, (4, 12), (2, 6)),
        StudyProgress(Failed(third.key, "out of memory", "Traceback", {}), third, (6, 12), (3, 6)),
        StudyProgress(Lost(first.key, "the worker died (signal 9)"), first, (6, 12), (3, 6)),
    ]


def shown(study: Study, updates: list[StudyProgress], terminal: bool) -> str:
    stream = io.StringIO()
    screen = Console(file=stream, force_terminal=terminal, width=140, color_system=None, legacy_windows=False)
    with watched(study, screen, quiet=False) as hear:
        for update in updates:
            hear(update)
    return stream.getvalue()


def test_without_a_terminal_there_is_a_line_per_trial() -> None:
    lines = shown(small_study(), story(small_study()), terminal=False).splitlines()
    assert lines == [
        "1 of 6: digits, row, seed 0",
        "2 of 6: digits, hilbert, seed 0",
        "3 of 6: digits, control: A/A, seed 0, digits, control: A/A, seed 0 failed: out of memory",
        "3 of 6: digits, row, seed 0, digits, row, seed 0: the worker died (signal 9); it goes on from a checkpoint",
    ]


def test_a_terminal_has_a_table_with_means_progress_and_what_went_wrong() -> None:
    text = shown(small_study(), story(small_study()), terminal=True)
    last = text[text.rindex("strategy") :]
    assert "digits (accuracy)" in last and "0.5000 (1)" in last and "0.7500 (1)" in last
    assert "3 of 6 trials, 6 of 12 epochs, about" in last and "out of memory" in last and "signal 9" in last
    # While the first trial was under way its epoch and its metric stood there.
    assert "epoch 0 of 2" in text or "epoch 1 of 2" in text or "digits, row, seed 0" in text


def test_the_best_so_far_is_bold() -> None:
    stream = io.StringIO()
    screen = Console(file=stream, force_terminal=True, width=140, color_system="standard", legacy_windows=False)
    with watched(small_study(), screen, quiet=False) as hear:
        for update in story(small_study())[:4]:
            hear(update)
    last = stream.getvalue().split("strategy")[-1]
    assert re.search(r"\x1b\[1m *0\.7500 \(1\)", last) and not re.search(r"\x1b\[1m *0\.5000 \(1\)", last)


def test_strategies_with_one_trial_share_its_figures() -> None:
    study = small_study(("row", "by 2 * h, 3 * w"))
    key = study.trials()[0].key
    text = shown(study, [StudyProgress(finished(key, 0.5), study.trials()[0], (2, 8), (1, 4))], terminal=True)
    assert text[text.rindex("strategy") :].count("0.5000 (1)") == 2


def test_waiting_for_another_runner_is_said() -> None:
    text = shown(small_study(), [StudyProgress(None, None, (0, 12), (0, 6))], terminal=True)
    assert "another runner has all that is left" in text


def test_quiet_is_quiet() -> None:
    stream = io.StringIO()
    with watched(small_study(), Console(file=stream, force_terminal=True), quiet=True) as hear:
        for update in story(small_study()):
            hear(update)
    assert stream.getvalue() == ""


@pytest.mark.parametrize(
    ("seconds", "words"), [(3.4, "3 s"), (89, "89 s"), (90, "2 min"), (3600, "60 min"), (9000, "2.5 h")]
)
def test_durations(seconds: float, words: str) -> None:
    assert duration(seconds) == words
