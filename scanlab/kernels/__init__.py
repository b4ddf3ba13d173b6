"""The hand-written selective-scan kernels, installed as ``scanlab.kernels``."""
