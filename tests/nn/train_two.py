"""One rank of a training under torchrun, or the same training in one process: prints the losses as JSON."""

from __future__ import annotations

import json
import os
import sys
import time

import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel

from scanlab.nn import Backbone, BackboneConfig, Classifier, MixerConfig

STEPS, BATCH = 5, 4


def main() -> None:
    """Train on a joint batch that the ranks share out evenly."""
    ranks = int(os.environ.get("WORLD_SIZE", "1"))
    rank = int(os.environ.get("RANK", "0"))
    torch.set_num_threads(1)
    torch.manual_seed(0)
    config = BackboneConfig(patch=4, dim=16, depth=2, mixer=MixerConfig(convolution="path", parameters="per_path"))
    model = Classifier(Backbone("gate(row, -row, hilbert)", config, input_size=(16, 16)), 3)
    if ranks > 1:
        dist.init_process_group("gloo")
        model = DistributedDataParallel(model)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    draw = torch.Generator().manual_seed(1)
    losses = []
    for _ in range(STEPS):
        images, labels = torch.rand(BATCH, 1, 16, 16, generator=draw), torch.randint(3, (BATCH,), generator=draw)
        mine = slice(rank * BATCH // ranks, (rank + 1) * BATCH // ranks)
        loss = torch.nn.functional.cross_entropy(model(images[mine]), labels[mine])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total = loss.detach() / ranks
        if ranks > 1:
            dist.all_reduce(total)
        losses.append(total.item())
    if rank == 0:
        sys.stdout.write(json.dumps(losses) + "\n")
    if ranks > 1:
        # Freed with the model, the group would wait for its threads, one of which may still want to free a tensor.
        time.sleep(0.2)
        dist.destroy_process_group()


main()
