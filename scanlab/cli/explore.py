"""``scanlab explore``."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from scanlab.ir.diagnostics import ScanlabError

__all__ = ["run"]


def run(files: list[Path], host: str, port: int, browser: bool) -> None:
    """Serve the explorer until Ctrl-C. Raises S510 (NiceGUI is missing), S511 (no such port), S107 and S103."""
    if importlib.util.find_spec("nicegui") is None:
        raise ScanlabError.at("S510", "the explorer needs NiceGUI", help='pip install "scanlab[explorer]"')
    from scanlab.explorer.workers import Workers

    # The compiler loads in a process of its own while this one loads the server.
    workers = Workers()
    workers.warm_up()
    from scanlab.explorer.server import serve

    serve(files, host, port, browser, workers)
