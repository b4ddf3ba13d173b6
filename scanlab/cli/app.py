"""The commands and their options, in the order of the help; what they do is imported when they run."""

from scanlab.cli import (
    commands_bench,
    commands_export,
    commands_models,
    commands_orders,
    commands_predict,
    commands_studies,
)
from scanlab.cli.root import app

__all__ = [
    "app",
    "commands_bench",
    "commands_export",
    "commands_models",
    "commands_orders",
    "commands_predict",
    "commands_studies",
]
