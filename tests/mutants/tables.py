"""Mutants of what tables say to kernels: merges, restarts, tokens, rows that come again."""

from __future__ import annotations

from mutant import group

TABLES = "tests/ops/test_paths.py tests/ops/test_tiles.py tests/ops/test_reference.py tests/compiler/test_bind.py"
MODELS = "tests/nn/test_backbone.py"

GROUPS = (
    group(
        "scanlab/ir/merges.py",
        f"{MODELS} {TABLES} tests/compiler/test_prove.py tests/language/test_diagnostics.py",
        ("mean is a sum", '"averaged", weight=_one_over', '"averaged"'),
        ("sum is a mean", '"added", flat=True', '"added", weight=_one_over, flat=True'),
        ("gate learns nothing", "learned=True)", "learned=False)"),
        ("heads read all channels", "splits=True)", "splits=False)"),
        ("scatter may overlap", 'visits="disjoint", ', 'visits="any", '),
        ("chain may not overlap", 'visits="any",', 'visits="disjoint",'),
        ("a chain is a sum", "joins=True,", "joins=False,"),
    ),
    group(
        "scanlab/ops/merge_weights.py",
        f"{MODELS} {TABLES}",
        ("heads read all channels", "row[first:last] = math", "row[:] = math"),
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
        ("sum may leave patches out", "    if missed is not None:\n", "    if False:\n"),
    ),
    group(
        "scanlab/compiler/tracks.py",
        TABLES,
        (
            "a restart before the tokens' shift",
            "return np.flatnonzero(path.sequence >= 0)[path.restarts[path.restarts > 0]]",
            "return path.restarts[path.restarts > 0]",
        ),
        ("tokens share one row", "first + i for i, name", "first for i, name"),
    ),
    group(
        "scanlab/ops/path_tables.py",
        TABLES,
        ("a chain is cut", "carry = first == 0 and start > 0", "carry = False"),
        (
            "a restart is forgotten",
            "np.concatenate([[0], reset_steps(scan.paths[k]), [length]])",
            "np.array([0, length])",
        ),
        ("rows that come again go unsaid", "revisits=bool((counts > 1).any())", "revisits=bool((counts > 2).any())"),
        (
            "rows that are left out go unsaid",
            "complete=bool((counts > 0).all())",
            "complete=bool((counts >= 0).all())",
        ),
        (
            "overlapping paths pass as disjoint",
            "disjoint=bool((counts.sum(0) <= 1).all())",
            "disjoint=bool((counts <= 1).all())",
        ),
    ),
    group(
        "scanlab/ops/partition.py",
        f"{TABLES} tests/ops/test_convolution.py tests/ops/test_ssd.py",
        ("visits are not counted", "earlier = position - torch.where", "earlier = 0 * position - 0 * torch.where"),
        ("a traversal ends with its segment", "starts[traversal], ends[traversal])\n", "starts[traversal], last)\n"),
    ),
    group(
        "scanlab/ops/partition.py",
        f"{TABLES} tests/ops/test_selective_scan.py",
        ("chunks of a segment restart", "rows[:, CARRY] |= inside > 0", "rows[:, CARRY] |= inside < 0"),
    ),
)
