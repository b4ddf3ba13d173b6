"""The strategy library: ``.scan`` files, grouped by origin."""
