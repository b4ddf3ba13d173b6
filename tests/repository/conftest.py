"""What tests of CONTRIBUTING.md share."""

from __future__ import annotations

from pathlib import Path

import pytest
from package_copy import Copy


@pytest.fixture
def package(tmp_path: Path) -> Copy:
    """A copy of the package, to be edited."""
    return Copy(tmp_path)
