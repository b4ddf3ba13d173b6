"""The LSTM peer: it goes along the first path both ways, and its products are counted."""

import pytest
import torch

import scanlab
from scanlab.ir.diagnostics import ScanlabError
from scanlab.nn import Backbone, BackboneConfig, MixerConfig
from scanlab.nn.measure import flop_count


def mixer(line, expand=2.0, grid=(3, 4)):
    torch.manual_seed(0)
    config = BackboneConfig(patch=1, dim=6, depth=1, mixer=MixerConfig(kind="lstm", expand=expand))
    return Backbone(line, config, input_size=grid).blocks[0].mixer


@pytest.mark.parametrize("line", ["row", "by w, ~h", "sum(hilbert, row)"])
def test_it_reads_the_rows_in_the_order_of_the_first_path(line):
    made, rows = mixer(line), torch.randn(2, 12, 6)
    path = torch.tensor(scanlab.compile(scanlab.parse(line, "h w") if "by" in line else line, grid=(3, 4)).indices[0])
    read, _ = made.lstm(rows[:, path])
    expected = torch.empty_like(rows)
    expected[:, path] = made.project_out(read)
    torch.testing.assert_close(made(rows, (3, 4)), expected)


def test_a_path_that_leaves_patches_out_is_refused():
    made = mixer("scatter(skip[0,0], skip[0,1], skip[1,0], skip[1,1])")
    with pytest.raises(ScanlabError, match="S612"):
        made(torch.randn(1, 12, 6), (3, 4))


def test_an_inner_width_below_two_is_refused():
    with pytest.raises(ScanlabError, match="S612"):
        mixer("row", expand=0.2)


def test_its_products_are_counted():
    made = mixer("row")
    hidden, steps = made.lstm.hidden_size, 12
    products = 2 * steps * 4 * hidden * (6 + hidden)
    projection = 2 * steps * 2 * hidden * 6

    class Alone(torch.nn.Module):
        def forward(self, rows):
            return made(rows, (3, 4))

    assert flop_count(Alone(), torch.randn(1, 12, 6)) == 2 * products + projection
