"""The explorer in a real browser."""

from __future__ import annotations

from typing import Any


def test_the_first_page_draws_a_path(page: Any) -> None:
    assert "snake" in page.locator(".player").inner_text()
