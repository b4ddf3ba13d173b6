"""The models of controls: the baseline with another mixer, where asked as large as it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from torch import nn

from scanlab.nn import BackboneConfig
from scanlab.nn.measure import matched, parameter_count
from scanlab.study.controls import Control

__all__ = ["config_of"]

# A share of the baseline's parameters.
_TOLERANCE = 0.02


def config_of(control: Control, config: BackboneConfig, build: Callable[[BackboneConfig], nn.Module]) -> BackboneConfig:
    """The settings of a control's model, from those of the baseline; build: a model of settings.

    Raises S630 where no width of what is fitted comes within 2 % of the baseline's parameters, and S612 for a mixer
    that cannot be built with these settings.
    """
    if control.mixer is None:
        return config
    # Along paths a convolution may be of even width; a peer's is centred.
    taps = config.mixer.taps | 1 if control.mixer == "convolution" else config.mixer.taps
    other = replace(config, mixer=replace(config.mixer, kind=control.mixer, taps=taps))
    if not control.fitted:
        return other
    fit = _FITS[control.fitted]
    target = parameter_count(build(config))
    _, width = matched(lambda width: build(fit(other, width)), target, parameter_count, step=1, tolerance=_TOLERANCE)
    return fit(other, width)


def _with_mlp(config: BackboneConfig, hidden: int) -> BackboneConfig:
    """So many hidden numbers in the perceptrons of the first stage, and as large a share in the others."""
    # The half keeps rounding from taking one away.
    return replace(config, mlp=(hidden - 0.5) / config.dim) if hidden > 1 else replace(config, mlp=0.0)


def _with_expand(config: BackboneConfig, half: int) -> BackboneConfig:
    """An inner width of the first stage of twice as much."""
    return replace(config, mixer=replace(config.mixer, expand=(2 * half + 0.5) / config.dim))


_FITS: dict[str, Callable[[BackboneConfig, int], BackboneConfig]] = {"mlp": _with_mlp, "expand": _with_expand}
