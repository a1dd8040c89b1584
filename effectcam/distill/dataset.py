"""The curated folder on disk: pictures, their landmarks, and an index that says what each is for.

dataset.toml      sources and their licences, limits, counts
index.jsonl       one line a picture that counts; written last: a folder without it is unfinished
refused.jsonl     one line a picture that does not, with the reason
pictures/         <key>.png (RGB) and <key>.npz (landmarks, and the thumbnail that people are told by)
measured.jsonl    what was measured so far, to go on from
DATA.md, *.png    the data card and its plots
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import io
import json
import os
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from effectcam.errors import SourceError
from effectcam.frame import Pixels

INDEX: Final = "index.jsonl"
ABOUT: Final = "dataset.toml"
REFUSED: Final = "refused.jsonl"
LOG: Final = "measured.jsonl"
PICTURES: Final = "pictures"

_AGAIN = "delete it if it is there, and run 'effectcam distill data' again"

Split = Literal["train", "held-out", "spare"]


@dataclass(frozen=True)
class Entry:
    """One line of the index."""

    name: str
    """Path below the source folder; ``…mp4#120`` for a clip's frame."""
    source: str
    """Which of the sources in ``dataset.toml``."""
    key: str
    """Of its files in ``pictures/``."""
    person: str
    """Name of the first picture of the same person."""
    split: Split
    """``held-out``: one picture of a person to measure on; ``spare``: the other pictures of that person,
    neither trained nor measured on."""
    weight: float
    """How often to show it, against 1 on average over what is trained on."""
    tone: str
    """One of `tones.TONES`."""
    angle: float
    """Individual typology angle, degrees."""
    monk: int
    """Band of the Monk scale, 1 to 10."""
    skin: tuple[int, int, int]
    """sRGB of the lit skin, after the light was corrected."""
    eye_distance: float
    yaw: float
    pitch: float
    roll: float


def is_dataset(folder: Path) -> bool:
    return (folder / INDEX).is_file() and (folder / ABOUT).is_file()


def is_unfinished(folder: Path) -> bool:
    """A curated folder whose making was interrupted before there was an index."""
    return (folder / LOG).is_file() and not is_dataset(folder)


def read_index(folder: Path) -> list[Entry]:
    """What counts in the curated ``folder``, in the order of names. Raises SourceError when it is damaged."""
    try:
        rows = [json.loads(line) for line in (folder / INDEX).read_text(encoding="utf-8").splitlines()]
        return [Entry(**(row | {"skin": tuple(row["skin"])})) for row in rows]
    except (ValueError, TypeError, KeyError) as error:
        raise SourceError(
            f"{folder / INDEX} is damaged ({error}); run 'effectcam distill data' on its sources again"
        ) from error


def refusals(folder: Path) -> list[str]:
    """The reason of each picture that was refused."""
    rows = (folder / REFUSED).read_text(encoding="utf-8").splitlines()
    return [str(json.loads(row)["reason"]) for row in rows]


def load_picture(folder: Path, key: str) -> tuple[Pixels, NDArray[np.float32]]:
    """(image RGB (H, W, 3), landmarks (478, 3) pixels). Raises SourceError when one is missing or damaged."""
    stored = cv2.imread(str(folder / PICTURES / f"{key}.png"), cv2.IMREAD_COLOR)
    if stored is None:
        raise SourceError(f"{folder / PICTURES / key}.png is missing or damaged; {_AGAIN}")
    image = np.asarray(cv2.cvtColor(stored, cv2.COLOR_BGR2RGB), np.uint8)
    return image, np.asarray(_load_array(folder, key, "landmarks"), np.float32)


def load_thumbnail(folder: Path, key: str) -> Pixels:
    return np.asarray(_load_array(folder, key, "thumbnail"), np.uint8)


def _load_array(folder: Path, key: str, name: str) -> NDArray[Any]:
    path = folder / PICTURES / f"{key}.npz"
    try:
        with open(path, "rb") as file, np.load(file) as arrays:
            return np.asarray(arrays[name])
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise SourceError(f"{path} is missing or damaged; {_AGAIN}") from error


def has_picture(folder: Path, key: str) -> bool:
    return all((folder / PICTURES / f"{key}.{kind}").is_file() for kind in ("png", "npz"))


def save_picture(
    folder: Path, key: str, image: Pixels, landmarks: NDArray[np.float32], thumbnail: Pixels
) -> None:
    """Lossless. Raises OSError when the disk is full; nothing half-written stays."""
    _, data = cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    arrays = io.BytesIO()
    np.savez(arrays, landmarks=landmarks.astype(np.float32), thumbnail=thumbnail)
    put(folder / PICTURES / f"{key}.npz", arrays.getvalue())
    put(folder / PICTURES / f"{key}.png", data.tobytes())


def key_of(name: str) -> str:
    """Short, the same every time, and safe as a file's name."""
    return hashlib.sha256(name.encode()).hexdigest()[:16]


def lines(rows: Iterable[Any]) -> bytes:
    """Dataclasses as JSON lines."""
    return "".join(json.dumps(dataclasses.asdict(row), ensure_ascii=False) + "\n" for row in rows).encode()


def put(path: Path, data: bytes) -> None:
    """Write ``data`` under a temporary name and move it into its place, over what was there."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(data)
        os.replace(part, path)
    except BaseException as error:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        if isinstance(error, OSError):
            # A full disk does not say by itself what could not be written.
            error.filename = str(path)
        raise
