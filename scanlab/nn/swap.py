"""Another scan order for a model that is there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

from torch import nn

from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.values import Order, Scan, orders_of
from scanlab.nn.backbone import Block, backbone_of, class_tokens
from scanlab.nn.head import Head
from scanlab.nn.layer_paths import LayerPaths, Strategy, fitted, has_class_token, layer_values, strategy_value
from scanlab.nn.merge import Merge

__all__ = ["set_scan"]

M = TypeVar("M", bound=nn.Module)


def set_scan(model: M, strategy: Strategy) -> M:
    """Let a model read its patches along another scan or plan, in place, with all its weights. Returns the model.

    Virtual tokens stay where the model's own scan has them unless the strategy places some. Where every path has its
    own parameters, path k takes those of path k modulo their number S, and none is left unused: an order is read both
    ways for S = 2, transposed as well for S = 4 over two axes; any other scan with fewer paths is repeated. More
    paths than S are scaled so that their sum stays as large. Gates of the old scan are kept where the new one has as
    many, and start at 1 otherwise. Raises S603 and S605 for a plan or tokens that do not fit, S615 for a model of the
    next patch that would see it; the model then stays as it was.

    >>> from scanlab.nn import Backbone, BackboneConfig
    >>> model = Backbone("row", BackboneConfig(dim=8), input_size=(8, 8))
    >>> [str(block.mixer.paths.value) for block in set_scan(model, "hilbert").blocks]
    ['by hilbert(h, w)', 'by hilbert(h, w)']
    """
    backbone = backbone_of(model)
    value = strategy_value(strategy, len(backbone.input_size))
    places = list(backbone.block_grids(backbone.input_size))
    new_values = layer_values(value, len(places))
    values = [
        fitted(_with_tokens(new, block.mixer.paths.value), block.mixer.own_sets)
        for new, (block, _) in zip(new_values, places, strict=True)
    ]
    if class_tokens(values, backbone.config) != backbone.tokens:
        raise ScanlabError.at(
            "S605",
            f"the model has {backbone.tokens} class tokens, and {value.name or 'the strategy'} another number",
            help="leave virtual tokens out of the strategy: those of the model stay in place",
        )
    mixers = [block.mixer.following(new, grid) for new, (block, grid) in zip(values, places, strict=True)]
    before = [(block.mixer.paths, block.mixer.merge, block.mixer.scale) for block, _ in places]
    _put([block for block, _ in places], mixers)
    if isinstance(model, Head):
        try:
            model.check_scan()
        except ScanlabError:
            _put([block for block, _ in places], before)
            raise
    backbone.strategy = value
    return model


def _put(blocks: Sequence[Block], mixers: Sequence[tuple[LayerPaths, Merge, float]]) -> None:
    for block, (paths, merge, scale) in zip(blocks, mixers, strict=True):
        block.mixer.paths, block.mixer.merge, block.mixer.scale = paths, merge, scale


def _with_tokens(new: Order | Scan, old: Order | Scan) -> Scan | Order:
    """A scan with the virtual tokens of another, if it has none of its own."""
    whole = new if isinstance(new, Scan) else Scan("sum", (new,), name=new.name)
    tokens = old.tokens or next(orders_of(old)).tokens
    places_some = any(part.tokens for part in (whole, *orders_of(whole))) or has_class_token(whole)
    return new if places_some or not tokens else replace(whole, tokens=tokens)
