"""What `scanlab.study` names: there when it is asked for, quick until then, and under its old names as well."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module

import pytest

import scanlab.study

RENAMED = {
    "scanlab.data.parts": {"looks": "brightness_quarters"},
    "scanlab.data.summary": {"facts": "dataset_summary"},
    "scanlab.study.checkpoint": {"Place": "Checkpoint"},
    "scanlab.study.findings": {"Overall": "OverallFindings", "Row": "StrategyFindings"},
    "scanlab.study.power": {
        "detectable": "detectable_effect",
        "power": "statistical_power",
        "sentence": "describe_power",
    },
    "scanlab.study.report": {"write": "write_report"},
    "scanlab.study.report.page": {"write": "write_report"},
    "scanlab.study.runner": {"Update": "StudyProgress", "run": "run_study"},
    "scanlab.study.search": {"Found": "SearchResult", "Heard": "SearchProgress", "Tried": "Candidate"},
    "scanlab.study.search.values": {"Found": "SearchResult", "Heard": "SearchProgress", "Tried": "Candidate"},
    "scanlab.study.settings": {"from_options": "with_options", "read": "read_settings"},
    "scanlab.study.statistics": {"points": "format_difference"},
    "scanlab.study.train": {"train": "train_trial", "trained": "train_model"},
}


def test_every_name_is_what_its_module_has() -> None:
    assert sorted(scanlab.study.__all__, key=str) == sorted(dir(scanlab.study), key=str)
    for name in scanlab.study.__all__:
        value = getattr(scanlab.study, name)
        home = getattr(value, "__module__", None)
        assert home is None or getattr(import_module(home), name) is value


def test_no_name_is_one_of_a_module() -> None:
    for name in scanlab.study.__all__:
        with pytest.raises(ModuleNotFoundError):
            import_module(f"scanlab.study.{name}")


def test_another_name_is_an_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = scanlab.study.nothing  # pyright: ignore[reportAttributeAccessIssue]


def test_reading_and_judging_need_no_torch() -> None:
    code = (
        "import sys, scanlab.study as s\n"
        "assert 'numpy' not in sys.modules and 'scanlab.study.record' not in sys.modules\n"
        "s.read_study, s.analyse, s.write_report, s.friedman, s.describe_power, s.CONTROLS, s.TASKS, s.TrialResult\n"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(("module", "old"), [(module, old) for module, names in RENAMED.items() for old in names])
def test_an_old_name_works_and_warns(module: str, old: str) -> None:
    home, new = import_module(module), RENAMED[module][old]
    with pytest.warns(DeprecationWarning, match=rf"{module}\.{old} is now {module}\.{new}"):
        assert getattr(home, old) is getattr(home, new)
