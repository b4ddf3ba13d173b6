"""The address that a server has: taken before anything heavy is loaded."""

from __future__ import annotations

import socket

from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import reason_of

__all__ = ["address", "listen"]


def listen(host: str, port: int) -> socket.socket:
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


def address(host: str, listening: socket.socket) -> str:
    """What a browser on this machine calls it."""
    shown = "127.0.0.1" if host in ("0.0.0.0", "") else f"[{host}]" if ":" in host else host
    return f"http://{shown}:{listening.getsockname()[1]}/"
