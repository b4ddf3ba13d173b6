"""Mutants of the kernels for CPUs."""

from __future__ import annotations

from mutant import group

SCAN = "tests/ops/test_selective_scan.py -k cpu"
CONVOLUTION = "tests/ops/test_convolution.py -k cpu"
DUAL = "tests/ops/test_ssd.py -k cpu"

GROUPS = (
    group(
        "scanlab/kernels/cpu/selective_scan_forward.py",
        SCAN,
        ("a restart keeps the state", "            if chunk[CARRY] == 0:\n", "            if chunk[CARRY] == 2:\n"),
        (
            "the path's own parameters are the first's",
            "own = path * inputs.parameters.own\n    adds",
            "own = 0\n    adds",
        ),
        ("a later sequence writes over", "adds = add == 1 or (sequence > 0 and y.path == 0)", "adds = add == 1"),
        ("the skip is not weighted", "x = weight * load(inputs.u", "x = load(inputs.u"),
        (
            "a bias after the softplus",
            "return softplus(shifted) if use_softplus else shifted",
            "return softplus(raw) + bias if use_softplus else shifted",
        ),
    ),
    group(
        "scanlab/kernels/cpu/selective_scan_backward.py",
        SCAN,
        ("a gradient flows through a restart", "gradient if carry == 1 else splat(np.float32(0))", "gradient"),
        (
            "a chunk begins from nothing",
            "        if carry == 1:\n            number =",
            "        if carry == 2:\n            number =",
        ),
        ("the slope of the softplus is left out", "slope = sigmoid(raw + bias) if", "slope = sigmoid(raw) if"),
        ("a block of channels forgets those before it", "fresh_b = block == blocks[0] or", "fresh_b = block >= 0 or"),
        ("du leaves the weight out", "channel, live, weight * dx, add_u)", "channel, live, dx, add_u)"),
    ),
    group(
        "scanlab/kernels/cpu/convolution.py",
        CONVOLUTION,
        (
            "a window reaches over a traversal's start",
            "    while segments[number, CARRY]:\n        number -= 1\n    return segments[number, FIRST]",
            "    return segments[0, FIRST]",
        ),
        ("a chain is cut where its paths meet", "    while segments[number, CARRY]:\n        number -= 1\n", ""),
        ("the slope without its second part", "one = s * (one + p * (one - s))", "one = s"),
        ("an adjoint stays in the ring", "store(ring, place_in_ring, live, splat(np.float32(0)))", "pass"),
        (
            "the first taps get no gradient",
            "    for j in range(missing, sizes.taps):\n        w = load(weight, path * "
            "sizes.weight_path + j * sizes.channels + c, live)\n        place_in_ring",
            "    for j in range(max(missing, 1), sizes.taps):\n        w = load(weight, path * sizes.weight_path + j * "
            "sizes.channels + c, live)\n        place_in_ring",
        ),
    ),
    group(
        "scanlab/kernels/cpu/ssd.py",
        DUAL,
        ("a restart keeps the state", "if tile[FIRST] == tile[START]:", "if tile[FIRST] == -1:"),
        ("the state does not decay", "load(state, i, WIDTH) * splat(last)", "load(state, i, WIDTH)"),
        ("the state is read before its decay", "    scale(space.Y, space.from_start)\n", ""),
        (
            "heads share the first's group",
            "            if head * sizes.groups // sizes.heads != group:\n",
            "            if group < 0:\n",
        ),
        (
            "the weights are left out",
            "load(space.X, t * columns + p, WIDTH) * weight)",
            "load(space.X, t * columns + p, WIDTH))",
        ),
    ),
    group(
        "scanlab/kernels/cpu/ssd_backward.py",
        DUAL,
        (
            "a gradient flows through a restart",
            "            elif tile[LAST] == tile[END]:\n                clear(gradient)",
            "            elif tile[LAST] == -1:\n                clear(gradient)",
        ),
        ("states pass over a restart", "        if tile[LAST] == tile[END]:\n            continue\n", ""),
        ("dl without what passes across", " + _across(adjoint, t))", ")"),
        ("dC without the state", "    add_scaled(adjoint.DC, adjoint.DYH, space.from_start)\n", ""),
        (
            "dD without the weighted input",
            "sums = fma(dy, load(space.X, t * columns + p, WIDTH), sums)",
            "sums = sums + dy",
        ),
    ),
)
