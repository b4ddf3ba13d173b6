"""``scanlab cache``: the directory of generated path functions."""

from __future__ import annotations

from scanlab.cli.output import console, print_json
from scanlab.codegen.cache import LARGEST, clear, contents

__all__ = ["run"]


def run(remove: bool, as_json: bool) -> None:
    """Print what the cache holds, or what was removed from it. Raises S731 where the directory is not safe."""
    cache = clear() if remove else contents()
    if as_json:
        data = {"directory": str(cache.directory), "functions": cache.functions, "bytes": cache.size}
        print_json({**data, "removed": remove, "limit": LARGEST})
        return
    word = "removed" if remove else f"of at most {LARGEST // 2**20} MiB"
    size = f"{cache.size / 1024:.1f} KiB"
    out = console()
    out.print(f"{cache.directory}: {cache.functions} path functions, {size} {word}", soft_wrap=True)
