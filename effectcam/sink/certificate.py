"""The key that signs recordings, and the certificate that goes with it: made once, or the user's own."""

from __future__ import annotations

import contextlib
import datetime
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from effectcam.errors import SinkError, UsageError
from effectcam.folders import config_folder
from effectcam.sink.part_file import why_unwritable

ORGANISATION = "effectcam (self-made)"
"""What players show as the signer: it must not look like one that somebody has checked."""

_FILES = ("key.pem", "certificates.pem")
_LARGEST = 100_000
_YEARS = 10
"""Long, because without a certified time a recording holds only as long as its certificate does. After
that the next recording gets a new key."""

# What C2PA wants of a certificate is one of these; programs know the first, which is older.
_USAGES = [ExtendedKeyUsageOID.EMAIL_PROTECTION, ObjectIdentifier("1.3.6.1.5.5.7.3.36")]
_PEM = serialization.Encoding.PEM


@dataclass(frozen=True, slots=True)
class Identity:
    """What signs."""

    algorithm: str
    """In C2PA's words, e.g. ``es256``."""
    certificates: bytes
    """PEM: the signer's own first, then who vouches for it."""
    key: bytes
    """PEM, of PKCS 8."""

    def __repr__(self) -> str:
        return f"Identity({self.algorithm})"


def own_folder() -> Path:
    return config_folder() / "credentials"


def own_identity() -> Identity:
    """This installation's, made on first use and when the last one has expired. The key's file can be
    read by its owner alone. Raises SinkError when the folder cannot be written or what it holds is damaged.

    It is nobody's name: it shows that recordings come from one installation and were not changed, to
    whoever has seen one of them before. No one else vouches for it.
    """
    folder = own_folder()
    try:
        if not folder.exists():
            _make(folder)
        identity = read_identity(folder / _FILES[0], folder / _FILES[1])
        if _expired(identity):
            # Kept: it may be the clock that is wrong.
            serial = x509.load_pem_x509_certificate(identity.certificates).serial_number
            folder.rename(folder.with_name(f"credentials-expired-{serial:x}"))
            _make(folder)
            identity = read_identity(folder / _FILES[0], folder / _FILES[1])
    except UsageError as error:
        raise SinkError(f"{error}; or delete {folder}, and a new key will be made") from None
    except OSError as error:
        raise SinkError(why_unwritable(folder, error)) from None
    return identity


def own_authority() -> str | None:
    """PEM of the certificate that vouches for `own_identity`; None while nothing was signed here."""
    with contextlib.suppress(OSError, ValueError):
        certificates = x509.load_pem_x509_certificates((own_folder() / _FILES[1]).read_bytes())
        return certificates[-1].public_bytes(_PEM).decode("ascii")
    return None


def read_identity(key_file: Path, certificate_file: Path) -> Identity:
    """The user's own key and certificate, both PEM. Raises UsageError when they do not fit together or
    C2PA has no use for them."""
    key_data, certificate_data = _read(key_file), _read(certificate_file)
    try:
        key = serialization.load_pem_private_key(key_data, password=None)
    except TypeError:
        raise UsageError(f"{key_file} has a password; give a key without one") from None
    except (ValueError, UnsupportedAlgorithm):
        raise UsageError(f"{key_file} holds no private key in PEM; check the file") from None
    try:
        certificates = x509.load_pem_x509_certificates(certificate_data)
    except ValueError:
        raise UsageError(f"{certificate_file} holds no certificate in PEM; check the file") from None
    if _public(certificates[0]) != _public(key):
        raise UsageError(
            f"{key_file} is not the key of the first certificate in {certificate_file}; "
            "give two that belong together"
        )
    return Identity(
        _algorithm(key, key_file),
        b"".join(certificate.public_bytes(_PEM) for certificate in certificates),
        key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
    )


def _read(path: Path) -> bytes:
    try:
        if path.exists() and not path.is_file():
            raise UsageError(f"{path} is no file; give a PEM file")
        with path.open("rb") as file:
            data = file.read(_LARGEST + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"{path} cannot be read: {reason}; check the path") from None
    if len(data) > _LARGEST:
        raise UsageError(f"{path} is larger than {_LARGEST // 1000} kB; give a PEM file")
    return data


def _public(holder: Any) -> bytes:
    public: bytes = holder.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return public


def _algorithm(key: Any, file: Path) -> str:
    if isinstance(key, ec.EllipticCurvePrivateKey):
        known = {"secp256r1": "es256", "secp384r1": "es384", "secp521r1": "es512"}
        if key.curve.name in known:
            return known[key.curve.name]
    elif isinstance(key, rsa.RSAPrivateKey):
        return "ps256"
    elif isinstance(key, ed25519.Ed25519PrivateKey):
        return "ed25519"
    raise UsageError(f"{file} is of a kind that C2PA does not use; give an EC (P-256), RSA or Ed25519 key")


def _expired(identity: Identity) -> bool:
    certificates = x509.load_pem_x509_certificates(identity.certificates)
    now = datetime.datetime.now(datetime.UTC)
    return any(certificate.not_valid_after_utc <= now for certificate in certificates)


def _make(folder: Path) -> None:
    """Make the files aside and put the folder in place whole: of two runs that start at once, one wins
    and both use its key."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".credentials-"))
    try:
        for name, data in zip(_FILES, _new_identity(), strict=True):
            handle = os.open(aside / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with open(handle, "wb") as file:
                file.write(data)
        try:
            aside.rename(folder)
        except OSError:
            if not folder.exists():
                raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _new_identity() -> tuple[bytes, bytes]:
    """Key and certificates, PEM. C2PA refuses certificates that sign themselves, so that an authority
    is made too; its key is used once, here, and kept nowhere."""
    key, authority_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    authority_name = _name("authority of one installation")
    authority = (
        _draft(authority_name, authority_name, authority_key, authority_key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .sign(authority_key, hashes.SHA256())
    )
    certificate = (
        _draft(_name("one installation"), authority_name, key, authority_key)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(_USAGES), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    return (
        key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
        certificate.public_bytes(_PEM) + authority.public_bytes(_PEM),
    )


def _draft(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    issuer_key: ec.EllipticCurvePrivateKey,
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        # A day back, for the clocks of those who look at it tomorrow.
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=365 * _YEARS))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False
        )
    )


def _name(common: str) -> x509.Name:
    # No name of user or machine: a recording is for strangers.
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, ORGANISATION),
            x509.NameAttribute(NameOID.COMMON_NAME, common),
        ]
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )
