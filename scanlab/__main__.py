"""``python -m scanlab``, and ``torchrun -m scanlab``."""

from scanlab.cli import main

if __name__ == "__main__":
    main()
