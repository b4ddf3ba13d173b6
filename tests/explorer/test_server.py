"""The server: who may ask, what it sends, how it begins and ends."""

from __future__ import annotations

import http.client
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from scanlab.explorer.guard import refusal

Answer = tuple[int, dict[str, str], bytes]
LOCAL = "127.0.0.1"


@pytest.mark.parametrize(
    ("headers", "listens", "kind", "allowed"),
    [
        ({"host": "127.0.0.1:80"}, LOCAL, "http", True),
        ({"host": "localhost:80"}, LOCAL, "http", True),
        ({"host": "[::1]:80"}, LOCAL, "http", True),
        ({"host": "LOCALHOST"}, LOCAL, "http", True),
        # DNS rebinding: the browser believes that it talks to its own site.
        ({"host": "evil.example"}, LOCAL, "http", False),
        ({"host": "127.0.0.1.evil.example:80"}, LOCAL, "http", False),
        ({"host": "localhost.evil.example"}, LOCAL, "websocket", False),
        ({"host": "evil.example", "origin": "http://evil.example"}, LOCAL, "websocket", False),
        ({"host": "192.168.0.9:80"}, LOCAL, "http", False),
        ({}, LOCAL, "http", False),
        ({"host": ""}, "", "http", False),
        ({"host": "[::1"}, LOCAL, "http", False),
        # Opened to others, a server answers to addresses and to its own names, and still to no stranger's.
        ({"host": "192.168.0.9:80"}, "0.0.0.0", "http", True),
        ({"host": f"{socket.gethostname()}:80"}, "0.0.0.0", "http", True),
        ({"host": "evil.example"}, "0.0.0.0", "http", False),
        ({"host": "lab.example:80"}, "lab.example", "http", True),
        # Cross-site requests.
        ({"host": "127.0.0.1:80", "origin": "http://127.0.0.1:80"}, LOCAL, "websocket", True),
        ({"host": "127.0.0.1:80", "origin": "http://127.0.0.1:81"}, LOCAL, "websocket", False),
        ({"host": "127.0.0.1:80", "origin": "https://evil.example"}, LOCAL, "websocket", False),
        ({"host": "127.0.0.1:80", "origin": "null"}, LOCAL, "websocket", False),
        ({"host": "127.0.0.1:80", "origin": "https://evil.example"}, LOCAL, "http", False),
        ({"host": "127.0.0.1:80", "sec-fetch-site": "cross-site"}, LOCAL, "http", False),
        ({"host": "127.0.0.1:80", "sec-fetch-site": "same-site"}, LOCAL, "http", False),
        ({"host": "127.0.0.1:80", "sec-fetch-site": "same-origin"}, LOCAL, "http", True),
        ({"host": "127.0.0.1:80", "sec-fetch-site": "cross-site"}, LOCAL, "websocket", False),
    ],
)
def test_who_may_ask(headers: dict[str, str], listens: str, kind: str, allowed: bool) -> None:
    assert (refusal(headers, listens, kind, "GET", "/x") == "") is allowed


def test_a_link_may_open_the_page_and_nothing_else() -> None:
    link = {
        "host": "127.0.0.1:80",
        "sec-fetch-site": "cross-site",
        "sec-fetch-mode": "navigate",
        "sec-fetch-dest": "document",
    }
    assert refusal(link, LOCAL, "http", "GET", "/") == ""
    assert refusal(link, LOCAL, "http", "POST", "/")
    assert refusal(link, LOCAL, "http", "GET", "/scanlab/library.json")
    assert refusal({**link, "sec-fetch-dest": "iframe"}, LOCAL, "http", "GET", "/")


def _ask(url: str, path: str = "/", headers: dict[str, str] | None = None, method: str = "GET") -> Answer:
    place = urlsplit(url)
    connection = http.client.HTTPConnection(place.hostname or "", place.port or 80, timeout=20)
    try:
        connection.request(method, path, headers=headers or {})
        answer = connection.getresponse()
        return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
    finally:
        connection.close()


_SOCKET = "/_nicegui_ws/socket.io/?EIO=4&transport=websocket"
_UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


