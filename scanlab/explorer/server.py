"""Serving the explorer: to this machine only, and nothing from the network."""

from __future__ import annotations

import contextlib
import socket
import webbrowser
from pathlib import Path
from threading import Timer

import uvicorn
from fastapi import FastAPI
from nicegui import app, ui

from scanlab.explorer.page import Page
from scanlab.explorer.player_element import serve_player
from scanlab.explorer.state import State, from_address
from scanlab.ir.diagnostics import ScanlabError

__all__ = ["serve"]

_STATIC = Path(__file__).parent / "static"
_HEAD = '<link rel="stylesheet" href="/scanlab/player.css"><link rel="stylesheet" href="/scanlab/static/explorer.css">'


def serve(files: list[Path], host: str = "127.0.0.1", port: int = 0, browser: bool = True) -> None:
    """Serve until Ctrl-C; a port of 0 takes a free one.

    Raises ScanlabError S511 where the address cannot be had.
    """
    listening = _listen(host, port)
    shell = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    named = next((file for file in files if not file.is_dir()), None)
    _pages(State() if named is None else State(text=named.read_text(encoding="utf-8"), file=str(named)))
    ui.run_with(shell, title="ScanLab explorer", dark=None, tailwind=False, show_welcome_message=False)
    server = uvicorn.Server(uvicorn.Config(shell, log_level="warning", ws="wsproto", timeout_graceful_shutdown=1))
    address = _address(host, listening.getsockname()[1])
    print(f"The explorer is at {address} until you press Ctrl-C.", flush=True)
    if browser:
        Timer(0.5, webbrowser.open, [address]).start()
    with contextlib.suppress(KeyboardInterrupt):
        server.run(sockets=[listening])


def _pages(start: State) -> None:
    serve_player()
    app.add_static_files("/scanlab/static", _STATIC)

    @ui.page("/")
    async def index() -> None:
        ui.add_head_html(_HEAD)
        page = Page()
        await ui.context.client.connected()
        address = await ui.run_javascript("return location.hash.slice(1)")
        await page.begin(from_address(address) if address else start)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
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
