"""Our models among timm's."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from sys import modules
from typing import Any

from scanlab.ir.diagnostics import ScanlabError
from scanlab.nn import Classifier, Features
from scanlab.zoo.presets import ALIASES, PRESETS, create_model, presets

__all__ = ["register_with_timm"]

# What timm's create_model hands to every builder, None where nobody asked for it.
_TIMM_PASSES = ("pretrained_cfg", "pretrained_cfg_overlay", "cache_dir")
_TIMM_NAMES = {"num_classes": "classes", "in_chans": "channels", "img_size": "input_size"}
_TIMM_OWN = ("drop_path_rate", "global_pool", "features_only", "out_indices", "scan", "patch", "checkpoint")


def register_with_timm() -> None:
    """Let `timm.create_model("scanlab_vim_tiny", num_classes=…, in_chans=…, img_size=…)` build our models.

    Taken are drop_path_rate, global_pool, features_only and out_indices as well, num_classes=0 for a model without a
    head, and scan, patch and checkpoint as by `create_model`. What our models have not (drop_rate, act_layer, …) raises
    TypeError by name: timm itself drops what it does not know. timm keeps names of its own (its ViT relatives among
    them), so ours carry a prefix. Raises ImportError without timm.

    >>> register_with_timm()  # doctest: +SKIP
    >>> timm.create_model("scanlab_vim_tiny", num_classes=10)  # doctest: +SKIP
    """
    registry = import_module("timm.models").register_model
    here = modules[__name__]
    for name in presets():

        def build(pretrained: bool = False, name: str = name, **options: Any) -> Classifier | Features:
            if pretrained:
                raise ScanlabError.at("S617", "there are no weights to download", help="give checkpoint=PATH")
            return create_model(name, **_from_timm(name, options))

        build.__name__ = build.__qualname__ = f"scanlab_{name}"
        setattr(here, build.__name__, registry(build))


def _from_timm(name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """timm's options in the words of `create_model`. Raises TypeError for those that our models have not.

    >>> _from_timm("vim_tiny", {"num_classes": 10, "img_size": 64, "pretrained_cfg": None})
    {'classes': 10, 'input_size': (64, 64)}
    """
    given = {key: value for key, value in options.items() if not (key in _TIMM_PASSES and value is None)}
    unknown = sorted(set(given) - set(_TIMM_NAMES) - set(_TIMM_OWN))
    if unknown:
        known = ", ".join((*_TIMM_NAMES, *_TIMM_OWN))
        raise TypeError(f"scanlab_{name} takes no {', '.join(unknown)}; it takes {known}")
    size = given.get("img_size")
    if isinstance(size, int):
        # A video keeps its number of frames.
        given["img_size"] = (*PRESETS[ALIASES.get(name, name)].input_size[:-2], size, size)
    return {_TIMM_NAMES.get(key, key): value for key, value in given.items()}
