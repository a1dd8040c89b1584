"""What pytest leaves out: doctests of modules that this installation or system cannot import."""

from __future__ import annotations

import sys
from importlib.util import find_spec

collect_ignore_glob: list[str] = []

if find_spec("torch") is None or find_spec("skimage") is None:
    # The toolkit belongs to the distill extra.
    collect_ignore_glob.append("effectcam/distill/*")
if sys.platform == "win32":
    collect_ignore_glob.append("effectcam/source/v4l2.py")
