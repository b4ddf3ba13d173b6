"""A study that was finished by an earlier version goes on from what its database holds: nothing is trained again."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scanlab.study import read_settings, read_study, run_study, study_of
from scanlab.study.engines import Event, Job

ROOT = Path(__file__).parents[2]
FOLDERS = sorted(file.parent for file in (ROOT / "examples" / "studies").glob("*/study.sqlite"))


class NoEngine:
    """Refuses every job."""

    def run(self, take: Callable[[], Job | None], on_event: Callable[[Event], None], /) -> None:
        job = take()
        assert job is None, f"trial {job.key} would be trained again: its key is not the stored one"


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda p: p.name)
def test_a_finished_study_trains_no_trial_again(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shared = ROOT.parent / "shared" / "data"
    if "data/" in (folder / "study.toml").read_text("utf-8") and not shared.is_dir():
        pytest.skip("the study's data are not here (../shared/data)")
    copy = tmp_path / "study"
    shutil.copytree(folder, copy)
    (tmp_path / "data").symlink_to(shared)
    monkeypatch.chdir(tmp_path)
    before = read_study(copy)
    after = run_study(study_of(read_settings(copy / "study.toml")), copy, engine=NoEngine(), command=before.command)
    assert {trial.status for trial in after.trials.values()} == {"done"}
    # What a newer version tells of a study besides, such as how its data were read, changes nothing of what is there.
    assert (after.members, after.trials) == (before.members, before.trials)
    assert contains(after.about, before.about)


def contains(new: Any, old: Any) -> bool:
    """Whether all that is in old is in new, at any depth."""
    if isinstance(old, dict):
        return isinstance(new, dict) and all(key in new and contains(new[key], value) for key, value in old.items())
    if isinstance(old, list):
        return isinstance(new, list) and len(new) == len(old) and all(map(contains, new, old))
    return new == old
