"""Coordinates inside a group of patches as isl's functions of the patch, compared with looking at small grids."""

from __future__ import annotations

import islpy as isl
import numpy as np

from scanlab.compiler.isl_expr import expression_of
from scanlab.compiler.isl_limit import NotAffine
from scanlab.compiler.lattice import Lattice, evaluate_digits, evaluate_on_grid
from scanlab.compiler.probes import small_grids
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.expr import Breadth, Curve, Offset
from scanlab.ir.printer import print_expr

__all__ = ["beyond_arithmetic", "coordinate_in_group"]


def coordinate_in_group(
    expr: Offset | Breadth,
    value: isl.PwAff,
    same: isl.Map,
    domain: isl.Set,
    where: tuple[tuple[str, ...], tuple[int, ...] | None],
) -> isl.PwAff:
    """The value of ``expr`` at a patch, from that of its operand and ``same``, which relates patches of one group.

    where: the axes, and the extents where they are known. Raises NotAffine where isl's answer is none, or is not what
    looking at every patch of small grids gives.
    """
    values = same.apply_range(value.as_map())
    first = values.lexmin_pw_multi_aff().get_pw_aff(0)
    if isinstance(expr, Breadth):
        one = isl.Val.one(domain.get_ctx())
        function = values.lexmax_pw_multi_aff().get_pw_aff(0).sub(first).add_constant_val(one)
    else:
        function = value.sub(first)
    function = function.coalesce().gist(domain)
    axes, grid = where
    lattice = small_grids(axes) if grid is None else Lattice(axes, grid)
    names = {**lattice.coordinates, **({a.upper(): lattice.extents[a] for a in axes} if grid is None else {})}
    try:
        looked = evaluate_digits(expression_of(function, axes, domain), names)
        agree = np.array_equal(lattice.flat(looked), lattice.flat(evaluate_on_grid(expr, lattice)))
    except (ScanlabError, ZeroDivisionError) as error:
        raise NotAffine(f"`{print_expr(expr)}` is beyond the integers of a machine") from error
    if not agree:
        raise NotAffine(f"isl's form of `{print_expr(expr)}` is not what looking at every patch gives")
    return function


def beyond_arithmetic(expr: Curve | Offset | Breadth) -> NotAffine:
    """Why isl cannot speak of an expression whose groups it does not know exactly."""
    return NotAffine(f"the groups of `{print_expr(expr)}` are beyond linear arithmetic")
