"""Orders caught on their way through a torch module."""

import numpy as np
import pytest
import torch
from torch import nn

import scanlab
from scanlab.ir.diagnostics import ScanlabError

SNAKE = torch.from_numpy(scanlab.compile("snake", (6, 8)).indices[0].copy())
COLUMN = torch.from_numpy(scanlab.compile("column", (6, 8)).indices[0].copy())


class Reader(nn.Module):
    """Reads patches through an index, runs over them, and puts them back."""

    def __init__(self, how: str, *orders: torch.Tensor) -> None:
        super().__init__()
        self.mix, self.how, self.orders = nn.Linear(5, 5), how, orders

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x, total = self.mix(x), torch.zeros_like(x)
        for order in self.orders:
            back = torch.argsort(order)
            match self.how:
                case "index":
                    total = total + x[:, order].cumsum(1)[:, back]
                case "gather":
                    wide = order[None, :, None].expand_as(x)
                    total = total + torch.gather(x, 1, wide).cumsum(1).gather(1, back[None, :, None].expand_as(x))
                case "select":
                    total = total + x.index_select(1, order).cumsum(1).index_select(1, back)
        return total


class OfImages(nn.Module):
    """A convolution makes patches, which are then read in an order."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 1)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return self.stem(image).flatten(2)[:, :, SNAKE].cumsum(-1)


@pytest.mark.parametrize("how", ["index", "gather", "select"])
def test_an_index_is_caught_and_its_inverse_left_out(how):
    answer = scanlab.decompile(Reader(how, SNAKE), (6, 8))
    assert answer.source == "by h, ~w" and len(answer.paths) == 1


def test_two_paths_and_images():
    answer = scanlab.decompile(Reader("index", SNAKE, COLUMN), (6, 8))
    assert answer.source == "sum((by h, ~w), (by w, h))"
    module = OfImages().train()
    assert scanlab.decompile(module, (6, 8)).source == "by h, ~w" and module.training


def test_a_module_without_an_order_is_refused():
    with pytest.raises(ScanlabError) as error:
        scanlab.decompile(nn.Sequential(nn.Linear(5, 5)), (6, 8))
    assert error.value.code == "S432" and "no order was caught" in str(error.value)
    assert not np.array_equal(SNAKE, COLUMN)


class ChannelsLast(nn.Module):
    """Reads images [B, H, W, C] along a snake of their own extents."""

    def __init__(self, how: str, channels: int = 0) -> None:
        super().__init__()
        self.mix = nn.Linear(channels, channels) if channels else nn.Identity()
        self.norm, self.how = nn.BatchNorm1d(3), how
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        images = self.mix(images)
        self.calls += 1
        batch, height, width, channels = images.shape
        steps = np.arange(height * width).reshape(height, width).copy()
        steps[1::2] = steps[1::2, ::-1]
        flat, index = images.reshape(batch, height * width, channels), torch.from_numpy(steps.ravel().copy())
        match self.how:
            case "index":
                return flat[:, index]
            case "array":
                return flat[:, steps.ravel()]
            case "list":
                return flat[:, steps.ravel().tolist()]
            case "embedding":
                return nn.functional.embedding(index, flat[0])
        return torch.zeros_like(flat).scatter_(1, index[None, :, None].expand_as(flat), flat)


@pytest.mark.parametrize("how, channels", [("index", 0), ("index", 4), ("array", 0), ("list", 3), ("embedding", 0)])
def test_channels_may_come_last(how, channels):
    answer = scanlab.decompile(ChannelsLast(how, channels))
    assert (answer.source, answer.verdict) == ("by h, ~w", "line") and (9, 16) in answer.tested


def test_what_is_read_two_ways_is_no_order_of_that_grid():
    """Four channels and four columns: [1, 4, 8, 4] is an image with channels first, or one with them last."""
    with pytest.raises(ScanlabError) as error:
        scanlab.decompile(ChannelsLast("index", 4), (8, 4))
    assert "with 4 channels it reads images with channels first and last" in str(error.value)


def test_what_is_written_through_an_index_is_said_not_to_be_seen():
    with pytest.raises(ScanlabError) as error:
        scanlab.decompile(ChannelsLast("scatter"), (6, 8))
    assert error.value.code == "S432" and "no index of 48 patches is seen in what it reads" in str(error.value)


def test_a_module_stays_what_it_was():
    module = ChannelsLast("index").train()
    module.norm.eval()
    scanlab.decompile(module, (6, 8))
    assert module.training and not module.norm.training and module.mix.training and not module.calls
