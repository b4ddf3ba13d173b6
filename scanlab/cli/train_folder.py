"""The folder of a single training: which trial it is of, what of it goes on, and what it leaves."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from types import MappingProxyType
from typing import Any

from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import reason_of, shortened
from scanlab.places import write_whole
from scanlab.study.checkpoint import OTHER_TRIAL, damage_of
from scanlab.study.place import require_folder
from scanlab.study.recipe import Recipe
from scanlab.study.trial import Trial

__all__ = ["CHECKPOINT", "RESULT", "RESUMES", "begin", "config_differences", "write_result"]

CHECKPOINT, RESULT = "checkpoint.pt", "result.json"
RESUMES = ("auto", "never")
_NAMES: Mapping[str, str] = MappingProxyType(
    {"data": "contents of the data", "order.digest": "steps of the order", "version": "version of trials"}
)


def begin(folder: Path, trial: Trial, resume: str) -> str:
    """Write down which trial a folder is of; "never" takes away what there is to go on from. Returns why the training
    in it diverged, "" where it did not.

    Raises S608 for another trial's folder or checkpoint, saying what differs, S502 and S681.
    """
    require_folder(folder)
    place, checkpoint = folder / RESULT, folder / CHECKPOINT
    stored: Any = {}
    with suppress(OSError, ValueError):
        stored = json.loads(place.read_text(encoding="utf-8"))
    stored = stored if isinstance(stored, dict) else {}
    if stored.get("key", trial.key) != trial.key:
        differing = ", ".join(config_differences(stored.get("config", {}), trial.config)) or "its settings"
        raise ScanlabError.at(
            "S608",
            f"{folder} holds another training: {differing}",
            help="give another folder with --out, or the settings of that training",
        )
    if damage_of(checkpoint, trial.key) == OTHER_TRIAL:
        problem = f"{checkpoint} is the checkpoint of another trial, and nothing beside it says of which"
        raise ScanlabError.at("S608", problem, help="give another folder with --out, or take the file away")
    if resume == "never":
        checkpoint.unlink(missing_ok=True)
    if not stored:
        write_result(place, {"key": trial.key, "config": trial.config})
    return str(stored.get("diverged", ""))


def config_differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    """Every setting of a trial that is another, by its name in a study file; a setting of a recipe that a trial does
    not name has its default.

    >>> list(config_differences({"recipe": {"epochs": 3, "ema": 0.9}}, {"recipe": {"epochs": 5}}))
    ['recipe.epochs is 3 there and 5 here', 'recipe.ema is 0.9 there and 0.0 here']
    """
    usual = {f"recipe.{name}": value for name, value in asdict(Recipe()).items()}
    was, now = (dict(_flat(config)) for config in (before, after))
    for name in dict.fromkeys((*was, *now)):
        old, new = (config.get(name, usual.get(name)) for config in (was, now))
        if old != new and name in _NAMES:
            yield f"the {_NAMES[name]} differ"
        elif old != new:
            yield f"{name} is {shortened(str(old))} there and {shortened(str(new))} here"


def _flat(table: Mapping[str, Any], place: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{place}{key}.")
        else:
            yield f"{place}{key}".replace("sizes.", "model."), value


def write_result(place: Path, data: Mapping[str, Any]) -> None:
    """Write what a training is, or gave. Raises S502."""
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        write_whole(place, f"{json.dumps(data, indent=2)}\n".encode(), mode=None)
    except OSError as error:
        raise ScanlabError.at(
            "S502", f"{place} cannot be written: {reason_of(error)}", help="give another --out"
        ) from None
