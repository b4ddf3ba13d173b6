"""Mutants of the kernels for GPUs, as Triton's interpreter runs them."""

from __future__ import annotations

from mutant import group

SCAN = "tests/ops/test_selective_scan.py tests/ops/test_gpu_divisions.py tests/ops/test_gpu_states.py -k not(cpu)"
SUMS = f"tests/kernels/test_gpu_sums.py {SCAN}"
CONVOLUTION = "tests/ops/test_convolution.py -k triton"
DUAL = "tests/ops/test_ssd.py -k triton"

GROUPS = (
    group(
        "scanlab/kernels/gpu/selective_scan_forward.py",
        SCAN,
        ("a restart keeps the state", "        h = carried_on(h, carry, N)\n", ""),
        (
            "all paths read B of the first",
            "coefficients(B + path * B_path + rows[j] * B_row",
            "coefficients(B + rows[j] * B_row",
        ),
        ("the skip is not weighted", "_output(h, c, skip * weighted, N)", "_output(h, c, skip * x[j], N)"),
        ("every visit adds to what was there", "earlier >= fresh, GROUP", "earlier >= 0, GROUP"),
        (
            "last states of all chunks",
            "keep_states(last_state + end, width, h, where(final > 0, exists), N)",
            "keep_states(last_state + end, width, h, where(final == 0, exists), N)",
        ),
    ),
    group(
        "scanlab/kernels/gpu/selective_scan_backward.py",
        SCAN,
        ("a gradient flows through a restart", "        p = carried_on(p, carry, N)\n", ""),
        (
            "a chunk begins from nothing",
            "where(carry > 0, exists), N)\n        parameters",
            "where(carry > 1, exists), N)\n        parameters",
        ),
        ("the slope of the softplus is left out", "        slope *= sigmoid(z, ASM)\n", "        slope *= 1.0\n"),
        ("dA without what came before", "o = _times(p, before, N)", "o = _times(p, h, N)"),
        ("du leaves the weight out", "q, weight * dx, slope", "q, dx, slope"),
    ),
    group(
        "scanlab/kernels/gpu/selective_scan_carry.py",
        "tests/ops/test_gpu_divisions.py",
        (
            "a restart within a work item keeps the state",
            "        if not ADJOINT:\n            h = carried_on(h, carry, N)\n",
            "",
        ),
        (
            "a restart within a work item keeps the gradient",
            "        if ADJOINT:\n            h = carried_on(h, carry, N)\n",
            "",
        ),
        (
            "a work item with a restart passes the state on",
            "tl.where(alive > 0, exp2(total * a[n], ASM), 0.0)",
            "exp2(total * a[n], ASM)",
        ),
        (
            "work items are passed in the order of the steps",
            "item = last - 1 - done - j if ADJOINT else first + done + j",
            "item = first + done + j",
        ),
        ("what a work item adds is lost", "h = kept[j] * h + added[j]", "h = kept[j] * h + added[0]"),
    ),
    group(
        "scanlab/kernels/gpu/scan_primitives.py",
        SCAN,
        (
            "a state is carried into every chunk",
            "tl.where(carry > 0, states[n], 0.0)",
            "tl.where(carry >= 0, states[n], 0.0)",
        ),
        (
            "steps after the last one count",
            "sizes = sizes + (tl.where(start + j < last, d, 0.0),)",
            "sizes = sizes + (d,)",
        ),
        (
            "a group reads beyond the last step",
            "tl.minimum(start + j, last - 1)).to(tl.int64)",
            "start + j).to(tl.int64)",
        ),
        (
            "a row that comes again is written over",
            "        if REVISITS:\n            value += ",
            "        if False:\n            value += ",
        ),
        (
            "groups of channels overlap",
            "group * group_width + inside, inside < group_width",
            "group + inside, inside < group_width",
        ),
    ),
    group(
        "scanlab/kernels/gpu/sums.py",
        SUMS,
        ("halves are not exchanged", "kept + tl.gather(given, lane ^ HALF, 0)", "kept + given"),
        ("the wrong half is kept", "second = (lane & HALF) > 0", "second = (lane & HALF) == 0"),
        (
            "sums are not completed",
            "            total += tl.gather(total, lane ^ (COUNT << exchange), 0)\n",
            "            total += 0.0\n",
        ),
        (
            "dC lies where dB does",
            "tl.where(number < N, dB + number, dC + (number - N))",
            "tl.where(number < N, dB + number, dC + number)",
        ),
        (
            "nothing is added to the sequences before",
            "        values += tl.load(place, mask=where(old, mask), other=0.0)\n",
            "        values += 0.0\n",
        ),
    ),
    group(
        "scanlab/kernels/gpu/merging.py",
        SCAN,
        ("a copy is left out", "copy = first + j", "copy = first"),
        ("only the last number of a step", "total += tl.load(source", "total = tl.load(source"),
        (
            "copies of one path only",
            "(copy // copies).to(tl.int64) * outer_stride",
            "(copy // copies).to(tl.int64) * 0",
        ),
        ("samples lie on each other", "values += sample * sample_stride + number", "values += number"),
        ("the last block writes beyond its end", "exists = number < size", "exists = number < size - 1"),
    ),
    group(
        "scanlab/kernels/gpu/convolution.py",
        CONVOLUTION,
        ("a window reaches over a traversal's start", "(past >= start) & (past < last)", "(past >= 0) & (past < last)"),
        ("a window ends at its tile", "(past >= start) & (past < last)", "(past >= first) & (past < last)"),
        ("the slope without its second part", "s * (1 + p * (1 - s)) if SILU", "s if SILU"),
        (
            "later steps of a traversal get no gradient",
            "(near >= start) & (near < end) & (step < last)",
            "(near >= start) & (near < last) & (step < last)",
        ),
        ("every tap adds to the totals", "            if j == 0:\n", "            if j >= 0:\n"),
    ),
    group(
        "scanlab/kernels/gpu/ssd.py",
        DUAL,
        (
            "a restart keeps the state",
            "state = tl.where(fresh, tl.where(i == begin, state, 0.0), state)",
            "state = state + 0.0",
        ),
        ("steps see those after them", "t[:, None] >= t[None, :], difference", "t[:, None] <= t[None, :], difference"),
        (
            "the state does not decay",
            "state = tl.exp2(tl.load(decays + number)) * state + added",
            "state = state + added",
        ),
        ("the weights are left out", "(x.to(tl.float32) * factors[None, :]).to(x.dtype)", "x"),
        (
            "what a tile adds does not decay to its end",
            "tl.exp2((end_high - high) + (end_low - low)) * dt_t, path",
            "dt_t, path",
        ),
    ),
    group(
        "scanlab/kernels/gpu/ssd_backward.py",
        DUAL,
        ("dl without what crosses", "LN_2 * (crossing + ", "LN_2 * ("),
        ("dl counts a step for itself", "(tl.cumsum(dt_t * r, 0) - dt_t * r)", "tl.cumsum(dt_t * r, 0)"),
        ("dl without what passes through", " - dt_t * r) + through)", " - dt_t * r))"),
        ("dC without the state", "put(dC + out, d_c + product(", "put(dC + out, product("),
        ("dx without the gradient of the state", "    d_x += passed * (to_end * dt_t)[:, None]\n", ""),
    ),
)
