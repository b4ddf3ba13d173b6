"""Serving the explorer: to this machine only, and nothing from the network."""

from __future__ import annotations

import contextlib
import importlib
import socket
import threading
from functools import cache

import nicegui.run
import uvicorn
from fastapi import FastAPI, Response
from nicegui import app, ui

from scanlab.explorer.access import Access
from scanlab.explorer.array_service import serve_arrays
from scanlab.explorer.elements import Vocabulary
from scanlab.explorer.gallery import serve_gallery
from scanlab.explorer.guard import Guard
from scanlab.explorer.language_card import serve_card
from scanlab.explorer.lecture_service import serve_lecture
from scanlab.explorer.page import Page
from scanlab.explorer.player_element import serve_player
from scanlab.explorer.session import Session
from scanlab.processes import METHOD
from scanlab.study.style import results_style

__all__ = ["serve"]

_STYLES = (
    *("/scanlab/static/colours.css", "/scanlab/player.css", "/scanlab/static/explorer.css"),
    *("/scanlab/static/panes.css", "/scanlab/results.css"),
)
# A snake of three rows, in the colours of a path.
_ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><defs><linearGradient id="r" x2="0" y2="1">'
    '<stop stop-color="#3a48c8"/><stop offset=".5" stop-color="#d04e84"/><stop offset="1" stop-color="#f8c446"/>'
    '</linearGradient></defs><rect width="32" height="32" rx="7" fill="#15141b"/>'
    '<path d="M7 8H25V16H7V24H25" fill="none" stroke="url(#r)" stroke-width="4" stroke-linecap="round" '
    'stroke-linejoin="round"/></svg>'
)
_NEEDED_NEXT = ("scanlab.explorer.snapshot", "scanlab.explorer.panes")
# The first page waits for words out of the library: with a file of strategies changed, they are computed on the spot.
_PAGE_S = 60.0
# By then the files of a first page are with the browser, which takes as long again to read them.
_SENT_S = 0.35
# The token has done its work once the page is there: it stays in no bookmark, no history and no link.
_FORGET = (
    "<script>if (location.search) history.replaceState(history.state, '', location.pathname + location.hash)</script>"
)
_HEAD = _FORGET + "".join(f'<link rel="stylesheet" href="{style}">' for style in _STYLES)


def serve(session: Session, listening: socket.socket, host: str, access: Access) -> None:
    """Serve until Ctrl-C on a socket that was bound to `host`, to whoever has access."""
    shell = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    _pages(session)
    nicegui.run.process_pool_start_method = METHOD
    ui.run_with(
        shell,
        title="ScanLab explorer",
        favicon=_ICON,
        dark=None,
        language="en-US",
        tailwind=False,
        binding_refresh_interval=None,
        show_welcome_message=False,
    )
    # A page sends and gets small messages to and from this machine: packing them would only cost time.
    server = uvicorn.Server(
        uvicorn.Config(
            Guard(shell, host, access),
            log_level="warning",
            ws="wsproto",
            ws_per_message_deflate=False,
            timeout_graceful_shutdown=1,
            server_header=False,
        )
    )
    try:
        with contextlib.suppress(KeyboardInterrupt):
            server.run(sockets=[listening])
    finally:
        session.workers.close()


@cache
def _load_the_rest() -> None:
    """Load what answers and panes need, once, while the first browser reads the scripts that it has been sent.

    Not before the server has started: NiceGUI then walks over all objects there are, which Python does not bear while
    another thread makes some.
    """
    later = threading.Timer(_SENT_S, lambda: list(map(importlib.import_module, _NEEDED_NEXT)))
    later.daemon = True
    later.start()


def _pages(session: Session) -> None:
    serve_player()
    serve_gallery(session.workers)
    serve_card()
    serve_arrays(session.workers)
    serve_lecture(session.workers)

    @app.get("/scanlab/here", status_code=204)
    def here() -> None:
        """Whether there is a server, and one that knows who asks."""

    @app.get("/scanlab/results.css")
    def results() -> Response:
        """How a study's results look, here as in its report."""
        return Response(results_style(), media_type="text/css")

    vocabulary: list[Vocabulary] = []

    @ui.page("/", response_timeout=_PAGE_S + 5)
    async def index() -> None:
        if not vocabulary:
            vocabulary.append(await session.workers.do("vocabulary", limit=_PAGE_S))
        ui.add_head_html(_HEAD)
        page = Page(session, vocabulary[0])
        _load_the_rest()
        await ui.context.client.connected()
        page.begin(await ui.run_javascript("return scanlabWhole()", timeout=30))
