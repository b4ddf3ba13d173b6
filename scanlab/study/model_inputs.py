"""What a function that makes models is given, and what is held to be of what it returns."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor, nn

from scanlab.data import Dataset
from scanlab.imported import RAISED, entry_named, imported, is_import_path, shown_traceback
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.values import Order, Scan
from scanlab.nn import Backbone, BackboneConfig, GridMixer, GridPaths, paths_for, scan_mixer
from scanlab.nn.layer_paths import Alteration, LayerPaths, layer_values
from scanlab.study.controls import CONTROLS
from scanlab.study.digest import Compiled
from scanlab.study.learning import Learning
from scanlab.study.own_model import MODELS, OwnModel
from scanlab.study.transfer import transferred
from scanlab.study.trial import Trial

__all__ = ["ModelInputs", "has_field", "own_network"]

PROBED = 2
_INSTALL = "install the package, or run where its file lies"


@dataclass(frozen=True, eq=False)
class ModelInputs:
    """What a function of a study's `[model] make` is given first, before the further keys of `[model]`.

    grid: patches along each axis, which the strategy orders. extents: of an image; channels, classes: of the data.
    task: its name. depth: how many layers have an order. config: patch, stride and depth as in the study. The order
    itself comes by `paths`, `mixer` or `backbone`, so that the controls of a study, such as a random order, reach it.

    >>> import scanlab
    >>> row = scanlab.compile("row", grid=(4, 4))
    >>> given = ModelInputs((4, 4), (8, 8), 1, 10, "classification", BackboneConfig(depth=1), row)
    >>> given.paths().indices.shape, type(given.mixer(dim=16)).__name__, type(given.backbone(dim=16)).__name__
    (torch.Size([1, 16]), 'GridMixer', 'Backbone')
    """

    grid: tuple[int, ...]
    extents: tuple[int, ...]
    channels: int
    classes: int
    task: str
    config: BackboneConfig
    compiled: Compiled = field(repr=False)
    alter: Alteration | None = field(default=None, repr=False)

    @property
    def depth(self) -> int:
        """How many layers have an order."""
        return sum(self.config.depths)

    @property
    def plan(self) -> Compiled:
        """The strategy, compiled over the grid. Raises S853 for a control that changes its steps, which no compiled
        strategy can say: take `paths`, `mixer` or `backbone` instead."""
        if self.alter is not None:
            raise ScanlabError.at(
                "S853",
                "a control changes the steps of the order, and the model takes the compiled strategy itself",
                help="take the order by paths, mixer or backbone of what the function is given, or leave out the "
                "controls random_order_1, random_order_2 and no_memory",
            )
        return self.compiled

    def layer(self, number: int = 0) -> Order | Scan:
        """The order or scan of one of `depth` layers; of an order that all share, that one."""
        return layer_values(self.compiled.value, self.depth)[number]

    def paths(self, layer: int = 0) -> GridPaths:
        """Its paths as indices; see `scanlab.nn.paths_for`."""
        return paths_for(self.layer(layer), self.grid, alter=self.alter)

    def mixer(self, dim: int, layer: int = 0, **settings: Any) -> GridMixer:
        """A mixer along it, [B, L, dim] -> [B, L, dim]; see `scanlab.nn.scan_mixer`."""
        return scan_mixer(self.layer(layer), self.grid, dim, alter=self.alter, **settings)

    def backbone(self, config: BackboneConfig | None = None, **settings: Any) -> Backbone:
        """A backbone along it with patch, stride and depth of the study; settings: further fields of BackboneConfig."""
        own = replace(config or BackboneConfig(), **settings)
        sizes = {"patch": self.config.patch, "stride": self.config.stride, "depth": self.config.depth}
        own = replace(own, **sizes)
        return Backbone(self.compiled, own, input_size=self.extents, channels=self.channels, alter=self.alter)


def own_network(trial: Trial, dataset: Dataset, learning: Learning) -> nn.Module:
    """The model of a trial by the function of its problem, with the task's head where that returned a backbone.

    Raises S850 to S853, and S851 with the traceback where the function or the model it made raised.
    """
    own, control = trial.problem.model, CONTROLS.get(trial.control or "")
    assert own is not None
    inputs = ModelInputs(
        tuple(trial.plan.grid),
        tuple(dataset.extents),
        dataset.channels * learning.channels,
        dataset.classes,
        trial.problem.task,
        trial.problem.config,
        trial.plan,
        control.alter if control else None,
    )
    made = _called(own, inputs)
    if isinstance(made, Backbone):
        return learning.build(made, dataset)
    if not isinstance(made, nn.Module):
        what = f"{own.make} returned {'None' if made is None else f'a {type(made).__name__}'}"
        raise ScanlabError.at("S852", what, help="return a torch.nn.Module, or a scanlab.nn.Backbone for a head")
    _probe(own, made, trial, dataset, learning)
    return made


def _check_call(own: OwnModel, make: Callable[..., Any], inputs: ModelInputs) -> None:
    """Raise S851 for a function that does not take what it is given."""
    try:
        taken = inspect.signature(make)
    except ValueError:
        # Some callables written in C do not say what they take.
        return
    try:
        taken.bind(inputs, **own.options)
    except TypeError as error:
        keys = ", ".join(own.options) or "none here"
        help = (
            "let it take one scanlab.study.ModelInputs (grid, extents, channels, classes; paths, mixer and backbone "
            f"give the order), and the further keys of [model] by name: {keys}"
        )
        raise ScanlabError.at("S851", f"{own.make}{taken} cannot be called: {error}", help=help) from None


def _called(own: OwnModel, inputs: ModelInputs) -> Any:
    make, from_zoo = _function(own)
    try:
        if not from_zoo:
            _check_call(own, make, inputs)
            return make(inputs, **own.options)
        made = make(
            scan=inputs.compiled.value,
            classes=inputs.classes,
            channels=inputs.channels,
            input_size=inputs.extents,
            patch=inputs.config.patch,
            checkpoint=None,
            **own.options,
        )
    except ScanlabError:
        raise
    except RAISED as error:
        raise _raised(f"{own.make} raised", error) from error
    return _altered(made, inputs) if isinstance(made, nn.Module) else made


def _function(own: OwnModel) -> tuple[Any, bool]:
    """The function, and whether it is one that `scanlab.zoo.create_model` calls too, by names of arguments."""
    if own.function is not None:
        return own.function, False
    entry = None if is_import_path(own.make) else entry_named(MODELS, own.make)
    path = own.make if entry is None else entry.value
    made = imported(own.make, path, missing="S850", broken="S851", install=_INSTALL)
    if not callable(made):
        help = "name a function that takes what scanlab.study.ModelInputs has"
        raise ScanlabError.at("S850", f"{own.make} is a {type(made).__name__}, and no function", help=help)
    try:
        named = set(inspect.signature(made).parameters)
    except (TypeError, ValueError):
        named = set()
    return made, {"scan", "classes", "checkpoint"} <= named


def _altered(model: nn.Module, inputs: ModelInputs) -> nn.Module:
    """A model with a backbone of ours, along the steps that a control asks for."""
    backbone = getattr(model, "backbone", None)
    if inputs.alter is not None and isinstance(backbone, Backbone):
        for block, grid in backbone.block_grids(inputs.extents):
            paths = block.mixer.paths
            block.mixer.paths = LayerPaths(paths.value, grid, inputs.alter, paths.ends, paths.parts)
    elif inputs.alter is not None:
        raise ScanlabError.at("S853", "the model takes no steps that a control changes", help="leave the control out")
    return model


def _probe(own: OwnModel, model: nn.Module, trial: Trial, dataset: Dataset, learning: Learning) -> None:
    """Ask a model once for its outputs, of images as they are and changed, before anything is trained."""
    training = model.training
    model.eval()
    images = torch.zeros(PROBED, dataset.channels * learning.channels, *dataset.extents)
    targets = torch.zeros(PROBED, dtype=torch.int64)
    asked: list[tuple[str, Tensor]] = [("", images)]
    asked += [(name, transferred(name, images, targets)[0]) for name in trial.problem.transfer]
    for name, some in asked:
        try:
            with torch.no_grad():
                made = model(some)
        except ScanlabError:
            raise
        except RAISED as error:
            about = f" ({name})" if name else ""
            raise _raised(f"the model of {own.make}, given images {list(some.shape)}{about}, raised", error) from error
        if not name and learning.outputs is not None:
            _check_outputs(own, made, (PROBED, *learning.outputs(dataset)), some.shape, trial.problem.task)
    model.train(training)


def _check_outputs(own: OwnModel, made: Any, shape: tuple[int, ...], images: Sequence[int], task: str) -> None:
    if isinstance(made, Tensor) and tuple(made.shape) == shape:
        return
    what = f"shape {list(made.shape)}" if isinstance(made, Tensor) else f"a {type(made).__name__}"
    raise ScanlabError.at(
        "S852",
        f"the model of {own.make} gives {what} for images {list(images)}, and {task} needs {list(shape)}",
        help="return logits of that shape, or a scanlab.nn.Backbone, on which the head of the task is put",
    )


def _raised(what: str, error: BaseException) -> ScanlabError:
    problem = f"{what} {type(error).__name__}: {error}"
    return ScanlabError.at("S851", problem, note=shown_traceback(error), help="mend it and run the same command again")


def has_field(model: nn.Module) -> bool:
    """Whether a receptive field of a model can be measured: it has features with a grid."""
    return isinstance(getattr(model, "backbone", model), Backbone)
