"""What ``effectcam doctor`` looks at: small functions, one thing each, that return a `Finding`.

Each takes what it looks at (a version, a folder of the kernel's) as an argument, so that a test can
show it a machine that is not there.
"""

from effectcam.doctor.finding import Finding

__all__ = ["Finding"]
