"""The panes' titles, by name and in order: what a page needs of the panes before one is opened."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["TITLES"]

TITLES: Mapping[str, str] = MappingProxyType(
    {
        "keys": "Keys",
        "proof": "Proof",
        "indices": "Indices",
        "expr": "Expression",
        "triton": "Triton",
        "cpu": "CPU code",
        "ptx": "PTX",
        "metrics": "Locality",
        "field": "Receptive field",
        "published": "Published",
        "compare": "Compare",
        "export": "Export",
        "studies": "Studies",
    }
)
