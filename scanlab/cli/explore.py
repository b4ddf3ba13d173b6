"""``scanlab explore``."""

from __future__ import annotations

import contextlib
import gc
import importlib.util
import sys
import threading
import webbrowser
from collections.abc import Iterator
from pathlib import Path

from scanlab.ir.diagnostics import ScanlabError

__all__ = ["run"]


def run(files: list[Path], host: str, port: int, browser: bool) -> None:
    """Serve the explorer until Ctrl-C.

    Raises ScanlabError S510 (NiceGUI is missing), S511 (no such address), and S512, S107, S103 or S104 (the file).
    """
    if importlib.util.find_spec("nicegui") is None:
        raise ScanlabError.at("S510", "the explorer needs NiceGUI", help='pip install "scanlab[explorer]"')
    from scanlab.explorer.address import address, listen
    from scanlab.explorer.session import session_of
    from scanlab.explorer.workers import Workers

    workers = Workers()
    session, listening = session_of(files, workers), listen(host, port)
    # The compiler loads in a process of its own while this one loads the server.
    workers.warm_up()
    here = address(host, listening)
    print(f"The explorer is at {here} until you press Ctrl-C.", flush=True)
    if browser:
        # Its first request waits for the server: a browser needs a while to start, too.
        threading.Thread(target=webbrowser.open, args=[here], daemon=True).start()
    with _quickly():
        from scanlab.explorer.server import serve

    serve(session, listening, host)


@contextlib.contextmanager
def _quickly() -> Iterator[None]:
    """Import inside without searches for garbage, of which there is none, and without two libraries of web clients.

    NiceGUI imports the client beside the server of its channel, and that one these two where it finds them: a third of
    the time until the first page.
    """
    absent = [name for name in ("aiohttp", "requests") if name not in sys.modules]
    sys.modules.update(dict.fromkeys(absent))  # pyright: ignore[reportArgumentType, reportCallIssue]
    gc.disable()
    try:
        yield
    finally:
        # What was loaded stays: NiceGUI's own walk over all objects passes it by, too.
        gc.freeze()
        gc.enable()
        for name in absent:
            del sys.modules[name]
