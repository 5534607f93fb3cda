"""The ``weave`` command: ``python -m weave_py attach 10.2.1.4/24 web``."""

import sys

from weave_py import _native


def main() -> int:
    """Run the command with the words of this process, and return its exit code."""
    return _native.main(["weave", *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
