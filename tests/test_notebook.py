"""What a notebook shows of values, and what they print of themselves."""

from __future__ import annotations

import base64
import re
import subprocess
import sys
from xml.etree import ElementTree

import numpy as np
import pytest

import scanlab
from scanlab.language.library import library_definitions

VALUES = {
    "order": lambda: scanlab.load("snake"),
    "scan": lambda: scanlab.load("cross"),
    "plan": lambda: scanlab.load("zigma"),
    "compiled scan": lambda: scanlab.compile("cross", (8, 8)),
    "compiled plan": lambda: scanlab.compile("zigma", (8, 8)),
    "path": lambda: scanlab.compile("hilbert", (8, 8)).paths[0],
    "volume": lambda: scanlab.parse("by t, h, w", "t h w"),
    "decompiled": lambda: scanlab.decompile(np.arange(16)[None], grid=(4, 4)),
}


def picture_in(html: str) -> str:
    [code] = re.findall(r"data:image/svg\+xml;base64,([^\"]+)", html)
    return base64.b64decode(code).decode()


@pytest.mark.parametrize("kind", VALUES)
def test_values_show_their_line_and_a_picture_and_print_one_short_line(kind: str) -> None:
    value = VALUES[kind]()
    html = value._repr_html_()
    assert ElementTree.fromstring(picture_in(html)).tag.endswith("svg")
    # The picture's style is no style of the page.
    assert "<style" not in html and ElementTree.fromstring(
        html.replace("><p>", "/><p>").replace('"></div>', '"/></div>')
    )
    assert "\n" not in repr(value) and len(repr(value)) < 180 and type(value).__name__ in repr(value)


def test_proofs_and_errors_show_their_words() -> None:
    refuted = scanlab.prove("by h // 2, w")
    assert "refuted" in refuted._repr_html_() and "counter-example" in refuted._repr_html_()
    assert repr(refuted).startswith("<Proof ") and len(repr(refuted)) < 120
    with pytest.raises(scanlab.ScanlabError) as error:
        scanlab.parse("by h,, w")
    assert "&lt;text&gt;:1:6" in error.value._repr_html_()
    no_line = scanlab.decompile(np.random.default_rng(1).permutation(49)[None], grid=(7, 7))
    assert "no line" in no_line._repr_html_() and "<img" not in no_line._repr_html_()


def test_many_paths_and_many_patches_are_not_drawn_unasked() -> None:
    wide = scanlab.compile(scanlab.parse(f"sum({', '.join(['row', '-row'] * 6)})"), (4, 4))
    html = wide._repr_html_()
    assert "8 of 12 paths are shown" in html and picture_in(html).count('class="name"') == 8
    large = scanlab.compile("row", (256, 256))._repr_html_()
    assert "<img" not in large and "65,536 steps" in large


def test_what_stands_in_a_line_is_escaped() -> None:
    html = scanlab.parse("by h < 2, h, w")._repr_html_()
    assert "h &lt; 2" in html and "h < 2" not in html


def test_all_of_the_library_can_be_shown() -> None:
    """On some small grid, whatever it needs of one."""
    values = {name: each.value for name, each in library_definitions().items() if each.value is not None}
    assert len(values) > 100
    assert not [name for name, value in values.items() if "<img" not in value._repr_html_()]


def test_showing_loads_no_torch() -> None:
    code = "import sys, scanlab; scanlab.load('cross')._repr_html_(); print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


def test_a_comparison_is_a_table_for_each_grid_and_what_is_proved():
    comparison = scanlab.compare(["row", "by w, h", "cross"], (4, 4))
    page = comparison._repr_html_()
    assert page.count("<table>") == 1 and page.count("<tr>") == 7
    assert "row is the transpose of by w, h (proved)" in page and "No single figure here is" in page
    assert repr(comparison) == "<OrderComparison row, by w, h, cross>"


def test_an_errors_repr_is_its_first_problem():
    with pytest.raises(scanlab.ScanlabError) as caught:
        scanlab.compile("by h + w", (4, 4))
    assert repr(caught.value).startswith("<ScanlabError S300: ")
    assert len(repr(caught.value)) < 120
