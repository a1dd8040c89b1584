"""A file that appears under its name only once it is complete."""

from __future__ import annotations

import contextlib
import errno
import glob
import os
import weakref
from collections.abc import Iterator
from pathlib import Path

from effectcam.errors import SinkError, UsageError

_LONGEST = 40
"""Characters of the name that are in the temporary one: the whole may be as long as the disk allows."""


class PartFile:
    """Reserves a hidden temporary name beside ``target``, to be written to and then put in place.

    A link is followed: what it points to is replaced, not the link. Raises `SinkError` at once if the
    folder is missing or cannot be written, `UsageError` if ``target`` is a folder, a device or a pipe.
    """

    def __init__(self, target: Path) -> None:
        self.target = target
        self._place = Path(os.path.realpath(target))
        self.path = self._place.with_name(f".{target.name[:_LONGEST]}.{os.getpid()}.{id(self):x}.part")
        try:
            if target.is_dir():
                raise SinkError(f"{target}: is a folder; give the name of a file in it")
            if target.exists() and not target.is_file():
                raise UsageError(f"{target}: is a device or a pipe, which cannot be replaced; name a file")
            # Not tempfile: its files are readable by the owner alone, and the mode would stay.
            os.close(os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        except (SinkError, UsageError):
            raise
        except OSError as error:
            raise SinkError(why_unwritable(target, error)) from None
        # Also when the program ends while a thread that hangs, or takes too long, still writes to it.
        weakref.finalize(self, _discard, self.path, os.getpid())

    def fill(self, data: bytes) -> None:
        """Write ``data`` as the whole file and put it in place. Raises `SinkError`; the temporary file
        is then gone and what was there before still is."""
        try:
            self.path.write_bytes(data)
        except OSError as error:
            self.discard()
            raise SinkError(why_unwritable(self.target, error)) from None
        except BaseException:
            self.discard()
            raise
        self.commit()

    def commit(self) -> None:
        """Put the complete file in its place, over whatever was there."""
        try:
            os.replace(self.path, self._place)
        except OSError as error:
            self.discard()
            raise SinkError(why_unwritable(self.target, error)) from None

    def discard(self) -> None:
        """Delete the temporary file; nothing happens if it is gone or was put in place."""
        _discard(self.path, os.getpid())


def _discard(path: Path, pid: int) -> None:
    # A fork has a copy of what refers to the file, and no business with it.
    if pid == os.getpid():
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


def clear_after(pid: int, target: Path) -> None:
    """Delete what the process ``pid``, which was killed, has left of ``target``."""
    place = Path(os.path.realpath(target))
    for left in place.parent.glob(f".{glob.escape(target.name[:_LONGEST])}.{pid}.*.part"):
        with contextlib.suppress(OSError):
            left.unlink()


@contextlib.contextmanager
def reserved(target: Path | None) -> Iterator[PartFile | None]:
    """A place for ``target``, tried before minutes of work are spent on what cannot be written; discarded
    where the block ends without filling it. None for None."""
    if target is None:
        yield None
        return
    part = PartFile(target)
    try:
        yield part
    finally:
        part.discard()


def why_unwritable(target: Path, error: OSError) -> str:
    """One line that says why a file could not be written, and the way out."""
    if error.errno in (errno.ENOTDIR, errno.EEXIST):
        return f"{target}: part of its path is a file and no folder; choose another folder"
    if error.errno == errno.ENOENT:
        return f"{target}: there is no folder {target.parent}; create it first"
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return (
            f"{target}: {target.parent} cannot be written ({os.strerror(error.errno)}); choose another folder"
        )
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"{target}: the disk is full; nothing was kept: free some space or choose another disk"
    if error.errno == errno.EFBIG:
        return (
            f"{target}: grew larger than this disk or user may hold; nothing was kept: write to another disk"
        )
    if error.errno == errno.ENAMETOOLONG:
        return f"{target}: the name is too long; choose a shorter one"
    return f"{target}: cannot be written ({error.strerror or error}); choose another folder or disk"
