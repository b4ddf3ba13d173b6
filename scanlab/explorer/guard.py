"""Who may ask: those who know the token, from pages of this server only, under an address no other site can take.

Another site can make a browser send requests to 127.0.0.1, but not hide where they come from: `Origin` and
`Sec-Fetch-Site` tell. After rebinding its own name to 127.0.0.1 it would count as the same site, but `Host` still
holds its name. Other users of this machine are kept out by a token: see `access`. What the pages load, and that no
other page frames them, is in the headers of each answer.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

from scanlab.explorer.access import REFUSED, Access, retry_page

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
    """Wraps an ASGI application; `host` is what the server listens on."""

    def __init__(self, app: App, host: str, access: Access) -> None:
        self.app = app
        self.host = host
        self.access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or refuse it with 403."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        why = refusal(headers, self.host, scope["type"], scope.get("method", "GET"), scope["path"])
        if why:
            await _refuse(scope, receive, send, f"refused: {why}\n".encode())
            return
        known = self.access.in_cookies(headers)
        brings = self.access.in_query(scope.get("query_string", b"").decode("latin-1"))
        if known or brings:
            cookie = [] if known else [(b"set-cookie", self.access.cookie(headers.get("host", "")).encode("latin-1"))]
            await self.app(scope, receive, _with_headers(send, (*_HEADERS, *cookie)))
        elif scope["type"] == "http" and scope["path"] == "/":
            await _refuse(scope, receive, send, retry_page(REFUSED), b"text/html; charset=utf-8")
        else:
            await _refuse(scope, receive, send, f"refused: {REFUSED}\n".encode())


def refusal(headers: dict[str, str], listens: str, kind: str, method: str, path: str) -> str:
    """Why a request is refused, "" where it is not.

    headers: names in lower case. listens: the host that the server listens on. kind: "http" or "websocket".
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


async def _refuse(
    scope: Scope, receive: Receive, send: Send, body: bytes, kind: bytes = b"text/plain; charset=utf-8"
) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008, "reason": body.decode()[:120]})
        return
    headers = [*_HEADERS, (b"content-type", kind), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": 403, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _with_headers(send: Send, more: Iterable[tuple[bytes, bytes]]) -> Send:
    async def sending(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", []), *more]
        await send(message)

    return sending
