"""Who may ask: pages of this server only, under an address that no other site can take.

Another site can make a browser send requests to 127.0.0.1, but not hide where they come from: `Origin` and
`Sec-Fetch-Site` tell. After rebinding its own name to 127.0.0.1 it would count as the same site, but `Host` still
holds its name. What the pages load, and that no other page frames them, is in the headers of each answer.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

__all__ = ["Guard", "refusal"]

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

# Inline scripts and eval are NiceGUI's way to start its page; what counts is that nothing leaves for another server.
_POLICY = (
    "default-src 'self' 'unsafe-inline' 'unsafe-eval'; img-src 'self' data: blob:; connect-src 'self' data: blob:; "
    "font-src 'self' data:; frame-src 'self' blob: data:; frame-ancestors 'self'; form-action 'self'; base-uri 'none'"
)
_HEADERS = (
    (b"content-security-policy", _POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)


class Guard:
    """Wraps an ASGI application; `host` is what the server was told to listen on."""

    def __init__(self, app: App, host: str) -> None:
        self.app = app
        self.host = host

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or refuse it with 403."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        why = refusal(headers, self.host, scope["type"], scope.get("method", "GET"), scope["path"])
        if not why:
            await self.app(scope, receive, _with_headers(send))
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": why})
        else:
            plain = [(b"content-type", b"text/plain; charset=utf-8")]
            await send({"type": "http.response.start", "status": 403, "headers": plain})
            await send({"type": "http.response.body", "body": f"refused: {why}\n".encode()})


def refusal(headers: dict[str, str], listens: str, kind: str, method: str, path: str) -> str:
    """Why a request is refused, "" where it is not.

    headers: names in lower case. listens: the host that the server was told. kind: "http" or "websocket".
    """
    host = headers.get("host", "")
    if not _is_ours(host, listens):
        return f"this server is not called {host or 'nothing'}"
    origin = headers.get("origin", "")
    if origin and urlsplit(origin).netloc.lower() != host.lower():
        return f"the request comes from {origin}"
    if kind == "websocket":
        return "" if origin or "sec-fetch-site" not in headers else "the request does not say where it comes from"
    if headers.get("sec-fetch-site", "none") in ("none", "same-origin"):
        return ""
    # A link on another site may open the page, as a bookmark may; it cannot read or embed it.
    opens = method == "GET" and path == "/" and headers.get("sec-fetch-mode") == "navigate"
    return "" if opens and headers.get("sec-fetch-dest") == "document" else "the request comes from another site"


def _is_ours(host: str, listens: str) -> bool:
    try:
        name = (urlsplit(f"//{host}").hostname or "").rstrip(".").lower()
    except ValueError:
        return False
    if name in ("localhost", listens.lower()) and name:
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        own = (socket.gethostname().lower(), socket.getfqdn().lower())
        return not _is_loopback(listens) and name in own
    # An address is no name that somebody could point elsewhere; but only a server for others answers to all of them.
    return address.is_loopback or not _is_loopback(listens)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _with_headers(send: Send) -> Send:
    async def sending(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", []), *_HEADERS]
        await send(message)

    return sending
