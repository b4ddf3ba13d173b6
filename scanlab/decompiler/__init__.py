"""From index arrays, and functions that make them, to lines of the language."""
