"""The report in a real browser: whole at the width of a small screen, in print, and in the dark."""

from __future__ import annotations

import pytest
from records import ENVIRONMENT, changed, joined

from scanlab.study.analysis import analyse
from scanlab.study.report import write_report

ROW = [0.90, 0.91, 0.92, 0.93, 0.94]
UP = [v + d for v, d in zip(ROW, [0.050, 0.051, 0.049, 0.052, 0.048], strict=True)]
NEAR = [v + d for v, d in zip(ROW, [0.0005, -0.0004, 0.0003, -0.0006, 0.0002], strict=True)]
LONG = "windows of four by four patches, each read as a snake, in a label that is as long as a sentence " + "y" * 60
PICTURE = '<svg viewBox="0 0 8 8"><title>a path</title></svg>'


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """A report with all that makes a page wide: long names, many problems, many seeds, changed inputs."""
    names = ["MNIST", "a problem with a long name / no positions", *(f"AdrenalMNIST3D_{i}" for i in range(5))]
    values = {"row": ROW, LONG: UP, "snake": NEAR}
    study = joined(
        dict.fromkeys(names, values),
        names={LONG: "hilbert"},
        controls={"A/A": NEAR, "no_scan": [v - d for v, d in zip(ROW, UP, strict=True)]},
        margin=0.005,
    )
    for label in values:
        study = changed(study, label, transfer={"rotate 90": 0.4, "size 96x96": 0.3}, field=tuple([0.5] * 15 + [1.0]))
    folder = tmp_path_factory.mktemp("report")
    pictures = {(name, label): PICTURE for name in names for label in values}
    return write_report(study, folder, pictures, "scanlab report " + "folder/" * 30, analyse(study))


# What reaches beyond the page's edge without a box to scroll it in, or is cut inside a box that does not scroll.
CUT = """() => {
  const wide = document.documentElement.clientWidth, bad = [];
  for (const e of document.body.querySelectorAll('*')) {
    if (e.closest('.unseen') || e.closest('svg') && e.tagName !== 'svg') continue;
    const box = e.getBoundingClientRect();
    if (!box.width || !box.height) continue;
    const scrolled = e.closest('.scroll');
    if (!scrolled && box.right > wide + 1) bad.push(e.tagName + '.' + e.className + ' ' + box.right);
    const style = getComputedStyle(e);
    if (style.overflowX === 'hidden' && e.scrollWidth > e.clientWidth + 1) bad.push('cut ' + e.tagName);
    if (style.textOverflow === 'ellipsis') bad.push('ellipsis ' + e.tagName);
  }
  return bad;
}"""
# Text of pictures in pixels of the screen.
SIZES = """() => [...document.querySelectorAll('.chart text, .panels text')].map(
  t => parseFloat(getComputedStyle(t).fontSize) * t.ownerSVGElement.getScreenCTM().a)"""
# Words of pictures that reach beyond them.
BEYOND = """() => [...document.querySelectorAll('.chart text, .panels text')].filter(t => {
  const own = t.getBBox(), box = t.ownerSVGElement.viewBox.baseVal;
  return own.x < -1 || own.x + own.width > box.width + 1 || own.y < -1 || own.y + own.height > box.height + 1;
}).map(t => t.textContent)"""


@pytest.mark.parametrize("width", [320, 500, 1280])
def test_nothing_reaches_beyond_a_page_of_any_width(new_page, page, width):
    opened = new_page(page.as_uri(), viewport={"width": width, "height": 900})
    for details in opened.locator("details").all():
        details.evaluate("e => e.open = true")
    assert opened.evaluate("document.documentElement.scrollWidth") == width
    assert opened.evaluate(CUT) == []
    assert opened.evaluate(BEYOND) == []
    # Words in pictures are no larger than the page's, and can be read on all but the smallest screens.
    sizes = opened.evaluate(SIZES)
    assert max(sizes) <= 16.5 and min(sizes) >= (8 if width >= 500 else 5)


def test_the_whole_matrix_is_seen_at_once_on_a_small_screen(new_page, page):
    opened = new_page(page.as_uri(), viewport={"width": 500, "height": 900})
    box = "document.querySelector('table.matrix').closest('.scroll')"
    assert opened.evaluate(f"{box}.scrollWidth <= {box}.clientWidth")
    # The first rows are there without scrolling down.
    assert opened.locator("table.matrix tbody tr").first.bounding_box()["y"] < 900


def test_boxes_that_scroll_are_reached_by_keyboard_and_keep_their_first_column(new_page, page):
    opened = new_page(page.as_uri(), viewport={"width": 500, "height": 900})
    scrolling = "[...document.querySelectorAll('.scroll')].filter(e => e.scrollWidth > e.clientWidth)"
    assert opened.evaluate(f"{scrolling}.length") > 5
    assert opened.evaluate(f"{scrolling}.every(e => e.tabIndex === 0)")
    moved = (
        f"(() => {{ const e = {scrolling}[0]; e.scrollLeft = 200; const c = e.querySelector('tbody tr').children[0];"
    )
    moved += " return c.getBoundingClientRect().left - e.getBoundingClientRect().left; })()"
    assert abs(opened.evaluate(moved)) < 1


def test_print_cuts_nothing(new_page, page):
    # A4 less its margins, at 96 pixels to the inch.
    opened = new_page(page.as_uri(), viewport={"width": 718, "height": 1000})
    opened.emulate_media(media="print")
    assert opened.evaluate("document.documentElement.scrollWidth") == 718
    assert opened.evaluate(CUT.replace("!scrolled && ", "")) == []
    assert opened.evaluate(
        "[...document.querySelectorAll('.scroll')].every(e => getComputedStyle(e).overflowX === 'visible')"
    )
    pdf = opened.pdf(format="A4", print_background=False)
    assert pdf.startswith(b"%PDF") and pdf.count(b"/Type /Page\n") + pdf.count(b"/Type /Page>") <= 40


def test_glyphs_have_colours_that_differ_from_the_page_in_light_and_dark(new_page, page):
    colours = "[...document.querySelectorAll('.matrix .glyph')].map(e => getComputedStyle(e).color)"
    seen = []
    for scheme in ("light", "dark"):
        opened = new_page(page.as_uri(), color_scheme=scheme)
        ground = opened.evaluate("getComputedStyle(document.body).backgroundColor")
        shown = opened.evaluate(colours)
        assert ground not in shown and len(set(shown)) >= 2
        seen.append(set(shown))
    assert not seen[0] & seen[1]


def test_environment_is_listed(page):
    assert ENVIRONMENT["device"] in page.read_text("utf-8")
