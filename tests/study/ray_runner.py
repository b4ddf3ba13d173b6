"""A runner on a Ray cluster that tells of its workers, for a test that kills it: FOLDER EPOCHS ADDRESS."""

from __future__ import annotations

import sys
from pathlib import Path

from small import small_study

from scanlab.study import runner
from scanlab.study.engines.ray import RayEngine


def print_update(update: runner.StudyProgress) -> None:
    """One line per event: its kind and, of a worker that starts, its process."""
    where = getattr(update.event, "where", "0")
    sys.stdout.write(f"{type(update.event).__name__} {where.rpartition(' ')[2]}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    folder, epochs, address = sys.argv[1:]
    runner.run_study(small_study(epochs=int(epochs)), Path(folder), engine=RayEngine(address, 2), listener=print_update)
