"""The effect package: a student with its crop, mask and provenance, in one folder or zip.

`effectcam.effect.package` reads one, `effectcam.effect.catalogue` finds and installs them,
`effectcam.effect.writer` makes them.
"""

from effectcam.effect.package import Effect, load_effect

__all__ = ["Effect", "load_effect"]
