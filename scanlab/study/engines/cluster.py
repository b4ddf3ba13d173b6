"""Being connected to a Ray cluster: one that runs already, or one that is started for the while."""

from __future__ import annotations

import importlib
import logging
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from scanlab.ir.diagnostics import ScanlabError

__all__ = ["connected", "unusable"]

KNOCK_S, ANSWER_S = 10.0, 90.0
_QUIET = {"log_to_driver": False, "logging_level": logging.CRITICAL}
# Where nothing answers, Ray tries for a quarter of an hour, and no option makes it give up: let another process try.
_TRY = "import logging, sys, ray; ray.init(sys.argv[1], log_to_driver=False, logging_level=logging.CRITICAL)"


@contextmanager
def connected(address: str | None, workers: int) -> Iterator[Any]:
    """The ray module, connected to the cluster at an address, or to one started here with room for so many workers.

    address: as in HOST:PORT of the head node, or "auto" for the cluster that this machine is part of; it is left
    running. What is started here ends afterwards, shows no dashboard and reports to nobody. A process that is connected
    already stays so, whatever the address. Raises S660 without Ray and S661 where nothing usable answers.
    """
    ray = _ray()
    if ray.is_initialized():
        yield ray
        return
    if address:
        _check(address)
    with _silence():
        try:
            _join(ray, address, workers)
            yield ray
        finally:
            ray.shutdown()


def unusable(problem: str, help: str) -> ScanlabError:
    """The error of a cluster on which a study cannot run."""
    return ScanlabError.at("S661", problem, help=f"{help}; what is finished is kept")


def _join(ray: Any, address: str | None, workers: int) -> None:
    try:
        if address:
            ray.init(address=address, **_QUIET)
        else:
            ray.init(address="local", num_cpus=workers, include_dashboard=False, **_QUIET)
    except Exception as error:  # Ray raises whatever it meets, bare exceptions among them.
        where = f"the Ray cluster at {address}" if address else "a Ray cluster on this machine"
        help = "see that it runs the same Ray and Python" if address else "see that the machine is not too busy"
        raise unusable(f"{where} cannot be used: {error}", help) from error


def _ray() -> Any:
    try:
        return importlib.import_module("ray")
    except ImportError as error:
        raise ScanlabError.at(
            "S660", "the engine needs Ray, which is not installed", help='pip install "scanlab[cluster]"'
        ) from error


def _check(address: str) -> None:
    """Raise S661 unless a cluster answers, in bounded time."""
    if "://" in address:
        raise unusable(
            f"{address} is the address of a Ray client, through which no epoch can be reported as it ends",
            "start `ray start --address HOST:6379` on this machine, and give --address auto",
        )
    host, _, port = address.rpartition(":")
    start = "start one with `ray start --head`, and give its HOST:PORT"
    if address != "auto":
        if not host or not (port.isascii() and port.isdecimal()):
            raise unusable(f"{address!r} is no address of a Ray cluster", "give HOST:PORT, such as 10.0.0.1:6379")
        try:
            socket.create_connection((host.strip("[]"), int(port)), KNOCK_S).close()
        except (OSError, OverflowError) as error:
            raise unusable(f"no Ray cluster answers at {address}: {error}", start) from error
    try:
        tried = subprocess.run(
            [sys.executable, "-c", _TRY, address], capture_output=True, text=True, timeout=ANSWER_S, check=False
        )
    except subprocess.TimeoutExpired:
        raise unusable(f"what answers at {address} is no Ray cluster", start) from None
    if tried.returncode:
        said = tried.stderr.strip().rpartition("\n")[2]
        raise unusable(f"the Ray cluster at {address} cannot be used: {said}", start)


@contextmanager
def _silence() -> Iterator[None]:
    """No reports of use over the network, and no messages of Ray's between the study's own."""
    names = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(names)
    # Ray prints to stdout what it thinks of dead workers, whatever log_to_driver says; this is its only switch.
    worker = importlib.import_module("ray._private.worker")
    printed = getattr(worker, "_worker_logs_enabled", True)
    setattr(worker, "_worker_logs_enabled", False)  # noqa: B010 - not in Ray's types
    try:
        yield
    finally:
        setattr(worker, "_worker_logs_enabled", printed)  # noqa: B010
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
