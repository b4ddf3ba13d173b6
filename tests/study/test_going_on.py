"""A study that was finished by an earlier version goes on from what its database holds: nothing is trained again."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

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
    assert after == before
