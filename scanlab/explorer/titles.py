"""The panes' titles, by name and in order: what a page needs of the panes before one is opened."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["GROUPS", "TITLES"]

GROUPS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "Understand": {
            "keys": "Keys",
            "proof": "Proof",
            "indices": "Indices",
            "expr": "Expression",
            "metrics": "Locality",
            "field": "Receptive field",
            "state": "State",
        },
        "Compile": {
            "triton": "Triton",
            "cpu": "CPU code",
            "ptx": "PTX",
            "export": "Export",
        },
        "Evidence": {
            "published": "Published",
            "compare": "Compare",
            "studies": "Studies",
        },
    }
)
"""By what one opens them for."""

TITLES: Mapping[str, str] = MappingProxyType(
    {name: title for panes in GROUPS.values() for name, title in panes.items()}
)
