"""The network on the device: a picture in, a picture out.

`effectcam.student.litert` opens one with LiteRT on the CPU, `effectcam.student.threads` finds out how
many threads it should have, `effectcam.student.choice` opens it on the CPU, a GPU or an NPU,
`effectcam.student.model_file` says what a ``.tflite`` file holds without running it. Importing this
package loads no runtime.
"""

from effectcam.student.protocol import Student

__all__ = ["Student"]
