"""Mamba's selective scan over paths: one decay per channel and state."""
