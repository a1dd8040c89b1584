"""Content credentials (C2PA): a signed note inside a recording that says what made it.

Whoever opens the file with a program that reads C2PA is told that effectcam made it of a camera's or a
clip's picture and a trained network, with which effects, and whether it was changed since. The signature is
by default that of a key which this installation made for itself: it proves that the file is whole and
comes from the same installation as others of that key, and not who sits in front of the camera.
Nothing here uses the network; so there is no certified time either.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import effectcam
from effectcam.errors import SinkError, UsageError
from effectcam.installing import install_extra
from effectcam.sink.part_file import PartFile, why_unwritable

SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
"""IPTC's term for a picture in which a trained network has drawn."""

_TYPES = {".mp4": "video/mp4", ".m4v": "video/x-m4v", ".mov": "video/quicktime"}
_EFFECTS, _WHERE = "effectcam.effects", "effectcam.processing"
_LOCAL = "on the user's own machine"
_UNTRUSTED = "signingCredential.untrusted"

_SETTINGS: dict[str, dict[str, Any]] = {
    # Hashed in pieces and kept in a file on the way: else signing takes twice the recording's memory.
    "core": {
        "merkle_tree_chunk_size_in_kb": 1024,
        "backing_store_memory_threshold_in_mb": 16,
        "allowed_network_hosts": [],
    },
    "verify": {
        "remote_manifest_fetch": False,
        "ocsp_fetch": False,
        "verify_trust": True,
        "verify_after_sign": False,
    },
    "builder": {"thumbnail": {"enabled": False}},
}


@dataclass(frozen=True, slots=True)
class Credentials:
    """What the newest note in a file says, and whether it holds. Texts are the file's own, from
    whoever made it."""

    made_by: str
    """Program and version."""
    source_types: tuple[str, ...]
    """IPTC's terms for where the picture comes from, the last part of each."""
    effects: tuple[tuple[str, str], ...]
    """Name and version of each that was in use while it was recorded."""
    local: bool
    """It says that no other machine was involved."""
    signed_by: str
    """Organisation and name in the certificate; anybody can make one with any name."""
    own: bool
    """Signed with the key of this installation."""
    problems: tuple[str, ...]
    """Why the note does not hold, empty when it does: nothing was changed since it was signed."""


def check_signable(path: Path) -> None:
    """Before a recording begins: whether `sign` can put credentials into it afterwards. Raises SinkError
    where c2pa-python is missing or this installation's key is damaged, UsageError for other files."""
    _kind(path)
    _library()
    from effectcam.sink.certificate import own_identity

    own_identity()


def sign(
    path: Path,
    *,
    effects: Sequence[tuple[str, str]],
    source: Literal["camera", "clip"],
    key: Path | None = None,
    certificate: Path | None = None,
) -> None:
    """Put credentials into the finished recording ``path``, in place; it is whole at any moment.

    Name and version of all ``effects`` that drew in it are stated in them, and whose picture they were drawn
    on. ``key`` and ``certificate``: PEM files of the user's own, the certificate first and then its issuers;
    without them this installation's, made on first use. Takes about 10 s for a gigabyte, and room on the disk
    for a copy.

    Raises UsageError for a key that does not fit, SinkError for what cannot be read, signed or
    written; the recording is then as it was.
    """
    library = _library()
    from effectcam.sink.certificate import own_identity, read_identity

    if (key is None) != (certificate is None):
        raise UsageError("a key needs its certificate and a certificate its key; give both or neither")
    kind = _kind(path)
    if not path.is_file():
        raise SinkError(f"{path}: there is no such recording; check the path")
    identity = own_identity() if key is None or certificate is None else read_identity(key, certificate)
    part = PartFile(path)
    try:
        context = library.Context.from_dict(_SETTINGS)
        signer = library.C2paSignerInfo(identity.algorithm, identity.certificates, identity.key, None)
        with (
            context,
            library.Signer.from_info(signer) as signing,
            library.Builder.from_json(json.dumps(_manifest(path, effects, source)), context) as builder,
            path.open("rb") as recording,
            part.path.open("w+b") as signed,
        ):
            builder.sign(signing, kind, recording, signed)
        # Some failures show only when the file is read back, as whoever gets it will do.
        found = read(part.path, kind=kind)
        if found is None or found.problems:
            why = found.problems[0] if found else "the file holds no place for it"
            raise SinkError(f"{path} cannot be signed: {why}; the recording is as it was")
    except library.C2paError as error:
        part.discard()
        raise SinkError(f"{path} cannot be signed: {_plain(error)}; the recording is as it was") from None
    except OSError as error:
        part.discard()
        if isinstance(error, SinkError):
            raise
        raise SinkError(why_unwritable(path, error)) from None
    except BaseException:
        part.discard()
        raise
    part.commit()


