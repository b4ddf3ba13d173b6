"""What is at hand while a model is written: the graph, the form of the file, and what was chosen for every layer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from torch import nn

from scanlab.export.forms import Choice, Form
from scanlab.export.graph import Graph, Value
from scanlab.ir.diagnostics import ScanlabError

if TYPE_CHECKING:
    from scanlab.export.widths import Widths

__all__ = ["Context", "Kept", "check_modules", "expected", "unexpected"]

M = TypeVar("M", bound=nn.Module)


@dataclass(frozen=True)
class Context:
    """The graph that is written, for a form of files. within: the path of the backbone in the model. choices: by the
    name of a mixer, the way of its scan. about: what else the file is to say. widths: of lines of text that may be of
    any width; None where all extents are fixed."""

    graph: Graph
    form: Form
    within: tuple[str, ...] = ("backbone",)
    choices: dict[str, Choice] = field(default_factory=dict)
    about: dict[str, str] = field(default_factory=dict)
    widths: Widths | None = None

    @property
    def prefix(self) -> str:
        """What the names of the backbone's parts begin with."""
        return "".join(f"{name}." for name in self.within)

    def inside(self, rows: Value, grid: tuple[int, ...]) -> Value:
        """Patches [B, L, D] over a grid with zeros in what only fills a line up, as the convolutions are to meet it."""
        return rows if self.widths is None else self.graph.mul(rows, self.widths.inside_rows(grid))

    def inside_picture(self, picture: Value) -> Value:
        """The same of [B, D, H, W], of patches or of parts of them."""
        return picture if self.widths is None else self.graph.mul(picture, self.widths.inside(picture.shape[3]))


@dataclass
class Kept:
    """A mixer's state in a graph that goes on: what it takes up, and what it leaves.

    takes: asks for the state of a shape [T, …], "scan" or "convolution", when it is known what there is to keep. last:
    what is left of each, the batch before the shape.
    """

    takes: Callable[[str, tuple[int, ...]], Value]
    last: dict[str, Value] = field(default_factory=dict)


_OURS, _TORCHS, _PARAMETRISED = "scanlab.", "torch.nn.modules.", "torch.nn.utils.parametrize"


def check_modules(model: nn.Module) -> None:
    """That every part is one that the graph will hold: ours or torch's own, without hooks. Raises S782.

    Weights are read from parts and not computed by calling them; what an adapter or a hook does would be left out.
    Parametrisations are part of how weights are read.
    """
    for name, module in model.named_modules():
        if ".parametrizations" in f".{name}":
            continue
        hooks = (module._forward_hooks, module._forward_pre_hooks)
        if any(hooks) or "forward" in vars(module):
            raise _unknown(name, module, "with a hook")
        if not type(module).__module__.startswith((_OURS, _TORCHS, _PARAMETRISED)):
            raise _unknown(name, module, f"of {type(module).__module__}")


def expected(module: object, kind: type[M] | tuple[type[M], ...], name: str) -> M:
    """The module itself, which is of a kind, or of a parametrised one. Raises S782 for what stands in its place."""
    if not isinstance(module, kind):
        raise unexpected(name, module)
    return module


def unexpected(name: str, module: object) -> ScanlabError:
    """That a module stands where its operators are not known."""
    return _unknown(name, module, "in a place of another layer")


def _unknown(name: str, module: object, how: str) -> ScanlabError:
    return ScanlabError.at(
        "S782",
        f"{name or 'the model'} is a {type(module).__name__} {how}, whose ONNX operators are not known",
        help="merge adapters into the weights, and take off hooks and wrappers, before exporting",
    )
