"""What docs/studies.md says of seeds trained together is what is on record, and worth the option."""

import json
import runpy
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_table_is_that_of_the_record():
    page = (ROOT / "docs/studies.md").read_text(encoding="utf-8")
    assert runpy.run_path(str(ROOT / "docs/make_together.py"))["filled"](page) == page, "python docs/make_together.py"


def test_the_record_keeps_what_the_option_was_kept_for():
    record = json.loads((ROOT / "benchmarks/results/seeds-together-2core-cpu.json").read_text(encoding="utf-8"))
    assert [row["seeds"] for row in record["figures"]] == [3, 5, 10]
    for row in record["figures"]:
        assert row["times as fast"] >= 1.5 and row["losses of the first epoch apart, at most"] <= 1e-5
