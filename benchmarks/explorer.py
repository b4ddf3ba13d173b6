"""How fast the explorer is in a real browser without a GPU: `python benchmarks/explorer.py [--json FILE]`.

*keystroke to picture*: from the `input` event of a typed character until the browser has drawn the new paths: the text
goes to the server, is compiled in a worker process, and the paths come back. *start*: from the command to the first
page, drawn. Medians of several runs, and the best: on a machine that does other work besides, the best is nearer to
what the explorer takes. *processor*: what the server, its workers and the browser used meanwhile, all cores together,
which does not depend on other work (Linux only); where a core is free for each, a picture takes no longer than that.
*on the wire*: all bytes of the first page, packed as they are sent.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright
from rich.console import Console
from rich.table import Table

from scanlab.bench.machine import environment
from scanlab.explorer.state import State, to_address

TEXTS = {
    "order, affine": "grid h, w\norder a = by h, ~w",
    "order, hilbert": "grid h, w\norder a = by hilbert(h, w)",
    "scan of four paths": "grid h, w\nscan a = sum(row, column, -row, -column)",
}
GRIDS = ((14, 14), (64, 64), (256, 256))
PAGES = 10
FLAGS = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")
# Each typed character makes another picture: the last line is a comment, and its end is another text.
WATCH = """() => {
  const element = getElement(document.querySelector(".player").id.slice(1));
  const show = element.player.show;
  element.player.show = (data) => {
    show(data);
    // The channel's message comes after the frame is drawn, which requestAnimationFrame comes before.
    const channel = new MessageChannel();
    channel.port1.onmessage = () => { if (window.onPaint) window.onPaint(performance.now()); };
    requestAnimationFrame(() => channel.port2.postMessage(0));
  };
}"""
TYPE = """() => new Promise((done) => {
  const area = document.getElementById("editor-text");
  area.focus();
  area.setSelectionRange(area.value.length, area.value.length);
  area.addEventListener("input", () => {
    const typed = performance.now();
    window.onPaint = (painted) => { window.onPaint = null; done(painted - typed); };
  }, { once: true, capture: true });
  document.execCommand("insertText", false, " ");
})"""


MOMENTS = """() => {
  const [page] = performance.getEntriesByType("navigation");
  const [seen] = performance.getEntriesByName("first-contentful-paint");
  return [page.responseEnd, seen.startTime].map((ms) => performance.timeOrigin + ms);
}"""


def start() -> tuple[subprocess.Popen[str], str]:
    """A server on a free port, and its address."""
    command = [sys.executable, "-c", "from scanlab.cli import main; main()", "explore", "--no-browser"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    match = re.search(r"http://\S+", process.stdout.readline())
    assert match is not None
    return process, match[0]


def stop(process: subprocess.Popen[str]) -> None:
    """End a server as Ctrl-C does."""
    process.send_signal(signal.SIGINT)
    process.wait(30)


def first_page(browser: Browser) -> dict[str, float]:
    """Seconds from the command to its address, to the page's arrival, to what is first seen of it and to the first
    picture, and the bytes that came. The browser is open already."""
    page = browser.new_page()
    page.goto("about:blank")
    sizes: dict[str, int] = {}
    frames: list[int] = []
    protocol = page.context.new_cdp_session(page)
    protocol.send("Network.enable")
    protocol.on("Network.loadingFinished", lambda event: sizes.update({event["requestId"]: event["encodedDataLength"]}))
    page.on("websocket", lambda ws: ws.on("framereceived", lambda frame: frames.append(len(frame))))
    begun = time.time()
    process, url = start()
    known = time.time() - begun
    page.goto(url, wait_until="commit")
    page.wait_for_selector(".drawing[data-state=paths]")
    drawn = time.time() - begun
    page.wait_for_load_state("networkidle")
    came, seen = (moment / 1000 - begun for moment in page.evaluate(MOMENTS))
    page.close()
    stop(process)
    return {"address": known, "page": came, "sight": seen, "picture": drawn, "bytes": sum(sizes.values()) + sum(frames)}


def processor() -> float:
    """Milliseconds of processor time that all processes below this one have used."""
    parents: dict[str, str] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parents[stat.parent.name] = stat.read_text().rpartition(")")[2].split()[1]
    below, total = {str(os.getpid())}, 0
    for pid in sorted(parents, key=int):
        if parents[pid] in below:
            below.add(pid)
            for task in Path("/proc", pid, "task").glob("*/schedstat"):
                with contextlib.suppress(OSError):
                    total += int(task.read_text().split()[0])
    return total / 1e6


def keystrokes(page: Page, url: str, text: str, grid: tuple[int, ...], runs: int) -> dict[str, list[float]]:
    """Milliseconds from a character to its picture, and of processor time meanwhile, run by run."""
    page.goto("about:blank")
    page.goto(f"{url}#{to_address(State(text=text, grid=grid))}")
    page.wait_for_selector(".drawing[data-state=paths]")
    page.wait_for_selector(".verdict")
    page.evaluate(WATCH)
    page.evaluate(TYPE)
    times, used = [], []
    for _ in range(runs):
        # Until the proofs of the last text are done.
        page.wait_for_timeout(1500)
        before = processor()
        times.append(page.evaluate(TYPE))
        used.append(processor() - before)
    return {"ms": times, "processor_ms": used}


def measure(runs: int) -> dict[str, Any]:
    """All figures."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=list(FLAGS))
        firsts = [first_page(browser) for _ in range(3)]
        process, url = start()
        page = browser.new_page()
        times = [
            {"text": name, "grid": "x".join(map(str, grid)), **keystrokes(page, url, text, grid, runs)}
            for grid in GRIDS
            for name, text in TEXTS.items()
        ]
        others = [browser.new_page() for _ in range(PAGES - 1)]
        for other in others:
            other.goto(url)
            other.wait_for_selector(".drawing[data-state=paths]")
        text = TEXTS["order, affine"]
        among = f"order, affine, one of {PAGES} pages"
        times.append({"text": among, "grid": "64x64", **keystrokes(page, url, text, (64, 64), runs)})
        browser.close()
        stop(process)
    return {
        "command": " ".join(["python", *sys.argv]),
        "environment": environment(["scanlab", "nicegui", "playwright"]),
        "load": os.getloadavg()[0],
        "first": firsts,
        "keystrokes": times,
    }


def show(figures: dict[str, Any]) -> None:
    """Print them."""
    table = Table(title=f"Keystroke to picture, ms; load {figures['load']:.1f} on {os.cpu_count()} cores")
    for name in ("text", "grid", "median", "best", "worst", "processor"):
        table.add_column(name, justify="left" if name == "text" else "right")
    for row in figures["keystrokes"]:
        ms = row["ms"]
        cells = (statistics.median(ms), min(ms), max(ms), statistics.median(row["processor_ms"]))
        table.add_row(row["text"], row["grid"], *(f"{cell:.0f}" for cell in cells))
    out = Console()
    out.print(table)
    for what in ("address", "page", "sight", "picture"):
        times = [first[what] for first in figures["first"]]
        out.print(f"start to {what}: {statistics.median(times):.2f} s, best {min(times):.2f} s")
    out.print(f"on the wire: {figures['first'][0]['bytes'] / 1e6:.2f} MB for the first page")


def main() -> None:
    """Measure, print, and keep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--json", type=Path)
    words = parser.parse_args()
    figures = measure(words.runs)
    if words.json:
        words.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    show(figures)


if __name__ == "__main__":
    main()
