"""Mamba-2's state space dual over paths: one decay per head."""
