"""Mutants of what kernels are told: merges, restarts, tokens, rows that come again."""

from __future__ import annotations

from mutant import group

TABLES = "tests/ops/test_paths.py tests/ops/test_pieces.py tests/ops/test_reference.py tests/compiler/test_bind.py"
MODELS = "tests/nn/test_backbone.py"

GROUPS = (
    group(
        "scanlab/ops/merges.py",
        f"{MODELS} {TABLES}",
        ("mean is a sum", 'if node.merge == "mean"', 'if node.merge == "none"'),
        ("heads read all channels", "row[first:last] = math", "row[:] = math"),
        ("sum is a mean", 'if node.merge == "mean"', 'if node.merge in ("mean", "sum")'),
    ),
    group(
        "scanlab/nn/merge.py",
        MODELS,
        ("gate is a sum", "weights = weights * rows[members]", "weights = weights * 1"),
        ("gates reach the paths outside", "gate.new_ones(1, gate.shape[1])", "gate.new_zeros(1, gate.shape[1])"),
    ),
    group(
        "scanlab/compiler/coverage.py",
        "tests/compiler/test_prove.py tests/compiler/test_bind.py tests/language/test_diagnostics.py",
        ("scatter may overlap", 'if scan.merge == "scatter":', 'if scan.merge == "none":'),
        ("chain may not overlap", 'if scan.merge == "chain":', 'if scan.merge == "none":'),
        ("sum may leave patches out", "    if missed is not None:\n", "    if False:\n"),
    ),
    group(
        "scanlab/ops/paths.py",
        TABLES,
        ("a chain is cut", "carry = first == 0 and start > 0", "carry = False"),
        (
            "a restart before the tokens' shift",
            "return np.flatnonzero(path.sequence >= 0)[path.restarts[path.restarts > 0]]",
            "return path.restarts[path.restarts > 0]",
        ),
        ("a restart is forgotten", "np.concatenate([[0], _resets(scan.paths[k]), [length]])", "np.array([0, length])"),
        ("tokens share one row", "grid_size + tokens.index(name) for mark", "grid_size for mark"),
        ("rows that come again are not told", "revisits=bool((counts > 1).any())", "revisits=bool((counts > 2).any())"),
        (
            "rows that are left out are not told",
            "complete=bool((counts > 0).all())",
            "complete=bool((counts >= 0).all())",
        ),
        (
            "overlapping paths are told as disjoint",
            "disjoint=bool((counts.sum(0) <= 1).all())",
            "disjoint=bool((counts <= 1).all())",
        ),
    ),
    group(
        "scanlab/ops/pieces.py",
        f"{TABLES} tests/ops/test_convolution.py tests/ops/test_ssd.py",
        ("visits are not counted", "earlier = position - torch.where", "earlier = 0 * position - 0 * torch.where"),
        ("a walk ends with its run", "ends[walk]]).astype", "last]).astype"),
    ),
    group(
        "scanlab/ops/chunks.py",
        f"{TABLES} tests/ops/test_selective_scan.py",
        ("chunks of a run restart", "rows[:, 4] |= inside > 0", "rows[:, 4] |= inside < 0"),
    ),
)
