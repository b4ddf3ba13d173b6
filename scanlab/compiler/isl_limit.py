"""isl under a limit of operations, and the two ways in which it does not answer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import islpy as isl

__all__ = ["OPERATION_LIMIT", "NotAffine", "TooComplex", "limited"]

OPERATION_LIMIT = 400_000


class NotAffine(Exception):
    """A key isl cannot reason about; the argument says why."""


class TooComplex(Exception):
    """isl reached its operation limit; the argument says so."""


@contextmanager
def limited(context: isl.Context, limit: int = OPERATION_LIMIT, *, effort: int = 1) -> Iterator[None]:
    """Run isl under a limit of ``effort * limit`` operations. Raises TooComplex where it is reached, or isl fails."""
    limit *= effort
    context.reset_operations()
    context.set_max_operations(limit)
    try:
        yield
    except isl.Error as error:
        # Past the limit isl fails wherever it happens to be, under many messages.
        detail = str(error).split(" in /", 1)[0]
        why = f"isl gave up: {detail} (its limit is {limit:,} operations)"
        raise TooComplex(why) from None
    finally:
        context.set_max_operations(0)
