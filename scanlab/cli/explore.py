"""``scanlab explore``."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from scanlab.ir.diagnostics import ScanlabError

__all__ = ["run"]


def run(files: list[Path], host: str, port: int, browser: bool) -> None:
    """Serve the explorer until Ctrl-C.

    Raises ScanlabError S510 (NiceGUI is missing), S511 (no such address), and S512, S107, S103 or S104 (the file).
    """
    if importlib.util.find_spec("nicegui") is None:
        raise ScanlabError.at("S510", "the explorer needs NiceGUI", help='pip install "scanlab[explorer]"')
    from scanlab.explorer.address import listen
    from scanlab.explorer.session import session_of
    from scanlab.explorer.workers import Workers

    workers = Workers()
    session, listening = session_of(files, workers), listen(host, port)
    # The compiler loads in a process of its own while this one loads the server.
    workers.warm_up()
    from scanlab.explorer.server import serve

    serve(session, listening, host, browser)
