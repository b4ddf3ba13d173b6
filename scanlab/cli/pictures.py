"""Pictures of paths for a study's report."""

from __future__ import annotations

from scanlab.compiler.bind import CompiledPlan, CompiledScan
from scanlab.view.scene import scenes_of
from scanlab.view.svg import svg

__all__ = ["path_pictures"]


def path_pictures(plan: CompiledScan | CompiledPlan) -> str:
    """All paths of a strategy as one SVG."""
    scans = plan.scans if isinstance(plan, CompiledPlan) else (plan,)
    return svg([scene for scan in scans for scene in scenes_of(scan)])
