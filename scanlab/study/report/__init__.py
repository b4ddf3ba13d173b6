"""A study's results as files: one HTML page that needs nothing else, and tables for other programs."""

from scanlab.renamed import renamed_names
from scanlab.study.report.page import PAGE, render, write_report

__all__ = ["PAGE", "render", "write_report"]

__getattr__ = renamed_names(__name__, {"write": "write_report"})