def read(path: Path, *, kind: str | None = None) -> Credentials | None:
    """What the credentials in ``path`` say, None when it has none. ``kind`` is its MIME type, told by
    its name otherwise. Raises SinkError for a file that cannot be read or is no video, UsageError for
    another kind of file."""
    library = _library()
    from effectcam.sink.certificate import own_authority

    settings = dict(_SETTINGS)
    if authority := own_authority():
        settings["trust"] = {"trust_anchors": authority}
    kind = kind or _kind(path)
    if path.exists() and not path.is_file():
        raise SinkError(f"{path} is no file; give a recording")
    try:
        with (
            path.open("rb") as file,
            library.Context.from_dict(settings) as context,
            library.Reader(kind, file, context=context) as reader,
        ):
            store = json.loads(reader.json())
    except library.C2paError as error:
        if isinstance(error, library.C2paError.ManifestNotFound):
            return None
        raise SinkError(
            f"{path}: its credentials cannot be read: {_plain(error)}; the file is damaged"
        ) from None
    except OSError as error:
        raise SinkError(f"{path} cannot be read: {error.strerror or error}; check the path") from None
    return _summary(store)


def _library() -> Any:
    try:
        import c2pa
    except (ImportError, OSError) as error:
        raise SinkError(
            f"content credentials need c2pa-python, which cannot be loaded ({error}); "
            f"run: {install_extra('credentials')}"
        ) from None
    return c2pa


def _kind(path: Path) -> str:
    suffix = path.suffix.lower()
    if suffix not in _TYPES:
        raise UsageError(f"{path}: credentials go into {', '.join(_TYPES)} files alone")
    return _TYPES[suffix]


def _manifest(path: Path, effects: Sequence[tuple[str, str]], source: str) -> dict[str, Any]:
    program = {"name": "effectcam", "version": effectcam.__version__}
    several = "effects" if len(effects) > 1 else "effect"
    named = f"the {several} {', '.join(f'{name} {version}' for name, version in effects)}"
    created = {
        "action": "c2pa.created",
        "digitalSourceType": SOURCE_TYPE,
        "softwareAgent": program,
        "description": f"A {source}'s picture redrawn by {named}, {_LOCAL}",
        "parameters": {
            _EFFECTS: [{"name": name, "version": version} for name, version in effects],
            _WHERE: _LOCAL,
        },
    }
    actions = {"actions": [created], "allActionsIncluded": True}
    return {
        "claim_generator_info": [program],
        "title": path.name,
        "assertions": [{"label": "c2pa.actions.v2", "data": actions}],
    }


def _summary(store: Any) -> Credentials:
    """Of what the library found, in which everything but the outcome of its checks may be missing."""
    manifest = _at(store, "manifests", str(_at(store, "active_manifest")))
    generator = _first(_at(manifest, "claim_generator_info"))
    actions = [
        action
        for assertion in _list(_at(manifest, "assertions"))
        if str(_at(assertion, "label")).startswith("c2pa.actions")
        for action in _list(_at(assertion, "data", "actions"))
    ]
    said = {key: value for action in actions for key, value in dict(_at(action, "parameters") or {}).items()}
    types = dict.fromkeys(
        str(_at(action, "digitalSourceType") or "").rsplit("/", 1)[-1] for action in actions
    )
    signature = _at(manifest, "signature_info")
    names = (_at(signature, "issuer"), _at(signature, "common_name"))
    checks = _list(_at(store, "validation_results", "activeManifest", "failure"))
    failures = [check for check in checks if _at(check, "code") != _UNTRUSTED]
    problems = [f"{_at(check, 'code')}: {_at(check, 'explanation')}" for check in failures]
    state = _at(store, "validation_state")
    if not problems and state not in ("Valid", "Trusted"):
        problems = [f"the library calls it {state}"]
    return Credentials(
        made_by=" ".join(str(part) for part in (_at(generator, "name"), _at(generator, "version")) if part),
        source_types=tuple(name for name in types if name),
        effects=tuple(
            (str(_at(effect, "name") or ""), str(_at(effect, "version") or "")) for effect in _effects(said)
        ),
        local=said.get(_WHERE) == _LOCAL,
        signed_by=", ".join(str(name) for name in names if name),
        own=state == "Trusted",
        problems=tuple(problems),
    )


def _effects(said: dict[str, Any]) -> list[Any]:
    """Recordings signed before there could be several name one."""
    if name := said.get("effectcam.effect"):
        return [{"name": name, "version": said.get("effectcam.effect_version")}]
    return _list(said.get(_EFFECTS))


def _at(value: Any, *keys: str) -> Any:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _first(value: Any) -> Any:
    return _list(value)[0] if _list(value) else None


def _plain(error: Exception) -> str:
    """What the library says, on one line."""
    return " ".join(str(error).split())
