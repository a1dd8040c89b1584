"""``python -m effectcam``: the command line."""

import sys

from effectcam.cli import main

sys.exit(main())
