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
