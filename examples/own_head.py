"""A head with its loss and its metric: digits as ordered numbers, judged by how far a guess is off."""

import torch
from torch import Tensor, nn

import scanlab
from scanlab.data import Dataset
from scanlab.data.target_kinds import CLASSES
from scanlab.nn import Backbone
from scanlab.study import Learning, Recipe, Task


class NumberHead(nn.Module):
    """Images [B, C, H, W] -> one number each [B], from the mean of the patches' features."""

    def __init__(self, backbone: Backbone) -> None:
        super().__init__()
        self.backbone = backbone
        self.number = nn.Linear(backbone.dim, 1)

    def forward(self, images: Tensor) -> Tensor:
        return self.number(self.backbone(images).mean(1))[:, 0]


def build(backbone: Backbone, dataset: Dataset) -> nn.Module:
    return NumberHead(backbone)


def loss(model: nn.Module, images: Tensor, targets: Tensor, recipe: Recipe) -> Tensor:
    return nn.functional.smooth_l1_loss(model(images), targets.float())


def guesses(model: nn.Module, images: Tensor, batch: int) -> Tensor:
    return torch.cat([model(some) for some in images.split(batch)])


def measure(model: nn.Module, images: Tensor, targets: Tensor, batch: int) -> dict[str, float]:
    off = (guesses(model, images, batch) - targets).abs()
    return {"mean_error": off.mean().item(), "within_one": (off < 1).double().mean().item()}


def predict(model: nn.Module, images: Tensor, targets: Tensor, batch: int) -> tuple[str, Tensor]:
    """What every sample gives to the metric, so that intervals can cover other samples too."""
    return "value", (guesses(model, images, batch) - targets).abs()


task = Task(
    name="digit_as_number",
    about="the digit as a number",
    learning=Learning(build, loss, measure, predict),
    targets=CLASSES,
    primary="mean_error",
    higher=False,
)


def main() -> None:
    made = scanlab.ablate(
        ["row", "hilbert"],
        task=task,
        model={"dim": 16},
        seeds=3,
        limit=400,
        controls=["A/A"],
        recipe={"epochs": 3},
    )
    print(made)


if __name__ == "__main__":
    main()
