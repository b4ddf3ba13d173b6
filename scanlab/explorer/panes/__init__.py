"""The panes beside the paths, by the name that stands in a page's address."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from scanlab.explorer.panes.export import ExportPane
from scanlab.explorer.panes.kernels import KernelsPane
from scanlab.explorer.panes.pages import (
    ComparePane,
    CpuPane,
    ExpressionPane,
    FieldPane,
    KeysPane,
    MetricsPane,
    ProofPane,
    PublishedPane,
    StepsPane,
    TritonPane,
)
from scanlab.explorer.panes.pane import Pane
from scanlab.explorer.panes.states import StatesPane
from scanlab.explorer.panes.studies import StudiesPane

__all__ = ["PANES", "Pane"]

PANES: Mapping[str, type[Pane]] = MappingProxyType(
    {
        "keys": KeysPane,
        "proof": ProofPane,
        "indices": StepsPane,
        "expr": ExpressionPane,
        "metrics": MetricsPane,
        "field": FieldPane,
        "state": StatesPane,
        "triton": TritonPane,
        "cpu": CpuPane,
        "ptx": KernelsPane,
        "export": ExportPane,
        "published": PublishedPane,
        "compare": ComparePane,
        "studies": StudiesPane,
    }
)
