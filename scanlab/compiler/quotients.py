"""Quotients and remainders by extents, which isl has no name for: case by case, where there are few cases."""

from __future__ import annotations

import islpy as isl

__all__ = ["quotient_or_remainder"]

_MOST_CASES = 8


def quotient_or_remainder(op: str, value: isl.PwAff, divisor: isl.PwAff, domain: isl.Set) -> isl.PwAff | None:
    """``value // divisor`` or ``value % divisor`` on a domain, for a divisor that is the same on each grid.

    None unless isl knows the divisor to be positive, and the value to lie within 8 times it either way: then the
    remainder ``(h - 2) % H`` is ``h - 2 + H if h < 2 else h - 2``, and one case more where H can be 1.
    """
    if not domain.is_subset(divisor.gt_set(_times(divisor, 0))):
        return None
    low = next((c for c in range(0, -_MOST_CASES - 1, -1) if domain.is_subset(value.ge_set(_times(divisor, c)))), None)
    high = next((c for c in range(1, _MOST_CASES + 1) if domain.is_subset(value.lt_set(_times(divisor, c)))), None)
    if low is None or high is None:
        return None
    result: isl.PwAff | None = None
    for count in range(low, high):
        start, end = _times(divisor, count), _times(divisor, count + 1)
        where = value.ge_set(start).intersect(value.lt_set(end)).intersect(domain)
        number = isl.Val.int_from_si(value.get_ctx(), count)
        case = _times(divisor, 0).add_constant_val(number) if op == "//" else value.sub(start)
        case = case.intersect_domain(where)
        result = case if result is None else result.union_add(case)
    return result


def _times(function: isl.PwAff, number: int) -> isl.PwAff:
    return function.scale_val(isl.Val.int_from_si(function.get_ctx(), number))
