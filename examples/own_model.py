"""A plain nn.Module, a GRU over patches, ablated over orders: it takes the order by one call, `given.paths()`."""

import torch
from torch import Tensor, nn

import scanlab
from scanlab.study import ModelInputs


class PatchGru(nn.Module):
    """Images [B, C, H, W] -> logits [B, classes], reading the patches along the order."""

    def __init__(self, given: ModelInputs, width: int) -> None:
        super().__init__()
        side = given.extents[0] // given.grid[0]
        self.embed = nn.Conv2d(given.channels, width, side, side)
        self.paths = given.paths()
        self.gru = nn.GRU(width, width, batch_first=True)
        self.head = nn.Linear(width, given.classes)

    def forward(self, images: Tensor) -> Tensor:
        rows = self.embed(images).flatten(2).mT
        read = self.paths.along(rows)[:, 0]
        return self.head(self.gru(read)[0].mean(1))


def make(given: ModelInputs, width: int = 24) -> nn.Module:
    return PatchGru(given, width)


def main() -> None:
    torch.set_num_threads(1)  # the model is too small for more
    made = scanlab.ablate(
        ["row", "hilbert", "column"],
        model={"make": make, "patch": 2, "width": 24},
        seeds=3,
        limit=400,
        controls=["random_order_1"],
        recipe={"epochs": 3},
    )
    print(made)
    for row in made.table:
        print(f"{row['strategy']:24} {100 * row['mean']:6.2f} %  {row['parameters']:,} parameters")


if __name__ == "__main__":
    main()
