"""The panel's token of this user, which stays from run to run."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
from pathlib import Path

from effectcam.folders import config_folder

_TOKEN = re.compile(r"[A-Za-z0-9_-]{16,200}")


def own_token(folder: Path | None = None) -> str:
    """Made at the first call and kept in ``folder`` (the user's settings for None), in a file that nobody
    else may read, so that an address in an OBS dock or a script goes on to work. Where none can be kept,
    one for this run. Deleting the file makes every address so far worthless."""
    path = (folder or config_folder()) / "panel-token"
    with contextlib.suppress(OSError, UnicodeDecodeError):
        kept = path.read_text(encoding="ascii").strip()
        if _TOKEN.fullmatch(kept):
            return kept
    token = secrets.token_urlsafe(24)
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(token + "\n")
    return token
