"""The values of the language: key expressions, orders, scans, plans, and how they print."""
