"""``python -m chatkeep`` is the same as the ``chatkeep`` command."""

import sys

from chatkeep.cli import main

if __name__ == "__main__":
    sys.exit(main())
