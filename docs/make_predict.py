"""Fill the tables of docs/predict.md from the recorded results: python docs/make_predict.py."""

from __future__ import annotations

import json
import re
from functools import partial
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PAGE, RESULTS = HERE / "predict.md", HERE / "../benchmarks/results"


def _record(name: str) -> dict[str, Any]:
    return json.loads((RESULTS / f"{name}-2core-cpu.json").read_text(encoding="utf-8"))


def large() -> str:
    """Memory of one pass, and of the model called as it is."""
    data = _record("large-pictures")
    lines = ["| scan, head | read | grew by | resident at most |", "|---|---|---:|---:|"]
    for figure in data["figures"]:
        how = "the model as it is" if figure["how"] == "whole" else "one pass, row after row"
        if figure["how"] != "whole" and not figure["rows at a time"]:
            how = "one pass, some channels at a time"
        growth, resident = figure["growth_bytes"] / 1e6, figure["resident_bytes"] / 1e6
        lines.append(f"| `{figure['strategy']}`, {figure['head']} | {how} | {growth:,.0f} MB | {resident:,.0f} MB |")
    side, parameters = data["side"], data["figures"][0]["parameters"]
    lines.append("")
    lines.append(
        f"Pictures of {side}×{side} in patches of {data['patch']}, {(side // data['patch']) ** 2:,} tokens; a model of "
        f"{parameters:,} parameters, float32. Growth is that of the process within the call; resident is all that it "
        f"ever took, Python, torch and the picture in bytes included. `{data['command']}`; {data['device']}."
    )
    return "\n".join(lines)


def stream() -> str:
    """The last thousand frames beside the first of the same run."""
    data = _record("streams")
    lines = ["| model | frames | time per frame, last 1,000 to first | memory, last to first |", "|---|---:|---:|---:|"]
    for name, parts in data["figures"].items():
        first, last = parts[0], parts[-1]
        ratio = last["milliseconds"] / first["milliseconds"]
        more = (last["resident"] - first["resident"]) / 1e6
        lines.append(
            f"| {name} | {last['frames']:,} | {last['milliseconds']} to {first['milliseconds']} ms ({ratio:.2f}×) | "
            f"{more:+.1f} MB of {first['resident'] / 1e6:.0f} |"
        )
    lines.append("")
    lines.append(
        "Medians of the first and the last thousand frames of one run on one thread, beside other work on the machine: "
        f"only their ratio counts. `{data['command']}`; {data['device']}."
    )
    return "\n".join(lines)


def next_frame() -> str:
    """Errors of the next frame, beside those of repeating the last one."""
    data = _record("next-frame")
    lines = ["| video | training clips | epochs | error | of repeating the last frame |", "|---|---:|---:|---:|---:|"]
    for figure in data["figures"]:
        lines.append(
            f"| {figure['video']} | {figure['training clips']:,} | {figure['epochs']} | {figure['mae']:.4f} | "
            f"{figure['mae_of_repeating']:.4f} |"
        )
    better = [f["video"] for f in data["figures"] if f["mae"] < f["mae_of_repeating"]]
    worse = [f["video"] for f in data["figures"] if f["mae"] >= f["mae_of_repeating"]]
    lines.append("")
    lines.append(f"Better than repeating: {', '.join(better) or 'none'}. Not better: {', '.join(worse) or 'none'}.")
    lines.append(
        "Mean absolute errors of pixels in [0, 1] on test clips, one seed of a model of "
        f"{data['figures'][0]['parameters']:,} parameters, trained for minutes on one thread: that the road works, "
        f"not how well such videos can be predicted. `{data['command']}`; {data['device']}."
    )
    return "\n".join(lines)


def printed(about: str) -> str:
    """What the command printed of lines of text, or of boxes, word by word."""
    runs = [run for run in _record("predicted-heads")["figures"] if run["about"] == about]
    blocks = [f"$ {run['command']}\n{run['printed'].rstrip()}" for run in runs]
    return "\n".join(["```", "\n\n".join(blocks), "```"])


def heads() -> str:
    """Where the outputs come from."""
    data = _record("predicted-heads")
    parts = {model["model"]: model for model in data["models"]}
    seconds = [f"{parts[name]['processor seconds']:.0f}" for name in ("reader", "cells")]
    lines, pictures = (f"{parts[m][n]:,}" for m, n in (("reader", "training lines"), ("cells", "training pictures")))
    return (
        f"These are real output of `{data['command']}`: a reader of {lines} lines of handwritten digits, called after "
        f"what stands on them, and a detector of {pictures} drawn pictures, trained for {' and '.join(seconds)} "
        "seconds of a processor, on pictures that they were not trained on. The data are small, and made: they show "
        "what answers look like, not how well real text or real cells are read."
    )


TABLES = {
    "large": large,
    "next frame": next_frame,
    "stream": stream,
    "lines": partial(printed, "lines"),
    "boxes": partial(printed, "boxes"),
    "tiles": partial(printed, "tiles"),
    "heads": heads,
}


def filled(page: str) -> str:
    """The page with its tables as the records have them."""
    for name, table in TABLES.items():
        pattern = rf"(<!-- begin {name} -->\n).*?(<!-- end {name} -->)"
        page = re.sub(pattern, lambda m, table=table: f"{m[1]}{table()}\n{m[2]}", page, flags=re.S)
    return page


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
