"""Regions of a face as points of the mesh, for what is painted on it.

Those of one side name the picture's left; :func:`effectcam.distill.teachers.head.brush.both` mirrors a mark.
"""

ORBIT = [46, 53, 52, 65, 55, 193, 245, 128, 121, 120, 119, 118, 117, 111, 35, 124]
"""From the brow to the cheekbone, round the eye."""
CHEEK = [137, 123, 187, 207, 216, 212, 214, 192, 213, 177]
"""The hollow under the cheekbone."""
CHEEKBONE = [227, 116, 117, 118, 101, 50, 123]
TEMPLE = [54, 71, 139, 34, 127, 162, 21]
NASOLABIAL = [48, 203, 206, 216, 212, 202]
"""The fold from the nostril to the mouth's corner, a path."""
BROW = [70, 63, 105, 66, 107, 55, 65, 52, 53, 46]
