"""``scanlab explore --static``."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from scanlab.cli.output import console
from scanlab.explorer.static_site.site import require_gallery, write_site
from scanlab.explorer.static_site.strategies import chosen_strategies, library_strategies
from scanlab.ir.text import count_text

__all__ = ["run"]


def run(folder: Path, words: list[str]) -> None:
    """Write the gallery of the library, and of the strategies and files that were named besides.

    Raises what `write_site` and `chosen_strategies` raise.
    """
    require_gallery(folder)
    chosen = chosen_strategies(words)
    out, begun = console(stderr=True), time.monotonic()
    if not out.is_terminal:
        out.print("Every strategy is proved and compiled anew: a minute of computing, shared out among the processors.")
    with _progress() as progress:
        written = write_site(folder, [*chosen, *library_strategies()], progress)
    size = f"{written.size / 1e6:.1f} MB in {count_text(written.files, 'file')}"
    took = f"{time.monotonic() - begun:.0f} s"
    out.print(f"wrote {written.page}: {count_text(written.strategies, 'strategy')}, {size}, in {took}", soft_wrap=True)
    out.print("Open it in a browser; the folder can be moved, or put on any server, as it is.")


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None]]:
    """A bar with the time that is left, on a terminal."""
    out = console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=out, transient=True, disable=not out.is_terminal) as bar:
        task = bar.add_task("strategies", total=None)

        def show(done: int, of: int) -> None:
            bar.update(task, completed=done, total=of)

        yield show
