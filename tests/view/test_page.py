from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from scanlab.ir.diagnostics import ScanlabError
from scanlab.view.geometry import neighbour_gaps
from scanlab.view.page import PAGE_LIMIT, page

CHROMIUM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None
)
QUIET = (
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


class Elements(HTMLParser):
    """Collects the start tags and the text inside each script."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "script":
            self.scripts.append("")

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1][0] == "script":
            self.scripts[-1] += data


def elements(text: str) -> Elements:
    parser = Elements()
    parser.feed(text)
    return parser


def test_the_page_carries_every_path(made):
    data = json.loads(elements(page(made.every_kind)).scripts[0])
    assert len(data["scenes"]) == len(made.every_kind)
    for scene, sent in zip(made.every_kind, data["scenes"], strict=True):
        assert np.frombuffer(base64.b64decode(sent["indices"]), dtype="<u4").tolist() == scene.indices.tolist()
        assert (sent["axes"], sent["grid"]) == (list(scene.axes), list(scene.grid))


def test_it_needs_no_network(made):
    text = page([made.row(4, 4)])
    assert not re.search("https?:|url\\(|@import|//cdn", text)
    assert not [tag for tag, attributes in elements(text).tags if "src" in attributes or "href" in attributes]
    assert "default-src 'none'" in text


@pytest.mark.parametrize("text", ["</script><script>alert(1)</script>", "<!--<script>", "a & b < c", "$title ${x}"])
def test_texts_cannot_leave_their_place(made, text):
    parsed = elements(page([replace(made.row(2, 2), label=text, source=text, group=text)], title=text))
    assert len(parsed.scripts) == 2
    assert json.loads(parsed.scripts[0])["scenes"][0]["label"] == text


def test_controls_have_names(made):
    parsed = elements(page([made.row(2, 2)]))
    named = {attributes.get("data-at") for tag, attributes in parsed.tags if attributes.get("aria-label")}
    assert {"play", "scrub"} <= named
    assert ("html", {"lang": "en"}) in parsed.tags


def test_a_page_beyond_the_limit_is_refused(made):
    side = int(PAGE_LIMIT**0.5) + 1
    with pytest.raises(ScanlabError) as caught:
        page([made.row(side, side)])
    assert caught.value.code == "S504"


# Virtual time stops the browser's own animation frames, so a timer stands in for them.
SHIM = """
<script>
window.requestAnimationFrame = (draw) => setTimeout(() => draw(performance.now()), 16);
const errors = [];
window.addEventListener("error", (event) => errors.push(event.message));
</script>
"""

PROBE = """
<script>
const key = (name, more) => document.dispatchEvent(new KeyboardEvent("keydown", { key: name, ...more }));
const at = (name) => document.querySelector(`[data-at="${name}"]`);
const { CLOCK } = player;
async function probe() {
  const PANELS = player.panels(), SCENES = player.scenes();
  const frame = () => new Promise((done) => setTimeout(done, 100));
  const seen = {};
  await frame(); seen.start = at("step").textContent;
  key("Home"); await frame(); seen.home = at("step").textContent;
  seen.drawnAtHome = PANELS.map((panel) => panel.drawn);
  key("ArrowRight"); await frame(); seen.right = at("step").textContent;
  key(" "); seen.playing = CLOCK.playing; await frame(); await frame(); key(" "); seen.paused = !CLOCK.playing;
  seen.moved = CLOCK.place > 1;
  key("End"); await frame(); seen.end = at("step").textContent;
  seen.drawnAtEnd = PANELS.map((panel) => panel.drawn);
  const stage = PANELS[0].stage, box = stage.getBoundingClientRect(), spot = PANELS[0].screen;
  stage.dispatchEvent(new PointerEvent("pointermove", { clientX: box.left + spot[10], clientY: box.top + spot[11] }));
  seen.tip = at("tip").innerText;
  const select = at("colour");
  select.value = "gap"; select.dispatchEvent(new Event("change")); await frame();
  seen.high = at("high").textContent;
  seen.gaps = SCENES.map((scene) => Array.from(scene.gaps));
  seen.wide = document.documentElement.scrollWidth <= window.innerWidth;
  seen.errors = errors;
  const shown = Object.assign(document.createElement("pre"), { id: "seen", textContent: JSON.stringify(seen) });
  document.body.replaceChildren(shown);
}
probe();
</script>
"""


@pytest.fixture
def browse(tmp_path):
    """Opens a page in a headless Chromium and returns what the probe saw."""
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine")

    def run(text: str, size: str) -> dict:
        file = tmp_path / "page.html"
        file.write_text(text.replace("<body>", "<body>" + SHIM).replace("</body>", PROBE + "</body>"), encoding="utf-8")
        command = [CHROMIUM, "--headless", "--no-sandbox", *QUIET, f"--user-data-dir={tmp_path / 'profile'}"]
        command += [f"--window-size={size}", "--virtual-time-budget=6000", "--dump-dom", Path(file).as_uri()]
        shown = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
        found = re.search('<pre id="seen">(.*?)</pre>', shown, re.DOTALL)
        assert found, shown[:500]
        return json.loads(found.group(1).replace("&gt;", ">").replace("&lt;", "<").replace("&amp;", "&"))

    return run


@pytest.mark.slow
@pytest.mark.parametrize("size", ["1280,720", "500,800"])
def test_in_a_browser(made, browse, size):
    scenes = made.every_kind
    seen = browse(page(scenes), size)
    assert seen["errors"] == []
    last = max(scene.length for scene in scenes) - 1
    assert seen["start"] == seen["end"] == f"step {last} of {last}"
    assert seen["home"] == f"step 0 of {last}" and seen["right"] == f"step 1 of {last}"
    assert seen["drawnAtHome"] == [1] * len(scenes)
    assert seen["drawnAtEnd"] == [scene.length for scene in scenes]
    assert seen["playing"] and seen["paused"] and seen["moved"] and seen["wide"]
    assert seen["tip"].startswith("(h 1, w 1) is patch 5") and "row: step 5" in seen["tip"]
    assert "log scale" in seen["high"]
    for scene, gaps in zip(scenes, seen["gaps"], strict=True):
        np.testing.assert_allclose(gaps, np.nan_to_num(neighbour_gaps(scene), nan=-1.0))
