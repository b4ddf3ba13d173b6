"""What a trained model's state holds of an image, from the file chosen in the browser to the picture of the paths."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image

from scanlab.explorer.renderers.states import find_models, read_facts, read_states
from scanlab.explorer.snapshot import snapshot
from scanlab.ir.diagnostics import ScanlabError
from scanlab.nn import Backbone, BackboneConfig, Classifier, MixerConfig, set_scan, state_readings
from scanlab.zoo import save

TEXT = "sum(row, -row)"


@pytest.fixture(scope="module")
def pixels() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (16, 16), dtype=np.uint8)


@pytest.fixture(scope="module")
def model_file(tmp_path_factory):
    torch.manual_seed(0)
    file = tmp_path_factory.mktemp("models") / "digits.safetensors"
    save(Classifier(Backbone(TEXT, BackboneConfig(dim=8, depth=2, patch=2), input_size=(16, 16)), classes=3), file)
    return file


def png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "png")
    return buffer.getvalue()


def expected(file, pixels, text: str, layer: int) -> list[np.ndarray]:
    """The shares of every path at every patch, one `share` at a time."""
    from scanlab.zoo import load

    model = load(file)
    image = torch.from_numpy(pixels).float().div(255)[None, None]
    readings = state_readings(set_scan(model, text), image, layer)
    return [np.stack([r.share(r.step_of(patch)).numpy() for patch in range(64)]) for r in readings]


def shares_of(text: str) -> np.ndarray:
    import base64

    return np.frombuffer(base64.b64decode(text), "<f4").reshape(64, 64)


@pytest.mark.parametrize("text", [TEXT, "sum(hilbert, -hilbert)"])
def test_shares_and_words_are_those_of_the_model(model_file, pixels, text):
    states = read_states(snapshot(text, (8, 8)), model_file, 1, png(pixels))
    wanted = expected(model_file, pixels, text, 1)
    assert [number for number, _ in states.remembered] == [0, 1]
    for (_, packed), shares in zip(states.remembered, wanted, strict=True):
        np.testing.assert_allclose(shares_of(packed), shares, atol=2e-6)
    assert ("the model&#x27;s own order" in states.html) == (text == TEXT)
    assert ("the place of the order that the model was trained with" in states.html) == (text != TEXT)


def test_a_strategy_on_another_grid_is_left_out_and_said(model_file, pixels):
    states = read_states(snapshot("row", (4, 4)), model_file, 0, png(pixels))
    assert states.remembered == () and "it is drawn on 4x4, and the layer has 8x8" in states.html


def test_what_the_page_is_told_of_a_model(model_file, tmp_path):
    facts = read_facts(model_file)
    assert (facts.channels, facts.extents, facts.grids) == (1, (16, 16), ((8, 8), (8, 8)))
    assert find_models((model_file.parent,)) == [model_file]
    with pytest.raises(ScanlabError, match=r"S849.*no layer 5"):
        read_states(snapshot("row", (8, 8)), model_file, 5, b"")
    file = tmp_path / "attention.safetensors"
    config = BackboneConfig(dim=8, patch=2, mixer=MixerConfig(kind="attention", head=4))
    save(Classifier(Backbone("row", config, input_size=(16, 16)), classes=3), file)
    with pytest.raises(ScanlabError, match="S848"):
        read_states(snapshot("row", (8, 8)), file, 0, png(np.zeros((16, 16), np.uint8)))


@pytest.mark.slow
def test_from_the_file_to_the_picture(start_explorer, new_page, model_file, pixels):
    server = start_explorer(model_file.parent)
    page = new_page(server.address(text=TEXT, grid=(8, 8), panes=("state",)))
    page.wait_for_selector(".player .panels canvas", state="attached")
    pane = page.locator("#pane-state")
    pane.get_by_role("button", name="digits.safetensors").click()
    pane.get_by_text("Choose an image below the paths").wait_for()
    page.locator("[data-at=file]").set_input_files({"name": "a.png", "mimeType": "image/png", "buffer": png(pixels)})
    page.get_by_role("button", name="Other image").or_(page.get_by_text("Other image")).first.wait_for()
    pane.get_by_role("button", name="Read my image").click()
    page.wait_for_function(
        "document.querySelector('[data-at=half-name]').textContent === \"of the model's own states\""
    )
    assert pane.get_by_text("the model's own order").is_visible()
    shown = page.evaluate(
        "() => { const player = getElement(document.querySelector('.player').id.slice(1)).player; player.goTo(40);"
        " return player.scenes().map((scene) => Array.from(scene.remembered)); }"
    )
    for found, shares in zip(shown, expected(model_file, pixels, TEXT, 0), strict=True):
        np.testing.assert_allclose(np.array(found).reshape(64, 64), shares, atol=2e-6)
    pane.get_by_role("button", name="Close State").click()
    page.wait_for_function("!document.querySelector('[data-at=half]').disabled")
