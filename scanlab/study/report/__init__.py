"""A study's results as files: one HTML page that needs nothing else, and tables for other programs."""

from scanlab.study.report.page import PAGE, render, write

__all__ = ["PAGE", "render", "write"]
