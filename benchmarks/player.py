"""How fast the player of paths draws in a real browser without a GPU: `python benchmarks/player.py [--json FILE]`.

`show` is the time from other data to a picture on the screen: the call alone, and until the browser has drawn the
frame. Frames are counted while a path plays for five seconds at its usual speed. Medians of several runs, and the best:
on a machine that does other work besides, the best is nearer to what the player takes.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright
from rich.console import Console
from rich.table import Table

import scanlab
from scanlab.bench.machine import environment
from scanlab.view.player import player_data, player_markup, player_script, player_style
from scanlab.view.scene import scenes_of

CASES = (
    ("hilbert", (64, 64)),
    ("row", (64, 64)),
    ("cross", (64, 64)),
    ("hilbert", (128, 128)),
    ("hilbert", (256, 256)),
    ("shuffled", (256, 256)),
    ("cross", (256, 256)),
    ("hilbert3", (16, 16, 16)),
    ("hilbert3", (40, 40, 40)),
)
FLAGS = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")
SHOW = """(data) => new Promise((done) => {
  const start = performance.now();
  player.show(data);
  const called = performance.now() - start;
  // The channel's message comes after the frame is drawn, which requestAnimationFrame comes before.
  const channel = new MessageChannel();
  channel.port1.onmessage = () => done([called, performance.now() - start]);
  requestAnimationFrame(() => channel.port2.postMessage(0));
})"""
PLAY = """(seconds) => new Promise((done) => {
  player.goTo(0);
  player.setPlaying(true);
  let frames = 0, slowest = 0, last = performance.now();
  const start = last;
  const tick = () => {
    const now = performance.now();
    frames++;
    slowest = Math.max(slowest, now - last);
    last = now;
    if (now - start < 1000 * seconds) return requestAnimationFrame(tick);
    player.setPlaying(false);
    done([(1000 * frames) / (now - start), slowest]);
  };
  requestAnimationFrame(tick);
})"""


def main() -> None:
    """Measure, print, and write what was measured."""
    arguments = _arguments()
    with sync_playwright() as driver:
        path = arguments.chromium or shutil.which("chromium") or shutil.which("google-chrome")
        browser = driver.chromium.launch(executable_path=path, args=list(FLAGS))
        page = browser.new_page(viewport={"width": 1280, "height": 720})
        page.set_content(_document())
        rows = [_measure(page, name, grid, arguments) for name, grid in CASES]
        machine = {**environment(["scanlab", "playwright"]), "browser": f"Chromium {browser.version}, no GPU"}
        browser.close()
    # How many processes wanted a core on average while this ran: above the number of cores, figures are too slow.
    machine |= {"command": "python benchmarks/player.py", "load": [round(value, 1) for value in os.getloadavg()]}
    _print(rows, machine)
    if arguments.json:
        arguments.json.write_text(json.dumps({"machine": machine, "rows": rows}, indent=1) + "\n", encoding="utf-8")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="write the figures to a file")
    parser.add_argument("--runs", type=int, default=9, help="how often each path is shown")
    parser.add_argument("--plays", type=int, default=3, help="how often each path is played")
    parser.add_argument("--seconds", type=float, default=5.0, help="how long")
    parser.add_argument("--chromium", help="the browser's program")
    return parser.parse_args()


def _document() -> str:
    style, markup, script = player_style(), player_markup(), player_script()
    mount = 'const player = mountPlayer(document.getElementById("player"));'
    body = f'<style>{style}</style><main class="player" id="player">{markup}</main><script>{script}{mount}</script>'
    return f"<!doctype html><body>{body}</body>"


def _measure(page: Page, name: str, grid: tuple[int, ...], arguments: argparse.Namespace) -> dict[str, object]:
    data = player_data(scenes_of(scanlab.compile(name, grid)))
    shown = []
    for _ in range(arguments.runs):
        shown.append(page.evaluate(SHOW, data))
        page.wait_for_timeout(60)
    played = [page.evaluate(PLAY, arguments.seconds) for _ in range(arguments.plays)]
    called, drawn = ([run[at] for run in shown] for at in range(2))
    return {
        "path": name,
        "grid": "x".join(map(str, grid)),
        "kilobytes": len(json.dumps(data)) / 1000,
        "show_call_ms": {"median": statistics.median(called), "best": min(called)},
        "show_drawn_ms": {"median": statistics.median(drawn), "best": min(drawn)},
        "frames_per_second": {"median": statistics.median(run[0] for run in played), "best": max(r[0] for r in played)},
        "slowest_frame_ms": {"median": statistics.median(run[1] for run in played), "best": min(r[1] for r in played)},
    }


def _print(rows: list[dict[str, object]], machine: dict[str, object]) -> None:
    table = Table(title="The player in Chromium: medians (best)")
    for heading in ("path", "grid", "kB", "show, call ms", "show, drawn ms", "frames/s", "slowest frame ms"):
        table.add_column(heading, justify="left" if heading in ("path", "grid") else "right")
    for row in rows:
        figures = [f"{v['median']:.1f} ({v['best']:.1f})" for v in row.values() if isinstance(v, dict)]
        table.add_row(str(row["path"]), str(row["grid"]), f"{row['kilobytes']:.0f}", *figures)
    Console(width=120).print(table)
    print(json.dumps(machine), file=sys.stderr)


if __name__ == "__main__":
    main()
