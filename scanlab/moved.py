"""Modules that have moved: their old names work for one release, with a warning that gives the new one."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import MappingProxyType, ModuleType

__all__ = ["MOVED", "find_moved_modules"]

MOVED: Mapping[str, str] = MappingProxyType(
    {
        "scanlab.bench.facts": "scanlab.bench.capabilities",
        "scanlab.bench.problems": "scanlab.bench.workloads",
        "scanlab.codegen.tracks": "scanlab.compiler.tracks",
        "scanlab.compiler.evaluate": "scanlab.compiler.lattice",
        "scanlab.compiler.kin": "scanlab.compiler.equivalences",
        "scanlab.compiler.metrics": "scanlab.compiler.locality",
        "scanlab.compiler.peers": "scanlab.bench.curve_peers",
        "scanlab.data.facts": "scanlab.data.summary",
        "scanlab.explorer.facts": "scanlab.explorer.renderers",
        "scanlab.explorer.facts.attempt": "scanlab.explorer.attempt",
        "scanlab.explorer.facts.compared": "scanlab.explorer.renderers.compared",
        "scanlab.explorer.facts.exports": "scanlab.explorer.renderers.exports",
        "scanlab.explorer.facts.field": "scanlab.explorer.renderers.field",
        "scanlab.explorer.facts.listings": "scanlab.explorer.renderers.listings",
        "scanlab.explorer.facts.markup": "scanlab.explorer.renderers.markup",
        "scanlab.explorer.facts.published": "scanlab.explorer.renderers.published",
        "scanlab.explorer.facts.python": "scanlab.explorer.renderers.python",
        "scanlab.explorer.facts.stages": "scanlab.explorer.renderers.stages",
        "scanlab.explorer.facts.steps": "scanlab.explorer.renderers.steps",
        "scanlab.explorer.facts.studies": "scanlab.explorer.study_state",
        "scanlab.explorer.facts.study_page": "scanlab.explorer.renderers.study_page",
        "scanlab.kernels.gpu.companion_variants": "scanlab.kernels.gpu.convolution_ssd_variants",
        "scanlab.kernels.gpu.pieces": "scanlab.kernels.gpu.tiles",
        "scanlab.kernels.gpu.selective_scan_spans": "scanlab.kernels.gpu.selective_scan_carry",
        "scanlab.kernels.gpu.walks": "scanlab.kernels.gpu.scan_primitives",
        "scanlab.nn.sizes": "scanlab.nn.config",
        "scanlab.nn.paths": "scanlab.nn.layer_paths",
        "scanlab.language.cures": "scanlab.language.suggestions",
        "scanlab.language.turns": "scanlab.language.tilde",
        "scanlab.ops.arguments": "scanlab.ops.mamba.operator",
        "scanlab.ops.backends": "scanlab.ops.dispatch",
        "scanlab.ops.convolution": "scanlab.ops.conv.api",
        "scanlab.ops.convolution_operator": "scanlab.ops.conv.operator",
        "scanlab.ops.indices": "scanlab.ops.resolve_paths",
        "scanlab.ops.merges": "scanlab.ops.merge_weights",
        "scanlab.ops.operator": "scanlab.ops.mamba.operator",
        "scanlab.ops.paths": "scanlab.ops.path_tables",
        "scanlab.ops.reference": "scanlab.ops.mamba.reference",
        "scanlab.ops.ssd_operator": "scanlab.ops.mamba2.operator",
        "scanlab.ops.ssd_reference": "scanlab.ops.mamba2.reference",
        "scanlab.study.check": "scanlab.study.preflight",
        "scanlab.study.search.found": "scanlab.study.search.values",
        "scanlab.view.page": "scanlab.view.player_page",
        "scanlab.zoo.counts": "scanlab.nn.measure",
        "scanlab.zoo.memory": "scanlab.nn.measure",
    }
)


class _Finder(MetaPathFinder):
    """Asked first: others would load a module of a package that has moved a second time, under its old name."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        return ModuleSpec(name, _Loader(MOVED[name])) if name in MOVED else None


class _Loader(Loader):
    """Gives the module under its new name, which stays what it was."""

    def __init__(self, new: str) -> None:
        self.new = new

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        warnings.warn(f"{spec.name} is now {self.new}", DeprecationWarning, stacklevel=2)
        module = import_module(self.new)
        self.own = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self.own


def find_moved_modules() -> None:
    """From now on, find modules under the names that they had."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())
