"""The hand-written kernels: `cpu` in Numba, `gpu` in Triton."""
