"""The scan kernels for CPUs: Numba, with the channels in explicit vector lanes."""
