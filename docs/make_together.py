"""Fill the table of seeds trained together in docs/studies.md from its record: python docs/make_together.py."""

from __future__ import annotations

import json
import re
from pathlib import Path

HERE = Path(__file__).parent
PAGE, RECORD = HERE / "studies.md", HERE / "../benchmarks/results/seeds-together-2core-cpu.json"


def table() -> str:
    """Seconds alone and together, and how many times as fast."""
    record = json.loads(RECORD.read_text(encoding="utf-8"))
    lines = ["| seeds | alone | together | times as fast |", "|---:|---:|---:|---:|"]
    for row in record["figures"]:
        spread = f"{row['times as fast']} ({row['least']} to {row['most']})"
        lines.append(f"| {row['seeds']} | {row['alone, s']} s | {row['together, s']} s | {spread} |")
    pairs = record["figures"][0]["pairs"]
    apart = max(row["losses of the first epoch apart, at most"] for row in record["figures"])
    lines.append("")
    lines.append(
        f"Whole trials of `examples/order_matters.toml` of fewer epochs on one thread, as each worker trains them: "
        f"medians of {pairs} pairs of processor times, in turns beside other work. Losses of the first epoch differ "
        f"by at most {apart:.0e}. `{record['command']}`; {record['environment']['device']}."
    )
    return "\n".join(lines)


def filled(text: str) -> str:
    """The page with the table of the record."""
    begin, end = "<!-- begin together -->", "<!-- end together -->"
    return re.sub(f"{begin}.*?{end}", lambda _: f"{begin}\n{table()}\n{end}", text, flags=re.DOTALL)


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
