"""Parameters that training scripts leave out of weight decay, marked as Mamba's authors and timm do."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from torch import nn

__all__ = ["Exempt", "no_weight_decay"]


class Exempt(nn.Module):
    """A module whose parameters of some names carry `_no_weight_decay = True`, in copies and after moves as well."""

    exempt: tuple[str, ...] = ()

    def register_parameter(self, name: str, param: nn.Parameter | None) -> None:
        """As every module does; and marked where its name is among the exempt."""
        super().register_parameter(name, param)
        self.mark()

    def exempted(self) -> Iterable[nn.Parameter | None]:
        """The parameters that are marked."""
        return [self._parameters.get(name) for name in self.exempt]

    def mark(self) -> None:
        """Mark them. torch makes new parameters in copies, and when a module leaves the meta device."""
        for parameter in self.exempted():
            if parameter is not None:
                parameter._no_weight_decay = True  # pyright: ignore[reportAttributeAccessIssue]

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self.mark()

    def _apply(self, *arguments: Any, **named: Any) -> Any:
        moved = super()._apply(*arguments, **named)
        self.mark()
        return moved


def no_weight_decay(model: nn.Module) -> set[str]:
    """The names of a model's parameters that are usually not decayed, as timm's optimizers ask for them.

    Those of the scan's decay A, its skip D and its steps' bias, class tokens and positions, gates, and biases that have
    an axis of paths. Norms and other biases have one axis, by which timm and others leave them out.
    """
    return {name for name, parameter in model.named_parameters() if getattr(parameter, "_no_weight_decay", False)}
