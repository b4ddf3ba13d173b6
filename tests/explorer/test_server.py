"""The server: who may ask, what it sends, how it begins and ends."""

from __future__ import annotations

import http.client
import queue
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from scanlab.explorer.access import access_of
from scanlab.explorer.guard import refusal
from scanlab.explorer.state import State, to_address
from scanlab.ir.diagnostics import ScanlabError

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


def _ask(
    url: str, path: str = "/", headers: dict[str, str] | None = None, method: str = "GET", known: bool = True
) -> Answer:
    place = urlsplit(url)
    connection = http.client.HTTPConnection(place.hostname or "", place.port or 80, timeout=20)
    cookie = {"Cookie": f"scanlab-{place.port}={place.query.removeprefix('token=')}"} if known else {}
    try:
        connection.request(method, path, headers={**cookie, **(headers or {})})
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


_ROUTES = (
    *("/", "/scanlab/library.json", "/scanlab/thumbnail/snake.svg", "/scanlab/static/explorer.css"),
    *(
        "/scanlab/player_source.js",
        "/scanlab/player.css",
        "/scanlab/lecture.html",
        "/nothing",
        "/_nicegui_ws/socket.io/?EIO=4&transport=polling",
    ),
)


@pytest.mark.parametrize("path", _ROUTES)
def test_without_the_token_nothing_is_served(explorer: Any, path: str) -> None:
    status, headers, body = _ask(explorer.url, path, known=False)
    assert status == 403 and b"?token=" in body and b"terminal" in body
    assert "set-cookie" not in headers and urlsplit(explorer.url).query.encode() not in body
    port = urlsplit(explorer.url).port
    for wrong in (
        f"scanlab-{port}=wrong",
        f"scanlab-{port}=",
        f"scanlab-{(port or 0) + 1}={explorer.url[-32:]}",
        "\xe9;=;",
    ):
        assert _ask(explorer.url, path, {"Cookie": wrong}, known=False)[0] == 403
    mark = "&" if "?" in path else "?"
    assert _ask(explorer.url, f"{path}{mark}token=wrong", known=False)[0] == 403
    assert _ask(explorer.url, f"{path}{mark}token=%ff%00", known=False)[0] == 403


@pytest.mark.parametrize(
    "other", ['theme={"a":1}', "foo bar=1", "name=J\xfcrgen", "flag", "a[0]=1", 'open="x', "a@b=1"]
)
def test_cookies_of_other_programs_on_this_machine_do_not_hide_ours(explorer: Any, other: str) -> None:
    ours = f"scanlab-{urlsplit(explorer.url).port}={urlsplit(explorer.url).query.removeprefix('token=')}"
    for cookie in (f"{other}; {ours}", f"{ours}; {other}"):
        assert _ask(explorer.url, "/scanlab/here", {"Cookie": cookie}, known=False)[0] == 204
    assert _ask(explorer.url, "/scanlab/here", {"Cookie": f"{other}; x{ours}"}, known=False)[0] == 403


def test_the_channel_needs_the_token(explorer: Any) -> None:
    origin = {**_UPGRADE, "Origin": f"http://{urlsplit(explorer.url).netloc}"}
    assert _ask(explorer.url, _SOCKET, origin, known=False)[0] == 403
    assert _ask(explorer.url, _SOCKET, origin)[0] == 101


def test_the_printed_address_sets_a_cookie_that_scripts_and_other_sites_do_not_get(explorer: Any) -> None:
    place = urlsplit(explorer.url)
    status, headers, _ = _ask(explorer.url, f"/?{place.query}", known=False)
    assert status == 200
    assert re.fullmatch(rf"scanlab-{place.port}=\S{{20,}}; Path=/; HttpOnly; SameSite=Strict", headers["set-cookie"])
    # Behind a tunnel the browser's port is another.
    headers = _ask(explorer.url, f"/?{place.query}", {"Host": "localhost:8000"}, known=False)[1]
    assert headers["set-cookie"].startswith("scanlab-8000=")
    # A stranger's page learns nothing from a token that it guesses right.
    assert _ask(explorer.url, f"/scanlab/library.json?{place.query}", {"Origin": "http://evil.example"})[0] == 403


def test_every_start_draws_a_token_unless_one_is_given(start_explorer: Callable[..., Any], explorer: Any) -> None:
    assert access_of({}).token != access_of({}).token and len(access_of({}).token) >= 32
    assert access_of({"SCANLAB_TOKEN": "0123456789abcdef"}).token == "0123456789abcdef"
    assert access_of({}).token not in repr(access_of({}))
    for bad in ("", "short", "0123456789abcde?", "0123456789abcdef;"):
        with pytest.raises(ScanlabError, match="S669"):
            access_of({"SCANLAB_TOKEN": bad})


def test_a_page_opens_with_its_token_and_then_without(explorer: Any, new_page: Callable[..., Any]) -> None:
    page = new_page(explorer.url)
    page.wait_for_selector(".drawing[data-state=paths]")
    # The address that is copied, kept or shown to others no longer holds it.
    asked = page.evaluate("performance.getEntriesByType('resource').map(e => e.name).join()")
    assert "token" not in page.url + asked
    page.reload()
    page.wait_for_selector(".drawing[data-state=paths]")


def test_a_link_on_another_site_opens_the_page_of_who_knows_the_token(explorer: Any, browser: Any) -> None:
    context = browser.new_context()
    page = context.new_page()
    link = f"{explorer.url.partition('?')[0]}#{to_address(State(text='by w, h'))}"
    away = "data:text/html," + quote(f"<a href='{link}'>go</a>")
    page.goto(away)
    page.get_by_text("go").click()
    page.wait_for_selector("text=opens only with its token")
    page.goto(explorer.url)
    page.wait_for_selector(".drawing[data-state=paths]")
    # It comes without the cookie, which is for this site only, and is asked for once more by a page of this site.
    page.goto(away)
    page.get_by_text("go").click()
    page.wait_for_selector(".player figcaption:has-text('by w, h')")
    assert "again" not in page.url
    context.close()


def test_the_browser_is_opened_without_the_token_in_its_command(monkeypatch: pytest.MonkeyPatch) -> None:
    from scanlab.cli import explore

    here, opened = "http://127.0.0.1:1/?token=0123456789abcdef", queue.Queue[str]()
    monkeypatch.setattr(explore.webbrowser, "open", opened.put)
    with explore._opened(here):
        said = opened.get(timeout=10)
        page = Path(urlsplit(said).path)
        assert "token" not in said and here in page.read_text()
        assert page.stat().st_mode & 0o077 == 0
    assert not page.exists()


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


def test_the_lecture_is_one_click_away(page: Any) -> None:
    with page.expect_popup() as opened:
        page.get_by_role("link", name="or five scenes").click()
    lecture = opened.value
    lecture.wait_for_selector("#scene-1 .player .panels canvas", state="attached")
    assert lecture.get_by_role("link", name="Explorer").get_attribute("href") == "/"


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

    assert list(TITLES) == list(PANES)


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
