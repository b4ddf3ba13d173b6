"""The scan kernels for GPUs: Triton, with the states in registers and the path functions as compile-time arguments."""
