"""What axe-core finds on a page that keeps people out."""

from __future__ import annotations

from typing import Any

import pytest

__all__ = ["barriers"]

# The visible words of a control are in its name: axe-core asks that only where it is told to.
_OPTIONS = {"rules": {"label-content-name-mismatch": {"enabled": True}}}


def barriers(page: Any) -> list[str]:
    """The rules that a page breaks, each with where; minor ones are left out."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe-playwright-python")
    broken = axe.Axe().run(page, options=_OPTIONS).response["violations"]
    return [
        f"{rule['impact']} {rule['id']}: {', '.join(str(node['target']) for node in rule['nodes'])}"
        for rule in broken
        if rule["impact"] != "minor"
    ]
