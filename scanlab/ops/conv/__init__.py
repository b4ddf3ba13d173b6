"""The causal convolution along paths that stands before the scan in Mamba's block."""
