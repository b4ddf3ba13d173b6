"""``scanlab explore``."""

from __future__ import annotations

import contextlib
import gc
import importlib.util
import os
import socket
import sys
import tempfile
import threading
import webbrowser
from collections.abc import Iterator
from pathlib import Path

from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import reason_of

__all__ = ["run"]


def run(files: list[Path], host: str, port: int, browser: bool) -> None:
    """Serve the explorer until Ctrl-C.

    Raises ScanlabError S510 (NiceGUI is missing), S511 (no such address), S669 (the token), and S512, S107, S103 or
    S104 (the file).
    """
    if importlib.util.find_spec("nicegui") is None:
        raise ScanlabError.at("S510", "the explorer needs NiceGUI", help='pip install "scanlab[explorer]"')
    from scanlab.explorer.access import access_of
    from scanlab.explorer.session import session_of
    from scanlab.explorer.workers import Workers

    workers, access = Workers(), access_of()
    session, listening = session_of(files, workers), _listening(host, port)
    # The compiler loads in a process of its own while this one loads the server.
    workers.warm_up()
    here = access.in_address(_address(host, listening))
    print(f"The explorer is at {here} until you press Ctrl-C.", flush=True)
    with _opened(here) if browser else contextlib.nullcontext():
        with _quickly():
            from scanlab.explorer.server import serve

        serve(session, listening, host, access)


def _listening(host: str, port: int) -> socket.socket:
    """A socket that listens; a port of 0 takes a free one. Raises ScanlabError S511 where that cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        # From here on browsers that connect wait for an answer, and are not refused.
        listening.listen(128)
    except (OSError, OverflowError) as error:
        listening.close()
        what = f"cannot listen on {host}, port {port}: {reason_of(error)}"
        raise ScanlabError.at("S511", what, help="leave out --port to take a free one") from None
    return listening


def _address(host: str, listening: socket.socket) -> str:
    """What a browser on this machine calls it."""
    shown = "127.0.0.1" if host in ("0.0.0.0", "") else f"[{host}]" if ":" in host else host
    return f"http://{shown}:{listening.getsockname()[1]}/"


@contextlib.contextmanager
def _opened(here: str) -> Iterator[None]:
    """Open an address in the browser, by a page that leads to it: other users see the words of a browser's command,
    and the address holds the token. The page is readable by its owner only, and is gone afterwards."""
    # A browser in a snap has folders for temporary files of its own.
    folder = Path.home() if Path("/snap").is_dir() else None
    try:
        handle, name = tempfile.mkstemp(".html", "scanlab-", folder)
    except OSError:
        print("No browser is opened: there is no place for a file of its own. Open the address yourself.", flush=True)
        yield
        return
    page = Path(name)
    try:
        os.close(handle)
        leads = f'<!doctype html><meta http-equiv="refresh" content="0; url={here}"><a href="{here}">Open</a>'
        page.write_text(leads, encoding="utf-8")
        # The first request waits for the server: a browser needs a while to start, too.
        threading.Thread(target=webbrowser.open, args=[page.as_uri()], daemon=True).start()
        yield
    finally:
        page.unlink(missing_ok=True)


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
