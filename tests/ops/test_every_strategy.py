"""Every strategy of the library on every backend: the reference's values and gradients."""

import pytest
import torch
from agreement import assert_agrees, random_arguments
from sweep import sweeping
from test_selective_scan import needs

from scanlab.compiler.bind import CompiledPlan, bind
from scanlab.language.library import library_definitions
from scanlab.ops import path_table
from scanlab.ops.merge_weights import fixed_weights, merges_above

# Of different extents, so that an exchanged axis shows; the interpreter takes a millisecond per step.
GRIDS = {
    "cpu": {1: (40,), 2: (7, 9), 3: (3, 4, 5), 4: (2, 2, 3, 4), 5: (2, 2, 2, 3, 3)},
    "triton": {1: (7,), 2: (3, 4), 3: (2, 2, 3), 4: (1, 2, 2, 3), 5: (1, 1, 2, 2, 3)},
}


def scans(backend):
    """Each different scan of the library, by the name of the first definition that uses it."""
    by_tree = {}
    for definition in library_definitions().values():
        if definition.value is None:
            continue
        bound = bind(definition.value, GRIDS[backend][len(definition.axes)])
        for i, scan in enumerate(bound.scans if isinstance(bound, CompiledPlan) else (bound,)):
            by_tree.setdefault(scan.scan, (f"{definition.name}-{i}", scan))
    return dict(by_tree.values())


def features(scan):
    """What a kernel can tell of a scan: it sees steps and segments, not what they are of."""
    table = path_table(scan)
    parts = max(path.channels[1].denominator for path in scan.paths)
    weighted = weights_of(scan, 2 * parts) is not None
    chained, restarts = table.sequences < table.paths, len(table.segments) > table.paths
    tokens = {(name, at > 0, at < len(path.sequence) - 1) for path in scan.paths for name, at in path.token_positions}
    ragged = len({len(path.sequence) for path in scan.paths}) > 1
    features = {"paths": table.paths, "chained": chained, "restarts": restarts, "revisits": table.revisits,
                "complete": table.complete, "disjoint": table.disjoint, "parts": parts, "weighted": weighted,
                "ragged": ragged, "chained and restarts": chained and restarts, "axes": len(scan.grid)}  # fmt: skip
    return {*features.items(), *tokens}


def kinds(scans):
    """Some scans that between them have every feature of all, short ones first; the interpreter is slow."""
    features_of = {name: features(scan) for name, scan in scans.items()}
    missing, chosen = set().union(*features_of.values()), {}
    while missing:
        name = max(scans, key=lambda n: (len(features_of[n] & missing), -path_table(scans[n]).steps.numel()))
        chosen[name] = scans[name]
        missing -= features_of[name]
    return chosen


def weights_of(scan, channels):
    """The merge as weights where it has any, with gates at some value that is not 1."""
    weights = fixed_weights(scan, channels)
    gated = [any(node.merge == "gate" for node, _ in above) for above in merges_above(scan)]
    weights[gated] *= torch.linspace(0.5, 1.5, channels)
    return None if bool((weights == 1).all()) else weights


def of_each_backend():
    everything = {backend: scans(backend) for backend in GRIDS}
    if not sweeping():
        everything["triton"] = kinds(everything["triton"])
    return {(backend, name): scan for backend, named in everything.items() for name, scan in named.items()}


SCANS = of_each_backend()


@pytest.mark.sweep
@pytest.mark.parametrize(("backend", "name"), SCANS)
def test_values_and_gradients_equal_the_reference(backend, name):
    needs(backend)
    scan = SCANS[backend, name]
    table = path_table(scan)
    channels = max(path.channels[1].denominator for path in scan.paths) * 2
    arguments = random_arguments(table, batch=1, channels=channels, states=2)
    assert_agrees(backend, arguments, paths=table, merge=weights_of(scan, channels))
