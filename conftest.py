"""What pytest leaves out (doctests of what cannot be imported here) and how many threads torch may have."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec

# Threads that spin while they wait for each other starve: beside other tests two took six times as long as
# one.
os.environ.setdefault("OMP_NUM_THREADS", "1")

collect_ignore_glob: list[str] = []

if find_spec("torch") is None or find_spec("skimage") is None:
    # The toolkit belongs to the distill extra.
    collect_ignore_glob.append("effectcam/distill/*")
if sys.platform == "win32":
    collect_ignore_glob.append("effectcam/source/v4l2.py")
