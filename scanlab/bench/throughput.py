"""Images per second of published models at 224x224, in inference and in training."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median
from time import perf_counter
from typing import Any

import torch
import torch.nn.functional as F

from scanlab.ir.diagnostics import ScanlabError
from scanlab.zoo import create_model

__all__ = ["PUBLISHED", "Throughput", "run_pass", "throughput"]

# VMamba, assets/performance.md: ImageNet at 224 on an A100 with batch 128; Vim publishes no figures at 224.
PUBLISHED = {("vmamba_tiny_s1l8", False): 1686.0, ("vmamba_tiny_s1l8", True): 571.0}
NAMES = ("vim_tiny", "vmamba_tiny_s1l8")
SIDE = 224


@dataclass(frozen=True)
class Throughput:
    """Images per second, the median of several passes; published: on an A100, None where no figure is known."""

    name: str
    training: bool
    batch: int
    how: str
    images_per_second: float
    published: float | None


def throughput(device: str = "cpu", batch: int = 8, passes: int = 5) -> Iterator[Throughput]:
    """Each model without and with a training step. On a GPU in bfloat16 under torch.compile, on a CPU in float32.

    Raises S753 without a GPU.
    """
    if device != "cpu" and not torch.cuda.is_available():
        raise ScanlabError.at("S753", f"there is no GPU for --device {device}", help="leave the option out")
    for name in NAMES:
        model = create_model(name).to(device)
        run = torch.compile(model, fullgraph=True) if device != "cpu" else model
        images = torch.rand(batch, 3, SIDE, SIDE, device=device)
        labels = torch.randint(1000, (batch,), device=device)
        for training in (False, True):
            model.train(training)
            rates = [batch / _seconds(run, images, labels, training, device) for _ in range(passes + 2)][2:]
            how = "float32" if device == "cpu" else "bfloat16, compiled"
            yield Throughput(name, training, batch, how, median(rates), PUBLISHED.get((name, training)))


def run_pass(model: Any, images: torch.Tensor, labels: torch.Tensor, training: bool, bfloat16: bool) -> None:
    """A forward pass, or a training step without its optimizer; under autocast to bfloat16, or as the weights are."""
    with torch.set_grad_enabled(training), torch.autocast(images.device.type, torch.bfloat16, enabled=bfloat16):
        loss = F.cross_entropy(model(images).float(), labels)
    if training:
        loss.backward()
        model.zero_grad()


def _seconds(model: Any, images: torch.Tensor, labels: torch.Tensor, training: bool, device: str) -> float:
    """Of one pass."""
    start = perf_counter()
    run_pass(model, images, labels, training, bfloat16=device != "cpu")
    if device != "cpu":
        torch.cuda.synchronize()
    return perf_counter() - start
