"""LocalMamba's searched layers, as its configurations list them, against the plans of the library."""

from __future__ import annotations

import numpy as np
import pytest

import scanlab

# One layer per semicolon: hunto/LocalMamba, classification/lib/models/local_vim.py and local_vmamba.py.
LISTED = {
    "localmamba_vim": """
        h v_flip w7 w7_flip; h_flip w2_flip w7 w7_flip; h h_flip v w7; h h_flip v v_flip; h h_flip v v_flip; h h_flip
        v v_flip; h_flip v v_flip w7; h_flip v v_flip w2_flip; h h_flip v v_flip; h h_flip v v_flip; h v v_flip w2; h
        v v_flip w2_flip; h h_flip v_flip w7; h_flip v v_flip w2; h h_flip v v_flip; h v w2 w2_flip; v v_flip w2 w7; h
        h_flip v w2; h h_flip w2_flip w7; v v_flip w2 w2_flip
    """,
    "localmamba_vmamba_tiny": """
        h h_flip w7 w7_flip; h_flip v_flip w2 w2_flip; h_flip v_flip w2_flip w7; h_flip v v_flip w2; h h_flip v_flip
        w2_flip; h_flip v_flip w2 w2_flip; h w2_flip w7 w7_flip; h h_flip v v_flip; h v_flip w7 w7_flip; h_flip v w2
        w7_flip; v v_flip w2 w7_flip; h h_flip v_flip w2_flip; v_flip w2_flip w7 w7_flip; h_flip v_flip w2_flip
        w7_flip; h_flip v w7 w7_flip
    """,
    "localmamba_vmamba_small": """
        h v v_flip w7_flip; h h_flip v w7; h_flip v v_flip w7; h_flip v w2_flip w7; h_flip v w2_flip w7; h_flip v_flip
        w2 w7_flip; h_flip v v_flip w7; h v v_flip w7; h v v_flip w7; h v v_flip w7_flip; h h_flip v v_flip; h v
        v_flip w2; v v_flip w2_flip w7; h h_flip v w2; h_flip v v_flip w7_flip; h h_flip v v_flip; h v v_flip w7_flip;
        h v v_flip w7_flip; h h_flip v_flip w7; h_flip v_flip w2_flip w7; h_flip v v_flip w7_flip; v v_flip w7
        w7_flip; h v v_flip w7_flip; h_flip v v_flip w2; h v v_flip w2_flip; h h_flip v w7; h h_flip w7 w7_flip; h
        v_flip w2 w2_flip; h v_flip w2 w7; h v v_flip w7_flip; h_flip v w2_flip w7; h_flip v_flip w7 w7_flip; h v w7
        w7_flip
    """,
}


def choice(word, grid):
    """A LocalMamba choice: rows (h), columns (v) or windows (w2, w7), perhaps backwards."""
    h, w = np.indices(grid)
    name, _, flipped = word.partition("_")
    if name in ("h", "v"):
        keys = (h, w) if name == "h" else (w, h)
    else:
        k = int(name[1:])
        keys = (h // k, w // k, h % k, w % k)
    path = np.lexsort([key.ravel() for key in keys][::-1])
    return path[::-1] if flipped else path


@pytest.mark.parametrize("grid", [(14, 14), (5, 9)])
@pytest.mark.parametrize(("name", "depth"), list(zip(LISTED, (20, 15, 33), strict=True)))
def test_layers_are_the_listed_ones(name, depth, grid):
    layers = [layer.split() for layer in LISTED[name].split(";")]
    plan = scanlab.compile(name, grid)
    assert plan.depth == len(layers) == depth
    for i, words in enumerate(layers):
        np.testing.assert_array_equal(plan.layer(i).indices, [choice(word, grid) for word in words])
