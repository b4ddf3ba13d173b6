"""Every strategy of the library on every backend: the reference's values and gradients."""

import pytest
import torch
from agreement import assert_agrees, random_arguments
from test_selective_scan import needs

from scanlab.compiler.bind import CompiledPlan, bind
from scanlab.language.library import library_definitions
from scanlab.ops import path_table
from scanlab.ops.merges import fixed_weights, merges_above

# Small, and of different extents, so that an exchanged axis shows; the interpreter takes a millisecond per step.
GRIDS = {1: (13,), 2: (4, 6), 3: (2, 4, 4), 4: (2, 2, 3, 3), 5: (2, 2, 2, 2, 2)}


def scans():
    """Each different scan of the library, by the name of the first definition that uses it."""
    found = {}
    for definition in library_definitions().values():
        if definition.value is None:
            continue
        bound = bind(definition.value, GRIDS[len(definition.axes)])
        for i, scan in enumerate(bound.scans if isinstance(bound, CompiledPlan) else (bound,)):
            found.setdefault(scan.scan, (f"{definition.name}-{i}", scan))
    return dict(found.values())


SCANS = scans()


def weights_of(scan, channels):
    """The merge as weights where it has any, with gates at some value that is not 1."""
    weights = fixed_weights(scan, channels)
    gated = [any(node.merge == "gate" for node, _ in above) for above in merges_above(scan)]
    weights[gated] *= torch.linspace(0.5, 1.5, channels)
    return None if bool((weights == 1).all()) else weights


@pytest.mark.parametrize("backend", ["cpu", "triton"])
@pytest.mark.parametrize("name", SCANS)
def test_values_and_gradients_equal_the_reference(name, backend):
    needs(backend)
    scan = SCANS[name]
    table = path_table(scan)
    channels = max(path.channels[1].denominator for path in scan.paths) * 2
    arguments = random_arguments(table, batch=1, channels=channels, states=2)
    assert_agrees(backend, arguments, paths=table, merge=weights_of(scan, channels))
