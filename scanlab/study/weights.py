"""The weights that a training leaves on request: those after its last epoch, and the best by the validation part."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import count_text, reason_of
from scanlab.places import write_whole
from scanlab.study.place import KEPT, model_folder
from scanlab.study.trial import Study, Trial
from scanlab.zoo.files import tensor_bytes
from scanlab.zoo.pretrained import WEIGHTS, pretrained_files

__all__ = [
    "BestWeights",
    "check_kept",
    "judged_places",
    "kept_models",
    "kept_sentences",
    "weightless_sentences",
    "write_models",
]


class BestWeights:
    """The weights after the best epoch so far, as a part of a checkpoint. epoch: from 0, None before the first."""

    def __init__(self) -> None:
        self.epoch: int | None = None
        self.weights: dict[str, Tensor] = {}

    def take(self, epoch: int, model: nn.Module) -> None:
        """Keep a copy of a model's weights."""
        self.epoch = epoch
        self.weights = {name: tensor.detach().cpu().clone() for name, tensor in model.state_dict().items()}

    def state_dict(self) -> dict[str, Any]:
        """As torch's own parts of a training have it."""
        return {"epoch": self.epoch, "weights": self.weights}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Put back what `state_dict` gave."""
        self.epoch, self.weights = state["epoch"], dict(state["weights"])


def kept_models(
    model: nn.Module, best: BestWeights | None, trial: Trial, keep: Collection[str]
) -> dict[str, dict[str, bytes]]:
    """The files of a trained model, by "last" and "best" and then by name; none of the best where no epoch of the
    validation part had a number."""
    made = {"last": _files(model, trial)} if "last" in keep else {}
    if "best" in keep and best is not None and best.weights:
        chosen = deepcopy(model)
        chosen.load_state_dict(best.weights)
        made["best"] = _files(chosen, trial)
    assert set(keep) <= set(KEPT), f"{keep} are checked before any training"
    return made


def _files(model: nn.Module, trial: Trial) -> dict[str, bytes]:
    """A model in Hugging Face's form, as `scanlab.zoo.from_pretrained` reads it; of one of a person's own the weights
    alone, as load_state_dict takes them from safetensors.torch.load_file."""
    try:
        return pretrained_files(model)
    except ScanlabError as error:
        if error.diagnostics[0].code != "S616":
            raise
    own = trial.problem.model
    return {WEIGHTS: tensor_bytes(model.state_dict(), {"made by": own.make if own else trial.problem.task})}


def judged_places(study: Study) -> dict[str, tuple[str, str, int]]:
    """Problem, strategy and seed of every trial whose weights can be kept, by its key: of strategies and of no control,
    each by the first of its places."""
    judged = {problem.name for problem in study.problems}
    places: dict[str, tuple[str, str, int]] = {}
    for m in study.members():
        if m.control is None and m.problem in judged:
            places.setdefault(m.trial.key, (m.problem, m.strategy, m.seed))
    return places


def check_kept(study: Study) -> None:
    """Raise S608 for weights that are neither the last nor the best, and S861 for the best of trainings that measure no
    validation part: those that look best on the part that results are of would flatter these."""
    for name in study.keep:
        if name not in KEPT:
            raise ScanlabError.at("S608", f"keep is {name!r}", help=f"choose from {' and '.join(KEPT)}")
    for problem in study.problems:
        if "best" in study.keep and not problem.recipe.watched:
            raise ScanlabError.at(
                "S861",
                f"the best weights on {problem.name} are to be kept, and no validation part says which these are",
                help="set validation = true in [recipe], or a patience: then a part that no result is of does",
            )


def kept_sentences(study: Study, parameters: Mapping[tuple[str, str], int], done: Collection[str]) -> list[str]:
    """What weights are kept, and about how much room they take; and of how many trials that are done there are none.

    parameters: of the models by problem and strategy. done: keys of trials that were done before.
    """
    if not study.keep:
        return []
    places = judged_places(study)
    left = {key: place for key, place in places.items() if key not in done}
    # 32 bits each, and some that are no parameters.
    size = sum(4 * parameters.get((problem, strategy), 0) for problem, strategy, _ in left.values()) * len(study.keep)
    which = " and ".join(study.keep)
    said = [
        f"The {which} weights of {count_text(len(left), 'training')} will be kept in models/, about "
        f"{size / 1e6:.3g} MB; those of controls are not."
    ]
    return said if left else []


def weightless_sentences(study: Study, folder: Path, done: Collection[str]) -> list[str]:
    """How many of the trials that are done have no weights of those that are to be kept."""
    places = judged_places(study)
    folders = [model_folder(folder, *place, key) for key, place in places.items() if key in done]
    lacking = [each for each in folders if not all((each / name / WEIGHTS).is_file() for name in study.keep)]
    if not study.keep or not lacking:
        return []
    count = count_text(len(lacking), "finished trial")
    have = "has" if len(lacking) == 1 else "have"
    return [f"{count} {have} no such weights, and none is trained again for that: `scanlab train` trains a single one."]


def write_models(folder: Path, models: Mapping[str, Mapping[str, bytes]]) -> None:
    """Write the files of `kept_models` into a folder each. Raises S653 where they cannot be."""
    for name, files in models.items():
        for file, content in files.items():
            place = folder / name / file
            try:
                place.parent.mkdir(parents=True, exist_ok=True)
                write_whole(place, content, mode=None)
            except OSError as error:
                raise ScanlabError.at(
                    "S653",
                    f"the weights {place} cannot be written: {reason_of(error)}",
                    help="make room on the disk and run the same command again: finished epochs are kept",
                ) from error
