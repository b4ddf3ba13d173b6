"""Products of small matrices on lanes: what the state space dual is made of.

Matrices are float32 work space whose rows are padded with zeros to PAD, a whole number of lanes and of the eight rows
that one sweep keeps in registers.
"""

from __future__ import annotations

import numpy as np

from .caching import part
from .lanes import WIDTH, fma, load, splat, store, total

__all__ = ["PAD", "add_product", "add_scaled", "clear", "copy", "gather", "padded", "row_dot", "scale", "transpose"]

ROWS = 8
PAD = max(WIDTH, ROWS)


@part()
def padded(size):
    """The next multiple of PAD."""
    return -(-size // PAD) * PAD


@part()
def add_product(out, a, b):
    """out += a @ b. a may be transposed; b and out have contiguous rows."""
    columns = out.shape[1]
    for c in range(0, columns, WIDTH):
        for i in range(0, len(out), ROWS):
            at = i * columns + c
            s0, s1 = load(out, at, WIDTH), load(out, at + columns, WIDTH)
            s2, s3 = load(out, at + 2 * columns, WIDTH), load(out, at + 3 * columns, WIDTH)
            s4, s5 = load(out, at + 4 * columns, WIDTH), load(out, at + 5 * columns, WIDTH)
            s6, s7 = load(out, at + 6 * columns, WIDTH), load(out, at + 7 * columns, WIDTH)
            for k in range(len(b)):
                row = load(b, k * columns + c, WIDTH)
                s0, s1 = fma(splat(a[i, k]), row, s0), fma(splat(a[i + 1, k]), row, s1)
                s2, s3 = fma(splat(a[i + 2, k]), row, s2), fma(splat(a[i + 3, k]), row, s3)
                s4, s5 = fma(splat(a[i + 4, k]), row, s4), fma(splat(a[i + 5, k]), row, s5)
                s6, s7 = fma(splat(a[i + 6, k]), row, s6), fma(splat(a[i + 7, k]), row, s7)
            store(out, at, WIDTH, s0)
            store(out, at + columns, WIDTH, s1)
            store(out, at + 2 * columns, WIDTH, s2)
            store(out, at + 3 * columns, WIDTH, s3)
            store(out, at + 4 * columns, WIDTH, s4)
            store(out, at + 5 * columns, WIDTH, s5)
            store(out, at + 6 * columns, WIDTH, s6)
            store(out, at + 7 * columns, WIDTH, s7)


@part()
def clear(out):
    """out = 0."""
    for i in range(0, out.size, WIDTH):
        store(out, i, WIDTH, splat(np.float32(0)))


@part()
def copy(out, a):
    """out = a, both padded."""
    for i in range(0, out.size, WIDTH):
        store(out, i, WIDTH, load(a, i, WIDTH))


@part()
def scale(out, factors):
    """out = diag(factors) out."""
    columns = out.shape[1]
    for i in range(len(out)):
        for c in range(0, columns, WIDTH):
            store(out, i * columns + c, WIDTH, load(out, i * columns + c, WIDTH) * splat(factors[i]))


@part()
def add_scaled(out, a, factors):
    """out += diag(factors) a."""
    columns = out.shape[1]
    for i in range(len(out)):
        for c in range(0, columns, WIDTH):
            at = i * columns + c
            store(out, at, WIDTH, fma(load(a, at, WIDTH), splat(factors[i]), load(out, at, WIDTH)))


@part()
def row_dot(a, b, i):
    """a[i] . b[i]."""
    columns = a.shape[1]
    sums = splat(np.float32(0))
    for c in range(0, columns, WIDTH):
        sums = fma(load(a, i * columns + c, WIDTH), load(b, i * columns + c, WIDTH), sums)
    return total(sums)


@part()
def gather(out, array, base, stride, rows, count, width):
    """out[t] = the `width` elements of a flat array from base + rows[t] * stride, for t < count; 0 below."""
    columns = out.shape[1]
    for t in range(count):
        place = base + rows[t] * stride
        for c in range(0, width, WIDTH):
            store(out, t * columns + c, WIDTH, load(array, place + c, min(WIDTH, width - c)))
    for i in range(count * columns, out.size, WIDTH):
        store(out, i, WIDTH, splat(np.float32(0)))


@part()
def transpose(out, a):
    """out = a^T."""
    for i in range(len(a)):
        for j in range(a.shape[1]):
            out[j, i] = a[i, j]
