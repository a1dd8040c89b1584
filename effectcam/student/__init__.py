"""The network on the device: a picture in, a picture out.

`effectcam.student.litert` opens one with LiteRT, `effectcam.student.threads` finds out how many
threads it should have, `effectcam.student.model_file` says what a ``.tflite`` file holds without
running it. Importing this package loads no runtime.
"""

from effectcam.student.protocol import Student

__all__ = ["Student"]
