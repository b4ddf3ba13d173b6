"""One model trained by several processes, as torchrun starts them."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from scanlab.ir.diagnostics import ScanlabError
from scanlab.study.checkpoint import Checkpoint, InMemory
from scanlab.study.train import ALONE, World

__all__ = ["common_checkpoint", "joined"]

_LET_GO_S = 0.2


@contextmanager
def joined(device: str) -> Iterator[tuple[World, str]]:
    """The processes that torchrun started together with this one, and this one's device; ALONE where there are none.

    device: "cpu", "cuda" for a GPU for every process, or "auto" for GPUs where there are enough on this machine.
    Processes talk through NCCL on GPUs, through Gloo on CPUs. Raises S608 where there is no GPU and one is wanted, and
    S664 where processes cannot be joined.
    """
    if not dist.is_torchelastic_launched():
        yield ALONE, "cpu" if device == "cpu" else _gpu(device, 0, 1)
        return
    local, here = int(os.environ["LOCAL_RANK"]), int(os.environ["LOCAL_WORLD_SIZE"])
    chosen = "cpu" if device == "cpu" else _gpu(device, local, here)
    if chosen != "cpu":
        torch.cuda.set_device(local)
    try:
        dist.init_process_group("gloo" if chosen == "cpu" else "nccl")
    except (RuntimeError, ValueError) as error:
        raise ScanlabError.at(
            "S664", f"the processes cannot be joined: {error}", help="see that torchrun runs on every machine"
        ) from error
    try:
        yield World(dist.get_rank(), dist.get_world_size(), _wrapped, _total), chosen
    finally:
        # A thread of Gloo may still hold a tensor of the last step, and needs Python's lock to free it. The caller's
        # model, freed with the group in it, would wait for that thread and hold the lock: the process would not end.
        time.sleep(_LET_GO_S)
        dist.destroy_process_group()


def common_checkpoint(path: Path, world: World) -> Checkpoint:
    """The checkpoint of rank 0 for every process: the file itself there, elsewhere a copy, as disks may differ."""
    if world.size == 1:
        return path
    content = [path.read_bytes() if world.rank == 0 and path.exists() else None]
    dist.broadcast_object_list(content)
    return path if world.rank == 0 else InMemory(content[0])


def _gpu(device: str, local: int, here: int) -> str:
    count = torch.cuda.device_count()
    if count >= here:
        return f"cuda:{local}"
    if device == "auto":
        return "cpu"
    if not count:
        raise ScanlabError.at("S608", "there is no GPU that torch can use", help="choose --device cpu")
    raise ScanlabError.at(
        "S664",
        f"{here} processes run on a machine with {count} GPU{'s' if count > 1 else ''}, and each needs its own",
        help=f"start torchrun with --nproc-per-node {count}, or choose --device cpu",
    )


def _wrapped(model: nn.Module) -> nn.Module:
    # Some heads read the features before the backbone's last norm, whose weights then get no gradient, in no step.
    return DistributedDataParallel(model, static_graph=True)


def _total(value: Tensor) -> Tensor:
    dist.all_reduce(value)
    return value
