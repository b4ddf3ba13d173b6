"""A page of the player in a real browser, for tests: what its pixels are, and what it says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from scanlab.view.player_page import page
from scanlab.view.scene import PathScene

SETTLE = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"

# The colours of one layer of a panel at points of the screen, each as [r, g, b, a].
PIXELS = """([number, layer, points]) => {
  const panel = player.panels()[number], at = (value) => Math.round(value * panel.dots);
  return points.map(([x, y]) => Array.from(panel[layer].getImageData(at(x), at(y), 1, 1).data));
}"""


class PlayerPage:
    """An open page; every method waits until what it caused is drawn."""

    def __init__(self, page: Any) -> None:
        self.page = page

    def do(self, code: str) -> Any:
        """Run JavaScript, and wait for the next picture."""
        found = self.page.evaluate(code)
        self.settle()
        return found

    def until(self, condition: str) -> None:
        """Wait until an expression is true; the page's own policy forbids Playwright's way of doing so."""
        for _ in range(400):
            if self.page.evaluate(condition):
                return
            self.page.wait_for_timeout(25)
        raise AssertionError(f"never true: {condition}")

    def press(self, *keys: str) -> None:
        """Press keys, one after the other."""
        for key in keys:
            self.page.keyboard.press(key)
        self.settle()

    def settle(self) -> None:
        """Wait until all that was asked for is drawn."""
        self.page.evaluate(SETTLE)

    def points(self, panel: int = 0) -> list[tuple[float, float]]:
        """Where every patch lies in its panel, in pixels of the page."""
        flat = self.page.evaluate(f"Array.from(player.panels()[{panel}].screen)")
        return list(zip(flat[::2], flat[1::2], strict=True))

    def pixels(self, layer: str, points: Sequence[tuple[float, float]], panel: int = 0) -> list[tuple[int, ...]]:
        """The colours of a layer, "ground", "path" or "overlay", with alpha."""
        self.settle()
        return [tuple(pixel) for pixel in self.page.evaluate(PIXELS, [panel, layer, [list(p) for p in points]])]

    def pixel(self, layer: str, x: float, y: float, panel: int = 0) -> tuple[int, ...]:
        """The colour of a layer at one point."""
        return self.pixels(layer, [(x, y)], panel)[0]

    def hover(self, patch: int, panel: int = 0) -> None:
        """Move the mouse over a patch."""
        stage = self.page.locator(".stage").nth(panel)
        stage.scroll_into_view_if_needed()
        box, (x, y) = stage.bounding_box(), self.points(panel)[patch]
        self.page.mouse.move(box["x"] + x, box["y"] + y)
        self.settle()

    def tip(self) -> list[list[str]]:
        """The rows of the table about a patch, the heading of the columns first."""
        rows = self.page.locator("[data-at=tip] tr").all()
        return [[cell.inner_text().strip() for cell in row.locator("th, td").all()] for row in rows]

    def text(self, part: str) -> str:
        """The text of a part of the player, as soon as it is drawn."""
        self.settle()
        return self.page.locator(f"[data-at={part}]").inner_text()

    def shows(self, part: str) -> bool:
        """Whether a part of the player can be seen."""
        return self.page.locator(f"[data-at={part}]").is_visible()

    def picture(self, layer: str = "path", panel: int = 0) -> str:
        """A layer as a data URL: equal where the picture is equal."""
        self.settle()
        return self.page.evaluate(f"player.panels()[{panel}].{layer}.canvas.toDataURL()")

    def inked(self, layer: str = "path", panel: int = 0) -> int:
        """How many pixels of a layer are drawn on."""
        get = f"player.panels()[{panel}].{layer}"
        count = "(data) => { let n = 0; for (let k = 3; k < data.length; k += 4) n += data[k] > 0; return n; }"
        self.settle()
        return self.page.evaluate(f"({count})({get}.getImageData(0, 0, {get}.canvas.width, {get}.canvas.height).data)")


def open_player(new_page: Callable[..., Any], folder: Path, scenes: Sequence[PathScene], **options: Any) -> PlayerPage:
    """Write a page and open it, without autoplay unless `reduced_motion` says otherwise."""
    file = folder / "page.html"
    # Under a heading, whatever the paths are called: pictures have the same room then.
    file.write_text(page(scenes, "Paths"), encoding="utf-8")
    opened = PlayerPage(new_page(file.as_uri(), **{"reduced_motion": "reduce", **options}))
    opened.settle()
    return opened
