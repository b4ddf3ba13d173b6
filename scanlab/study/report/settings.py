"""What a problem held equal, as a list that a person reads: first what is not as usual."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Any

from scanlab.study.recipe import Recipe

__all__ = ["USUAL", "Setting", "held_equal"]

# The defaults of BackboneConfig (with MixerConfig) and Recipe as studies keep them. Those of the first are said again
# here since it needs torch, which a report does not; a test compares the two.
USUAL: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "sizes": {
            "patch": 2,
            "stride": None,
            "dim": 32,
            "depth": 2,
            "mixer": {
                "kind": "scan",
                "state": 4,
                "expand": 2.0,
                "convolution": None,
                "taps": 3,
                "convolution_bias": True,
                "gate": True,
                "norm": True,
                "parameters": "shared",
                "average": False,
                "shortest_step": 0.01,
                "longest_step": 1.0,
                "head": 16,
            },
            "mlp": 0.0,
            "stem": "patch",
            "downsample": "overlapping",
            "positions": "learned",
            "position_spread": 0.3,
            "norm_kind": "layer",
            "readout": "mean",
            "drop_path": 0.0,
        },
        "recipe": {field.name: field.default for field in fields(Recipe)},
    }
)
_ABSENT = object()


@dataclass(frozen=True)
class Setting:
    """A setting by its name in a study file. usual: the default, "" where there is none; both as text."""

    name: str
    value: str
    usual: str

    @property
    def differs(self) -> bool:
        """Whether it is not the default."""
        return self.value != self.usual and bool(self.usual)


def held_equal(problem: Mapping[str, Any]) -> list[tuple[str, list[Setting]]]:
    """The model's and the training's settings, of a problem as `Study.about` has it; what is not as usual comes first.

    >>> (_, model), (_, training) = held_equal({"sizes": {"patch": 2, "dim": 64}, "recipe": {"epochs": 10}})
    >>> [(s.name, s.value, s.usual) for s in model]
    [('dim', '64', '32'), ('patch', '2', '2')]
    """
    return [(name, _ordered(problem[key], USUAL[key])) for name, key in (("model", "sizes"), ("training", "recipe"))]


def _ordered(values: Mapping[str, Any], defaults: Mapping[str, Any]) -> list[Setting]:
    return sorted(_settings(values, defaults), key=lambda setting: not setting.differs)


def _settings(values: Mapping[str, Any], defaults: Mapping[str, Any], under: str = "") -> Iterator[Setting]:
    for name, value in values.items():
        usual = defaults.get(name, _ABSENT)
        if isinstance(value, Mapping):
            yield from _settings(value, usual if isinstance(usual, Mapping) else {}, f"{under}{name}.")
        else:
            yield Setting(under + name, _text(value), "" if usual is _ABSENT else _text(usual))


def _text(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return "×".join(map(_text, value)) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)
