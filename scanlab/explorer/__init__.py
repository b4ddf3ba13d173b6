"""The explorer: write a scan order in a browser, see its path, its proof, its numbers and its kernels."""
