"""Fresh interpreters without the seconds that they take to load torch: one process has loaded what the package needs,
and nothing of the package itself, and a copy of it runs each text."""

from __future__ import annotations

import atexit
import gc
import json
import os
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import IO, Any

__all__ = ["run"]


def run(code: str, *words: str, cwd: Path, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """As `python -c CODE WORDS` gives it, in a folder and with an environment; the text may import what it likes.

    What is read at the start of Python (PYTHONPATH excepted) or when torch, Triton and Numba are imported is as in this
    process.
    """
    server = _server()
    assert server.stdin is not None and server.stdout is not None
    with tempfile.TemporaryDirectory() as folder:
        asked = {"code": code, "argv": ["-c", *words], "cwd": str(cwd), "env": dict(env), "out": folder}
        print(json.dumps(asked), file=server.stdin, flush=True)
        status = int(server.stdout.readline())
        said = [(Path(folder) / name).read_text(encoding="utf-8") for name in ("stdout", "stderr")]
    return subprocess.CompletedProcess(asked["argv"], status, *said)


@cache
def _server() -> subprocess.Popen[str]:
    """One for all tests of this process; it ends when its input does."""
    server = subprocess.Popen(
        [sys.executable, "-X", "utf8", __file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    atexit.register(_end, server)
    return server


def _end(server: subprocess.Popen[str]) -> None:
    assert server.stdin is not None
    server.stdin.close()
    server.wait()


def _serve(asked: IO[str], answers: IO[str]) -> None:
    # Loaded, and nothing of them run: threads would not be there in a copy.
    import lark  # noqa: F401
    import networkx  # noqa: F401
    import numba  # noqa: F401
    import scipy.stats  # noqa: F401
    import torch._dynamo  # noqa: F401
    import triton.language  # noqa: F401

    inherited = {str(Path(__file__).parent), *_folders(os.environ)}
    sys.path[:] = [folder for folder in sys.path if folder not in inherited]
    # A copy that looked through all that is loaded for rubbish, as it goes on or ends, would take longer than loading.
    gc.collect()
    gc.freeze()
    for line in asked:
        process = os.fork()
        if process == 0:
            os._exit(_status(json.loads(line)))
        status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
        print(status, file=answers, flush=True)


def _folders(environment: Mapping[str, str]) -> list[str]:
    return [folder for folder in environment.get("PYTHONPATH", "").split(os.pathsep) if folder]


def _status(asked: dict[str, Any]) -> int:
    """Run what is asked for, to its end and what is to be done there, and say how it ended."""
    status = 1
    try:
        _become(**asked)
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
    for thread in threading.enumerate():
        if thread is not threading.main_thread() and not thread.daemon:
            thread.join()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    return status


def _become(code: str, argv: list[str], cwd: str, env: dict[str, str], out: str) -> None:
    """Run a text as the main module of a new interpreter does, which ends thereafter."""
    for name, descriptor in (("stdout", 1), ("stderr", 2)):
        os.dup2(os.open(f"{out}/{name}", os.O_WRONLY | os.O_CREAT), descriptor)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    sys.path[:] = ["", *_folders(env), *sys.path]
    sys.argv = argv
    sys.modules["__main__"] = main = ModuleType("__main__")
    main.__dict__["__builtins__"] = __builtins__
    exec(compile(code, "<string>", "exec"), main.__dict__)


if __name__ == "__main__":
    _serve(sys.stdin, sys.stdout)
