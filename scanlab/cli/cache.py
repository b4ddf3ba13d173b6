"""``scanlab cache``: the directory of generated path functions."""

from __future__ import annotations

from scanlab.cli.output import console, print_json
from scanlab.codegen.cache import LARGEST, clear, contents

__all__ = ["run"]


def run(remove: bool, as_json: bool) -> None:
    """Print what the cache holds, or what was removed from it. Raises S731 where the directory is not safe."""
    found = clear() if remove else contents()
    if as_json:
        data = {"directory": str(found.directory), "functions": found.functions, "bytes": found.size}
        print_json({**data, "removed": remove, "limit": LARGEST})
        return
    word = "removed" if remove else f"of at most {LARGEST // 2**20} MiB"
    size = f"{found.size / 1024:.1f} KiB"
    out = console()
    out.print(f"{found.directory}: {found.functions} path functions, {size} {word}", soft_wrap=True)
