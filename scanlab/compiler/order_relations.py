"""Which patch comes after which, as a relation: for all grids, or for one."""

from __future__ import annotations

import islpy as isl

from scanlab.compiler.mixed_radix import parts
from scanlab.compiler.polyhedra import Polyhedra
from scanlab.ir.expr import Expr, Negate
from scanlab.ir.values import Order, alternated, is_odd, signed_keys

__all__ = ["plain_keys", "visited_later"]


def visited_later(order: Order, polyhedra: Polyhedra) -> isl.Map:
    """``{ p -> q : q is visited after p }``. Raises NotAffine.

    q comes after p where it has the larger value of some key and all keys before tie. There the sum of these is the
    same at both patches, so that ``~`` turns both alike, and two cases of it do instead of four at every key. A key
    that ties wherever those before it do changes nothing; without it isl has less to do.
    """
    kept = polyhedra.selected(order.where)
    tied, alone = isl.Map.from_domain_and_range(kept, kept), polyhedra.domain.identity()
    result = isl.Map.empty(tied.get_space())
    for i, key in enumerate(order.keys):
        before = tuple(k.expr for k in order.keys[:i])
        for part in parts(key.expr, polyhedra):
            ties, exact = polyhedra.ties((part,))
            if i and exact and tied.is_subset(ties):
                continue
            value = polyhedra.affine(part)
            result = result.union(tied.intersect(_rising(value, before if key.alternate else (), polyhedra)))
            tied = tied.intersect(ties if exact else value.eq_map(value))
        if tied.is_subset(alone):
            break
    return result.reverse() if order.reverse else result


def _rising(value: isl.PwAff, before: tuple[Expr, ...], polyhedra: Polyhedra) -> isl.Map:
    """``{ p -> q : q has the larger value, or where the sum of the keys ``before`` is odd the smaller }``."""
    if not before:
        return value.lt_map(value)
    turned = polyhedra.condition(is_odd(before))
    straight = value.lt_map(value).intersect_domain(polyhedra.domain.subtract(turned))
    return straight.union(value.gt_map(value).intersect_domain(turned))


def plain_keys(order: Order, polyhedra: Polyhedra) -> tuple[Expr, ...]:
    """The keys as `signed_keys` gives them, one with products of coordinates and extents as several without.

    Raises NotAffine.
    """
    plain: list[Expr] = []
    for i, (key, signed) in enumerate(zip(order.keys, signed_keys(order), strict=True)):
        split = parts(key.expr, polyhedra)
        if split == (key.expr,):
            plain.append(signed)
            continue
        if key.alternate:
            split = tuple(alternated(part, tuple(k.expr for k in order.keys[:i])) for part in split)
        plain += map(Negate, split) if order.reverse else split
    return tuple(plain)
