"""Files that are dropped anywhere on the page: a text, an image, an array, and what is none of these."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
from chromium import expect

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
DROP = """([name, type, words]) => {
  const bytes = Uint8Array.from(atob(words), letter => letter.charCodeAt(0)), files = new DataTransfer();
  files.items.add(new File([bytes], name, { type }));
  const tell = kind => document.querySelector(".paths").dispatchEvent(
    new DragEvent(kind, { dataTransfer: files, bubbles: true, cancelable: true }));
  tell("dragover");
  const shown = document.querySelector(".dropping").checkVisibility();
  tell("drop");
  return shown;
}"""


def _drop(page: Any, name: str, content: bytes | str, kind: str = "") -> None:
    words = content if isinstance(content, str) else base64.b64encode(content).decode()
    page.evaluate(DROP, [name, kind, words])


def test_a_scan_file_takes_the_place_of_the_text(page: Any) -> None:
    before = page.locator("#editor-text").input_value()
    _drop(page, "mine.scan", b"grid h, w\r\norder mine = by w, ~h\r\n")
    expect(page.locator("#editor-text")).to_have_value("grid h, w\norder mine = by w, ~h\n")
    page.wait_for_selector(".verdict.proved:has-text('mine')")
    page.locator("#editor-text").press("Control+z")
    expect(page.locator("#editor-text")).to_have_value(before)


def test_an_image_lies_under_the_paths(page: Any) -> None:
    _drop(page, "photo.png", PIXEL, "image/png")
    page.wait_for_selector(".player [data-at=unimage]:not([hidden])")
    expect(page.locator(".player [data-at=image-name]")).to_have_text("Other image")


def test_an_array_opens_its_window(page: Any) -> None:
    held = io.BytesIO()
    np.save(held, np.arange(16).reshape(4, 4))
    _drop(page, "order.npy", held.getvalue())
    page.wait_for_selector("dialog[aria-label='From an array'][open]")
    page.wait_for_function("() => document.getElementById('editor-text').value.includes('order found')")


def test_anything_else_is_said_to_be_none_of_these(page: Any) -> None:
    _drop(page, "thesis.pdf", b"%PDF")
    page.wait_for_selector(".notice.shown >> text=thesis.pdf is no image, no array (.npy, .npz) and no .scan file")
    expect(page.locator(".dropping")).to_be_hidden()
