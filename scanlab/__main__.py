"""``python -m scanlab``, and ``torchrun -m scanlab``."""

from scanlab.cli import process

if __name__ == "__main__":
    process()
