from __future__ import annotations

import base64
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from scanlab.ir.diagnostics import ScanlabError
from scanlab.view.player import player_data
from scanlab.view.player_page import PAGE_LIMIT, page


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
        kind = f"<u{sent['bytes']}"
        assert np.frombuffer(base64.b64decode(sent["indices"]), dtype=kind).tolist() == scene.indices.tolist()
        assert np.frombuffer(base64.b64decode(sent["restarts"]), dtype=kind).tolist() == scene.restarts.tolist()
        assert (sent["axes"], sent["grid"]) == (list(scene.axes), list(scene.grid))


@pytest.mark.parametrize(("side", "wide"), [(256, 2), (257, 4)])
def test_indices_are_as_narrow_as_they_can_be(made, side, wide):
    [sent] = player_data([made.row(side, side)])["scenes"]
    assert sent["bytes"] == wide
    assert np.frombuffer(base64.b64decode(sent["indices"]), dtype=f"<u{wide}").max() == side * side - 1


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
    assert {"play", "scrub", "layer", "further", "whole", "nearer", "unimage"} <= named
    assert ("html", {"lang": "en"}) in parsed.tags


def test_a_page_beyond_the_limit_is_refused(made):
    side = int(PAGE_LIMIT**0.5) + 1
    with pytest.raises(ScanlabError) as caught:
        page([made.row(side, side)])
    assert caught.value.code == "S504"
