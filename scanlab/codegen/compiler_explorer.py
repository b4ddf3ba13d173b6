"""A link that opens a path function in Compiler Explorer (godbolt.org), made here: nothing is sent before it is opened.

The site opens a state that its address holds, https://godbolt.org/clientstate/ and base64 of a JSON, which may be
deflated (its docs/API.md, and lib/handlers/route-api.ts). Its Triton runs the script without a GPU: a launch compiles
the kernel and executes nothing (etc/scripts/triton_wrapper.py). The compiler's name is of its configuration of 2025
(etc/config/triton.amazon.properties); where the site has dropped it, it offers another in its list.
"""

from __future__ import annotations

import base64
import json
import zlib

import numpy as np

from scanlab.codegen.listing import function_listing, title
from scanlab.compiler.bind import CompiledScan
from scanlab.compiler.tracks import tracks
from scanlab.ir.diagnostics import ScanlabError

__all__ = ["ABOUT", "compiler_explorer_link", "script_of"]

ABOUT = "made here, and nothing is sent until you open it: then godbolt.org, a public site, gets this code"
LANGUAGE, COMPILER = "triton", "triton_nvidia_331"
# Servers commonly refuse addresses beyond 8 KB.
LONGEST_LINK = 8000
MOST_ENTRIES = 512

_SCRIPT = '''\
# {title}, by ScanLab

import torch
import triton
import triton.language as tl


{function}

@triton.jit
def rows_of_every_step(table, rows, length):
    """rows[sequence, step] = the row that a sequence visits at a step; one program for each."""
    step, sequence = tl.program_id(0), tl.program_id(1)
    row = {name}(table + sequence * length, sequence, step)
    tl.store(rows + sequence * length + step, row)


table = {table}
rows = torch.empty(({sequences}, {length}), dtype=torch.int32)
rows_of_every_step[({length}, {sequences})](table, rows, {length})
'''


def compiler_explorer_link(scan: CompiledScan) -> str:
    """The address that opens a scan's Triton function with a kernel that calls it. Raises S470 where it is too long."""
    session = {
        "id": 1,
        "language": LANGUAGE,
        "source": script_of(scan),
        "compilers": [{"id": COMPILER, "options": ""}],
    }
    state = json.dumps({"sessions": [session]}, separators=(",", ":")).encode()
    link = f"https://godbolt.org/clientstate/{base64.urlsafe_b64encode(zlib.compress(state, 9)).decode()}"
    if len(link) > LONGEST_LINK:
        raise ScanlabError.at(
            "S470",
            f"the link to {title(scan)} in Compiler Explorer has {len(link):,} characters; servers take about "
            f"{LONGEST_LINK:,}",
            help="choose fewer paths, or paste the code of --emit triton there",
        )
    return link


def script_of(scan: CompiledScan) -> str:
    """A script that runs alone: the path function, and a kernel that writes the rows of all sequences, int32 [K, S].

    Its table is the scan's where a path looks its rows up and the table is small, else one of zeros, which nothing
    reads while the kernel is only compiled.
    """
    listing = function_listing(scan, "triton")
    sequences = [track.rows for track in tracks(scan)]
    length = max(map(len, sequences))
    return _SCRIPT.format(
        title=title(scan).replace("\n", " "),
        function=_without_imports(listing.text),
        name=listing.name,
        sequences=len(sequences),
        length=length,
        table=_table(sequences, length, is_read="table" in listing.program.forms),
    )


def _without_imports(text: str) -> str:
    lines = text.split("\n")
    return "\n".join(line for line in lines if not line.startswith("import ")).strip("\n") + "\n"


def _table(sequences: list[np.ndarray], length: int, is_read: bool) -> str:
    if not is_read or len(sequences) * length > MOST_ENTRIES:
        why = "the table is too long to stand here" if is_read else "no path reads the table"
        return f"torch.zeros(({len(sequences)}, {length}), dtype=torch.int32)  # {why}"
    # Shorter sequences are filled up: nothing asks for steps beyond their ends.
    rows = [[*row.tolist(), *[0] * (length - len(row))] for row in sequences]
    return f"torch.tensor({rows}, dtype=torch.int32)"
