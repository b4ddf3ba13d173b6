"""Lines of any widths are read as each is alone; texts are learnt, and what no alignment fits is refused."""

import pytest
import torch
import torch.nn.functional as F

from scanlab.ir.diagnostics import ScanlabError
from scanlab.nn import Backbone, BackboneConfig, MixerConfig, TextReader, set_scan
from scanlab.zoo import load, save


@pytest.fixture(autouse=True)
def one_thread():
    """Models this small gain nothing by more."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def reader(line="sum(column, -column)", alphabet="abcd ", **config):
    torch.manual_seed(0)
    settings = {"patch": (8, 4), "dim": 16, "depth": 1, "positions": "none", **config}
    return TextReader(Backbone(line, BackboneConfig(**settings), input_size=(16, 40)), alphabet)


def lines(*widths):
    draw = torch.Generator().manual_seed(1)
    return [torch.rand(1, 16, width, generator=draw) for width in widths]


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"stem": "halving", "mixer": MixerConfig(convolution="path")},
        {"depth": (1, 1)},
        {"mixer": MixerConfig(kind="attention", head=8)},
        {"mixer": MixerConfig(kind="lstm")},
    ],
)
def test_a_line_is_read_alike_alone_and_among_others(config):
    model = reader(**config).eval()
    images = lines(40, 23, 61)
    together = model(images)
    for logits, image in zip(together, images, strict=True):
        assert logits.shape == (model.steps_of(image.shape[1:]), 6)
        torch.testing.assert_close(logits, model(image[None])[0], rtol=1e-4, atol=1e-4)
    assert model.read(images) == [model.read(image[None])[0] for image in images]


def test_the_loss_is_that_of_every_line_alone():
    model = reader().eval()
    images, texts = lines(40, 23), [model.numbers_of("abba"), model.numbers_of("d c")]
    single = [
        F.ctc_loss(
            model(image[None]).log_softmax(-1).movedim(1, 0),
            torch.tensor([text]),
            torch.tensor([model.steps_of(image.shape[1:])]),
            torch.tensor([len(text)]),
            blank=model.blank,
        )
        for image, text in zip(images, texts, strict=True)
    ]
    torch.testing.assert_close(model.loss(images, texts), torch.stack(single).mean(), rtol=1e-4, atol=1e-4)


def test_every_patch_of_a_column_has_weights_of_its_own():
    model = reader(mixer=MixerConfig(kind="none", convolution=None)).eval()
    image = lines(40)[0]
    turned = torch.cat([image[:, 8:], image[:, :8]], dim=1)
    assert not torch.allclose(model(image[None]), model(turned[None]), atol=1e-3)


def test_two_texts_are_learnt_by_heart():
    model = reader(dim=32)
    images, texts = lines(40, 28), ["abad", "cc b"]
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for _ in range(120):
        loss = model.loss(images, [model.numbers_of(text) for text in texts])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert model.eval().read(images) == texts == model.read(images, beam=4)


def test_a_reader_is_saved_with_its_alphabet(tmp_path):
    model = reader(alphabet="aſ꞉⸗ ").eval()
    save(model, tmp_path / "reader.safetensors")
    again = load(tmp_path / "reader.safetensors")
    assert isinstance(again, TextReader) and again.alphabet == model.alphabet
    torch.testing.assert_close(again(lines(40))[0], model(lines(40))[0])


def test_what_no_reader_fits_is_refused():
    model = reader()
    with pytest.raises(ScanlabError, match="S674"):
        model([torch.rand(1, 32, 40)])
    with pytest.raises(ScanlabError, match="a height of 16 pixels"):
        model.steps_of((32, 40))
    with pytest.raises(ScanlabError, match="S674"):
        model(torch.rand(1, 1, 24, 40))
    for alphabet in ("", "aba"):
        with pytest.raises(ScanlabError, match="S674"):
            reader(alphabet=alphabet)
    with pytest.raises(ScanlabError, match=r"S674.*3 axes"):
        TextReader(Backbone("by t, h, w", BackboneConfig(dim=8), input_size=(4, 8, 8)), "ab")


def test_texts_that_cannot_be_learnt_are_refused():
    model = reader()
    with pytest.raises(ScanlabError, match=r"S673.*3 steps"):
        model.loss(lines(12), [model.numbers_of("abba")])
    with pytest.raises(ScanlabError, match="S673"):
        model.loss(lines(40), [()])
    for number in (-1, len(model.alphabet)):
        with pytest.raises(ScanlabError, match=f"S671.*the text of image 0 has the number {number}"):
            model.loss(lines(40), [(0, number)])
    with pytest.raises(ScanlabError, match=r"S671.*'ſ' \(U\+017F\)"):
        model.numbers_of("aſ")


def test_a_page_is_read_in_the_order_of_its_path():
    torch.manual_seed(0)
    config = BackboneConfig(patch=4, dim=8, depth=1, positions="none")
    backbone = Backbone("by w // 2, h, w", config, input_size=(8, 16))
    model = TextReader(backbone, "ab", steps="path").eval()
    page = torch.rand(1, 8, 16)
    order = torch.tensor([0, 1, 4, 5, 2, 3, 6, 7])
    rows = backbone(page[None])[0]
    torch.testing.assert_close(model(page[None])[0], model.head(model.norm(rows))[order])
    torch.testing.assert_close(model([page])[0], model(page[None])[0])
    assert model.steps_of((8, 16)) == 8
    set_scan(model, "row")
    torch.testing.assert_close(model(page[None])[0], model.head(model.norm(backbone(page[None])[0])))
    with pytest.raises(ScanlabError, match=r"S674.*'rows'"):
        TextReader(backbone, "ab", steps="rows")
