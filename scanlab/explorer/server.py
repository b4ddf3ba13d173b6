"""Serving the explorer: to this machine only, and nothing from the network."""

from __future__ import annotations

import contextlib
import socket
import threading
import webbrowser
from pathlib import Path

import nicegui.run
import uvicorn
from fastapi import FastAPI
from nicegui import app, ui

from scanlab.explorer.files import folders_of
from scanlab.explorer.gallery import serve_gallery
from scanlab.explorer.guard import Guard
from scanlab.explorer.page import Page, Session
from scanlab.explorer.player_element import serve_player
from scanlab.explorer.state import State
from scanlab.explorer.workers import START_METHOD, Workers
from scanlab.ir.diagnostics import ScanlabError

__all__ = ["serve"]

_STATIC = Path(__file__).parent / "static"
_STYLES = ("/scanlab/player.css", "/scanlab/static/explorer.css", "/scanlab/static/panes.css")
_HEAD = "".join(f'<link rel="stylesheet" href="{style}">' for style in _STYLES)


def serve(
    files: list[Path], host: str = "127.0.0.1", port: int = 0, browser: bool = True, workers: Workers | None = None
) -> None:
    """Serve until Ctrl-C; a port of 0 takes a free one. The first of `files` that is no folder is opened.

    Raises ScanlabError S511 where the address cannot be had, and S107, S103 or S104 where the file cannot be read.
    """
    session = _session(files, workers or Workers())
    listening = _listen(host, port)
    shell = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    _pages(session)
    nicegui.run.process_pool_start_method = START_METHOD
    ui.run_with(shell, title="ScanLab explorer", dark=None, tailwind=False, show_welcome_message=False)
    # A page sends and gets small messages to and from this machine: packing them would only cost time.
    server = uvicorn.Server(
        uvicorn.Config(
            Guard(shell, host),
            log_level="warning",
            ws="wsproto",
            ws_per_message_deflate=False,
            timeout_graceful_shutdown=1,
            server_header=False,
        )
    )
    address = _address(host, listening.getsockname()[1])
    print(f"The explorer is at {address} until you press Ctrl-C.", flush=True)
    if browser:
        threading.Timer(0.5, webbrowser.open, [address]).start()
    try:
        with contextlib.suppress(KeyboardInterrupt):
            server.run(sockets=[listening])
    finally:
        session.workers.close()


def _session(files: list[Path], workers: Workers) -> Session:
    folders = folders_of(files)
    named = next((file for file in files if not file.is_dir()), None)
    if named is None:
        return Session(workers, folders, State())
    opened = folders.open(named.resolve())
    return Session(workers, folders, State(text=opened.text, file=str(opened.path), base=opened.digest))


def _pages(session: Session) -> None:
    serve_player()
    serve_gallery(session.workers)
    app.add_static_files("/scanlab/static", _STATIC)

    @ui.page("/")
    async def index() -> None:
        ui.add_head_html(_HEAD)
        page = Page(session)
        await ui.context.client.connected()
        page.begin(await ui.run_javascript("return location.hash.slice(1)"))


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        # From here on browsers that connect wait for an answer, and are not refused.
        listening.listen(128)
    except (OSError, OverflowError) as error:
        listening.close()
        reason = getattr(error, "strerror", None) or str(error)
        raise ScanlabError.at(
            "S511", f"cannot listen on {host}, port {port}: {reason}", help="leave out --port to take a free one"
        ) from None
    return listening


def _address(host: str, port: int) -> str:
    shown = "127.0.0.1" if host in ("0.0.0.0", "") else f"[{host}]" if ":" in host else host
    return f"http://{shown}:{port}/"
