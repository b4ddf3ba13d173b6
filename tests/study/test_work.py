"""Jobs in the calling process."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest
from small import small_study

from scanlab.study import runner, work
from scanlab.study.trial import DataChoice


def test_objects_are_set_aside_while_trials_run_and_no_longer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    work._warm_up(2, "cpu")
    # Whatever tests before this one have left, as a command does that ends with its process.
    gc.unfreeze()
    work._set_aside.cache_clear()
    during, train = [], work.train_trial

    def watched(*given, **options):
        during.append(gc.get_freeze_count())
        return train(*given, **options)

    monkeypatch.setattr(work, "train_trial", watched)
    for folder in ("first", "second"):
        runner.run_study(small_study(), tmp_path / folder)
        assert gc.get_freeze_count() == 0
    assert len(during) > 6 and all(during)


def test_what_the_caller_has_frozen_stays_so(tmp_path: Path) -> None:
    gc.freeze()
    try:
        runner.run_study(small_study(), tmp_path)
        assert gc.get_freeze_count() > 0
    finally:
        gc.unfreeze()


def test_data_are_kept_up_to_a_size_and_two_at_least(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "_kept", {})
    one, two, three = (DataChoice("digits", limit=n) for n in (20, 30, 40))
    first = work.dataset_of(one)
    for choice in (two, three):
        work.dataset_of(choice)
    assert work.dataset_of(one) is first, "small data stay"
    monkeypatch.setattr(work, "KEPT_BYTES", 0)
    work.dataset_of(two)
    assert list(work._kept) == [one, two], "the two that were used last"
    assert work.dataset_of(one) is first
