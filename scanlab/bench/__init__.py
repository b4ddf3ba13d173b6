"""Measurements of this machine: the compiler, the kernels beside their peers, and what the hardware could do."""
