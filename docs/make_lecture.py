"""Write what the lecture says of the committed study, and docs/lecture.html: python docs/make_lecture.py."""

from __future__ import annotations

import json
from pathlib import Path

from scanlab.explorer.static_site.lecture import lecture_page
from scanlab.explorer.static_site.lecture_study import STUDY, study_summary

DOCS = Path(__file__).parent
PAGE = DOCS / "lecture.html"
SUMMARY = DOCS.parent / "scanlab" / "explorer" / "static_site" / STUDY


def summary() -> str:
    """The study's file."""
    return (
        json.dumps(study_summary(DOCS.parent / "examples" / "studies" / "orders"), indent=1, ensure_ascii=False) + "\n"
    )


def lecture() -> str:
    """The page; beside it in the documentation is the guide."""
    return lecture_page("Guide", "guide/index.html")


def write() -> None:
    """Write both: the page holds what the study's file says."""
    for file, made in ((SUMMARY, summary), (PAGE, lecture)):
        file.write_text(made(), encoding="utf-8")
        print(f"wrote {file}")


if __name__ == "__main__":
    write()
