"""The files that a teacher's drawings hang on: who changes one of them gets new drawings."""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from effectcam.distill import teachers


def teacher_digest(module: Path | None, arguments: Mapping[str, Any]) -> bytes:
    """Of all that `teacher_files` names. ``module`` is the teacher's own file; None: it has none to read."""
    files = teacher_files(module, arguments)
    read = b"".join(hashlib.sha256(file.read_bytes()).digest() for file in files)
    # A bare word is the name of a look rather than a folder's, even where one is called so.
    paths = {key: value for key, value in arguments.items() if "/" in str(value) or os.sep in str(value)}
    return read + b"".join(_listed(path) for path in _named(paths) if _is(path, Path.is_dir))


def _listed(folder: Path) -> bytes:
    """Of a pipeline's folder, which holds gigabytes: what lies in it, how large and of when."""
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    facts = [(str(f.relative_to(folder)), f.stat().st_size, f.stat().st_mtime_ns) for f in files]
    return hashlib.sha256(repr(facts).encode()).digest()


def _named(arguments: Mapping[str, Any]) -> list[Path]:
    return sorted(Path(os.path.expanduser(value)) for value in arguments.values() if isinstance(value, str))


def module_file(name: str, folders: Sequence[Path]) -> Path | None:
    """Where the module ``name`` lies: in one of ``folders``, or installed; None: nowhere."""
    for folder in folders:
        place = folder.joinpath(*name.split("."))
        for file in (place.with_suffix(".py"), place / "__init__.py"):
            if file.is_file():
                return file
    try:
        spec = importlib.util.find_spec(name)
    except ImportError:
        return None
    return Path(spec.origin) if spec and spec.origin and spec.has_location else None


def teacher_files(module: Path | None, arguments: Mapping[str, Any]) -> list[Path]:
    """The teacher's module, what it imports from beside it, and files that ``arguments`` name, such as a
    painting. All of effectcam's own teachers count as one, since they share most of what they are made of."""
    home = Path(teachers.__file__).parent
    files = set[Path]()
    if module is not None and home in module.parents:
        files = {path for path in home.rglob("*") if path.suffix in (".py", ".npz")}
    elif module is not None:
        files = _imported(module.absolute())
    return [*sorted(files), *(path for path in _named(arguments) if _is(path, Path.is_file))]


def _is(path: Path, kind: Callable[[Path], bool]) -> bool:
    try:
        return kind(path)
    except (OSError, ValueError):
        # A prompt, say: too long for a name, or with a character that none may have.
        return False


def _imported(module: Path) -> set[Path]:
    root = module.parent
    while (root / "__init__.py").is_file():
        root = root.parent
    found, waiting = set[Path](), [module]
    while waiting:
        file = waiting.pop()
        if file not in found:
            found.add(file)
            waiting += [path for name in _names(file, root) for path in _candidates(root, name)]
    return found


def _names(file: Path, root: Path) -> Iterator[str]:
    """What ``file`` imports, as names from ``root``; of ``from a import b`` both a and a.b."""
    try:
        tree = ast.parse(file.read_bytes())
    except (SyntaxError, ValueError):
        return
    package = file.relative_to(root).parent.parts
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) + 1 - node.level] if node.level else ()
            parts = (*above, *(node.module or "").split(".")) if node.module else above
            yield ".".join(parts)
            yield from (".".join((*parts, alias.name)) for alias in node.names)


def _candidates(root: Path, name: str) -> Iterator[Path]:
    """Files that importing ``name`` runs, those that lie below ``root``: packages on the way included."""
    place = root
    for part in name.split(".") if name else ():
        place = place / part
        for file in (place.with_suffix(".py"), place / "__init__.py"):
            if file.is_file():
                yield file