def test_a_running_server_refuses_strangers(explorer: Any) -> None:
    host = urlsplit(explorer.url).netloc
    assert _ask(explorer.url)[0] == 200
    assert _ask(explorer.url, headers={"Host": "evil.example"})[0] == 403
    assert _ask(explorer.url, "/scanlab/library.json", {"Origin": "http://evil.example"})[0] == 403
    assert _ask(explorer.url, "/scanlab/library.json", {"Sec-Fetch-Site": "cross-site"})[0] == 403
    polling = "/_nicegui_ws/socket.io/?EIO=4&transport=polling"
    assert _ask(explorer.url, polling, {"Origin": "http://evil.example"}, "POST")[0] == 403
    assert _ask(explorer.url, _SOCKET, {**_UPGRADE, "Origin": f"http://{host}"})[0] == 101
    assert _ask(explorer.url, _SOCKET, {**_UPGRADE, "Origin": "http://evil.example"})[0] == 403
    assert _ask(explorer.url, _SOCKET, {**_UPGRADE, "Host": "evil.example", "Origin": "http://evil.example"})[0] == 403


def test_every_answer_keeps_the_page_to_this_server(explorer: Any) -> None:
    for path in ("/", "/scanlab/library.json", "/scanlab/static/explorer.css", "/nothing"):
        headers = _ask(explorer.url, path)[1]
        assert "default-src 'self'" in headers["content-security-policy"]
        assert "frame-ancestors 'self'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"


def test_files_of_the_machine_are_not_served(explorer: Any) -> None:
    for path in ("/scanlab/static/../server.py", "/scanlab/static/%2e%2e/server.py", "/scanlab/thumbnail/..%2fx.svg"):
        assert _ask(explorer.url, path)[0] == 404
    for path in ("/docs", "/openapi.json", "/redoc"):
        assert _ask(explorer.url, path)[0] == 404


def test_the_library_and_its_thumbnails(explorer: Any) -> None:
    import json

    status, _, body = _ask(explorer.url, "/scanlab/library.json")
    entries = json.loads(body)
    assert status == 200
    systems = [e["system"] for e in entries]
    # Each system's entries stand together.
    assert len([a for a, b in pairwise(systems) if a != b]) == len(set(systems)) - 1
    hilbert = next(e for e in entries if e["name"] == "hilbert")
    status, headers, body = _ask(explorer.url, hilbert["picture"])
    assert (status, headers["content-type"]) == (200, "image/svg+xml")
    assert body.startswith(b"<svg")
    assert _ask(explorer.url, "/scanlab/thumbnail/transpose.svg")[0] == 404


def test_the_first_page_is_light(explorer: Any, new_page: Callable[..., Any]) -> None:
    page = new_page()
    sizes: dict[str, int] = {}
    protocol = page.context.new_cdp_session(page)
    protocol.send("Network.enable")
    protocol.on("Network.loadingFinished", lambda event: sizes.update({event["requestId"]: event["encodedDataLength"]}))
    frames: list[int] = []
    page.on("websocket", lambda ws: ws.on("framereceived", lambda frame: frames.append(len(frame))))
    page.goto(explorer.url)
    page.wait_for_selector(".drawing[data-state=paths]")
    page.wait_for_load_state("networkidle")
    total = sum(sizes.values()) + sum(frames)
    assert 100_000 < total < 2_000_000


def test_the_first_page_waits_for_no_compiler() -> None:
    code = """
import sys
import scanlab.explorer.server
heavy = [m for m in ("torch", "numba", "triton", "scipy", "islpy", "lark", "networkx") if m in sys.modules]
assert not heavy, heavy
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_titles_are_those_of_the_panes() -> None:
    from scanlab.explorer.panes import PANES
    from scanlab.explorer.titles import TITLES

    assert list(TITLES.items()) == [(name, kind.title) for name, kind in PANES.items()]


def _command(*words: str) -> list[str]:
    return [sys.executable, "-c", "from scanlab.cli import main; main()", "explore", *words]


def test_ctrl_c_ends_it_cleanly(start_explorer: Callable[..., Any], browser: Any) -> None:
    explorer = start_explorer()
    page = browser.new_page()
    page.goto(explorer.url)
    page.wait_for_selector(".drawing[data-state=paths]")
    explorer.process.send_signal(signal.SIGINT)
    assert explorer.process.wait(timeout=30) == 0
    page.close()


def test_an_address_that_is_taken_is_an_error(explorer: Any, tmp_path: Path) -> None:
    port = str(urlsplit(explorer.url).port)
    done = subprocess.run(
        _command("--no-browser", "--port", port), cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 1
    assert "error[S511]" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    command = _command("--no-browser", "missing.scan")
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert "error[S107]" in done.stderr
