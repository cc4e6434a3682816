"""`python -m poseloom` is `poseloom`."""

import sys

from .cli import main

if __name__ == "__main__":  # workers of the backend import this file again
    sys.exit(main())
