"""Studies: does the order matter, and how sure can one be?

Define a study (`study_of`, or a `Study` of `Problem`s), run it (`run_study`), read what a folder holds (`read_study`),
judge it (`analyse`) and write it down (`write_report`). Names are imported when first used; reading and judging never
import torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from scanlab.study.ablation import Ablation, Figure, ablate
    from scanlab.study.analysis import analyse
    from scanlab.study.controls import CONTROLS, Control
    from scanlab.study.findings import Comparison, Findings, OverallFindings, ProblemFindings, StrategyFindings
    from scanlab.study.learning import Learning
    from scanlab.study.matched import MatchedDifference, matched_difference
    from scanlab.study.model_inputs import ModelInputs
    from scanlab.study.power import (
        describe_power,
        describe_study_power,
        detectable_effect,
        equivalence_spread,
        seeds_for,
        statistical_power,
    )
    from scanlab.study.preflight import check_study
    from scanlab.study.record import Epoch, MemberRecord, StudyRecord, TrialRecord, TrialResult
    from scanlab.study.report import write_report
    from scanlab.study.runner import StudyProgress, run_study
    from scanlab.study.settings import Settings, read_settings, study_of, with_options
    from scanlab.study.statistics import (
        Correlation,
        Difference,
        Friedman,
        effect_size,
        equivalence,
        friedman,
        holm,
        paired_difference,
        rank_correlation,
    )
    from scanlab.study.store import read_study
    from scanlab.study.tasks import TASKS, Task
    from scanlab.study.train import train_model, train_trial
    from scanlab.study.trial import DataChoice, Member, Problem, Recipe, Study, Trial

_HOMES = {
    "ablation": ("Ablation", "Figure", "ablate"),
    "analysis": ("analyse",),
    "controls": ("CONTROLS", "Control"),
    "findings": ("Comparison", "Findings", "OverallFindings", "ProblemFindings", "StrategyFindings"),
    "learning": ("Learning",),
    "matched": ("MatchedDifference", "matched_difference"),
    "model_inputs": ("ModelInputs",),
    "power": (
        "describe_power",
        "describe_study_power",
        "detectable_effect",
        "equivalence_spread",
        "seeds_for",
        "statistical_power",
    ),
    "preflight": ("check_study",),
    "record": ("Epoch", "MemberRecord", "StudyRecord", "TrialRecord", "TrialResult"),
    "report": ("write_report",),
    "runner": ("StudyProgress", "run_study"),
    "settings": ("Settings", "read_settings", "study_of", "with_options"),
    "statistics": (
        "Correlation",
        "Difference",
        "Friedman",
        "effect_size",
        "equivalence",
        "friedman",
        "holm",
        "paired_difference",
        "rank_correlation",
    ),
    "store": ("read_study",),
    "tasks": ("TASKS", "Task"),
    "train": ("train_model", "train_trial"),
    "trial": ("DataChoice", "Member", "Problem", "Recipe", "Study", "Trial"),
}
_HOME_OF = {name: f"scanlab.study.{home}" for home, names in _HOMES.items() for name in names}

__all__ = [
    "CONTROLS",
    "TASKS",
    "Ablation",
    "Comparison",
    "Control",
    "Correlation",
    "DataChoice",
    "Difference",
    "Epoch",
    "Figure",
    "Findings",
    "Friedman",
    "Learning",
    "MatchedDifference",
    "Member",
    "MemberRecord",
    "ModelInputs",
    "OverallFindings",
    "Problem",
    "ProblemFindings",
    "Recipe",
    "Settings",
    "StrategyFindings",
    "Study",
    "StudyProgress",
    "StudyRecord",
    "Task",
    "Trial",
    "TrialRecord",
    "TrialResult",
    "ablate",
    "analyse",
    "check_study",
    "describe_power",
    "describe_study_power",
    "detectable_effect",
    "effect_size",
    "equivalence",
    "equivalence_spread",
    "friedman",
    "holm",
    "matched_difference",
    "paired_difference",
    "rank_correlation",
    "read_settings",
    "read_study",
    "run_study",
    "seeds_for",
    "statistical_power",
    "study_of",
    "train_model",
    "train_trial",
    "with_options",
    "write_report",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME_OF[name]), name)


def __dir__() -> list[str]:
    return list(__all__)
