"""The studies of our own: their reports are what their databases say, and so is the page about them."""

from __future__ import annotations

from pathlib import Path

import pytest

from scanlab.cli.pictures import study_pictures
from scanlab.ir.diagnostics import ScanlabError
from scanlab.study import settings
from scanlab.study.analysis import analyse
from scanlab.study.preflight import check_study
from scanlab.study.report import write_report
from scanlab.study.store import read_study

EXAMPLES = Path(__file__).parents[2] / "examples"
NAMES = ["boxes", "moving_digits", "next_patch", "orders", "satellite", "text_lines", "train_sizes"]
STUDIES = sorted(file.parent for file in EXAMPLES.glob("studies/*/study.sqlite"))


@pytest.mark.parametrize("folder", STUDIES, ids=lambda p: p.name)
def test_the_report_is_what_the_printed_command_makes(folder: Path, tmp_path: Path) -> None:
    record = read_study(folder)
    write_report(record, tmp_path, study_pictures(record), f"scanlab report examples/studies/{folder.name}")
    for name in ("report.html", "trials.csv", "epochs.csv"):
        assert (tmp_path / name).read_text("utf-8") == (folder / name).read_text("utf-8"), name


@pytest.mark.parametrize("folder", STUDIES, ids=lambda p: p.name)
def test_everything_ran_and_the_page_says_what_came_out(folder: Path) -> None:
    found = analyse(read_study(folder))
    assert set(found.counts) == {"done"} and not found.failures
    told = " ".join((EXAMPLES / "studies" / "README.md").read_text("utf-8").replace("\n> ", " ").split())
    for sentence in found.sentences:
        assert " ".join(sentence.split()) in told, sentence


def test_all_are_there() -> None:
    assert [folder.name for folder in STUDIES] == NAMES


# That of ImageNet has a test of its own, which makes its data.
FILES = sorted(file for file in EXAMPLES.rglob("*.toml") if file.parent.name != "imagenet")


@pytest.mark.parametrize("file", FILES, ids=lambda p: f"{p.parent.name}-{p.stem}")
def test_study_files_are_accepted(file: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    shared = EXAMPLES.parents[1] / "shared" / "data"
    if "data/" in file.read_text("utf-8") and not shared.is_dir():
        pytest.skip("the study's data are not here (../shared/data)")
    (tmp_path / "data").symlink_to(shared)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SCANLAB_VOLUMES", str(tmp_path / "volumes"))
    try:
        study = settings.study_of(settings.read_settings(file))
        assert check_study(study)
    except ScanlabError as error:
        pytest.fail(str(error))
