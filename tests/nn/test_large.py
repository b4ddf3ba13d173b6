"""A large picture read in one pass, a few rows or channels at a time, gives what the model gives of the whole."""

import pytest
import torch

from scanlab.ir.diagnostics import ScanlabError
from scanlab.nn import (
    Backbone,
    BackboneConfig,
    Classifier,
    MixerConfig,
    NextPatch,
    PictureRows,
    Segmenter,
    in_parts,
    large,
    large_pass,
    pyramid_bands,
)
from scanlab.nn.large import reading_of

PER_PATH = MixerConfig(state=3, convolution="path", taps=4, parameters="per_path")
ON_GRID = MixerConfig(state=3, convolution="grid", average=True)
FIRST = MixerConfig(convolution="first_path", expand=1.0, gate=False, parameters="own_decay")


@pytest.fixture(autouse=True)
def small_parts(monkeypatch):
    """Parts so small that a small picture has several."""
    monkeypatch.setattr(in_parts, "PART_BYTES", 1)
    monkeypatch.setattr(large, "TOGETHER", 1)
    monkeypatch.setattr(pyramid_bands, "BAND_PIXELS", 1)


def backbone(line, mixer=PER_PATH, **settings):
    torch.manual_seed(0)
    config = BackboneConfig(patch=4, dim=24, mixer=mixer, **settings)
    return Backbone(line, config, input_size=(16, 16), channels=2).eval()


PICTURE = torch.rand(2, 30, 41, generator=torch.Generator().manual_seed(1))
MODELS = {
    "row by row": lambda: backbone("snake"),
    "windows": lambda: backbone("window[k=2]"),
    "restarts": lambda: backbone("by h, ~w restart by h"),
    "several paths, a gate": lambda: backbone("gate(row, column)", FIRST),
    "a class token": lambda: backbone("sum(row, -row) with cls at middle", readout="cls"),
    "stages, convolutions on the grid": lambda: backbone("cross", ON_GRID, depth=(1, 1), mlp=2.0),
    "overlapping patches": lambda: backbone("hilbert", ON_GRID, stem="overlapping"),
    "the state space dual": lambda: backbone("row", MixerConfig(kind="ssd", head=8)),
    "attention": lambda: backbone("row", MixerConfig(kind="attention", head=8)),
}


@pytest.mark.parametrize("case", MODELS)
def test_it_gives_what_the_whole_gives(case):
    made = MODELS[case]()
    for model in (made, Classifier(made, 5), Segmenter(made, 3, width=8)):
        with torch.no_grad():
            whole = model(PICTURE[None])[0]
        got = large_pass(model, PICTURE)
        if isinstance(model, Segmenter):
            best = whole.topk(2, dim=0).values
            sure = best[0] - best[1] > 1e-4
            assert got.dtype == torch.uint8 and sure.float().mean() > 0.9
            assert torch.equal(got[sure], whole.argmax(0).to(torch.uint8)[sure])
        else:
            torch.testing.assert_close(got, whole, rtol=2e-5, atol=2e-5)


def test_a_u_net_takes_the_whole_picture():
    model = Segmenter(backbone("snake"), 3, width=4, decoder="unet").eval()
    with torch.no_grad():
        whole = model(PICTURE[None])[0]
    best = whole.topk(2, dim=0).values
    sure = best[0] - best[1] > 1e-4
    assert torch.equal(large_pass(model, PICTURE)[sure], whole.argmax(0).to(torch.uint8)[sure])


def test_rows_are_carried_where_the_order_streams_and_the_two_ways_agree():
    assert reading_of(backbone("snake"), (32, 32)).latency == 1
    assert reading_of(backbone("window[k=2]"), (32, 32)).latency == 2
    for streamed in (True, False):
        model = Classifier(backbone("snake"), 5)
        with torch.no_grad():
            whole = model(PICTURE[None])[0]
        torch.testing.assert_close(large_pass(model, PICTURE, streamed=streamed), whole, rtol=2e-5, atol=2e-5)


def test_only_some_rows_are_read_at_a_time():
    heights = []

    def read(first, last):
        heights.append(last - first)
        return PICTURE[:, first:last]

    model = Classifier(backbone("snake"), 5)
    large_pass(model, PictureRows((2, 30, 41), read))
    assert max(heights) == 4 and sum(heights) == 30


def test_what_does_not_stream_says_why_and_is_read_whole():
    reading = reading_of(backbone("column"), (32, 32))
    assert not reading.streams and "column" in reading.why
    with pytest.raises(ScanlabError, match=r"S720.*row"):
        large_pass(backbone("column"), PICTURE, streamed=True)
    # Three rows of patches cannot be read two at a time.
    assert not reading_of(backbone("window[k=2]"), (12, 32)).streams


def test_other_heads_and_other_pictures_are_refused():
    with pytest.raises(ScanlabError, match="S616"):
        large_pass(NextPatch(backbone("row")), PICTURE)
    with pytest.raises(ScanlabError, match=r"S614.*uint8"):
        large_pass(backbone("row"), PICTURE.byte())
    with pytest.raises(ScanlabError, match=r"S614.*channels"):
        large_pass(backbone("row"), PICTURE[:1])
    with pytest.raises(ScanlabError, match="S614"):
        large_pass(backbone("row"), PICTURE[:, 0])


def test_projections_with_an_adapter_are_computed_whole():
    made = backbone("cross")
    for block in made.blocks:
        block.mixer.project_in.register_forward_hook(lambda module, inputs, output: 2 * output)
    with torch.no_grad():
        whole = made(PICTURE[None])[0]
    torch.testing.assert_close(large_pass(made, PICTURE), whole, rtol=2e-5, atol=2e-5)
