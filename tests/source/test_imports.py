from __future__ import annotations

import subprocess
import sys


def test_importing_the_packages_loads_nothing_heavy() -> None:
    program = (
        "import sys, effectcam.source, effectcam.sink\n"
        "print(sorted({'av', 'cv2', 'mediapipe', 'pyvirtualcam', 'torch'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_public_name_loads() -> None:
    import effectcam.sink
    import effectcam.source

    for package in (effectcam.sink, effectcam.source):
        for name in package.__all__:
            assert getattr(package, name).__name__ == name
