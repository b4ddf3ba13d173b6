"""The strategy library: ``.scan`` files, grouped by origin, installed as ``scanlab.strategies``."""
