from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from effectcam import __version__
from effectcam.errors import EffectcamError, SinkError, UsageError
from effectcam.frame import Frame
from effectcam.installing import install_extra
from effectcam.sink import VideoFile
from effectcam.sink.credentials import Credentials, check_signable, read, sign
from effectcam.source import Clip
from tests.sink.frames import moving

pytest.importorskip("c2pa", reason="the extra 'credentials' is not installed")
x509 = pytest.importorskip("cryptography.x509", reason="the extra 'credentials' is not installed")

from cryptography.hazmat.primitives import hashes, serialization  # noqa: E402
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa  # noqa: E402

from effectcam.sink import certificate, credentials  # noqa: E402


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder with the key of this installation, which is none yet."""
    folder = tmp_path / "config" / "credentials"
    monkeypatch.setattr(certificate, "own_folder", lambda: folder)
    return folder


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "me.mp4"
    with VideoFile(path, 64, 48) as file:
        for frame in moving(25):
            file.write(frame)
    return path


def pictures(path: Path) -> list[bytes]:
    with Clip(path) as clip:
        return [frame.pixels.tobytes() for frame in clip]


def read_sound(path: Path) -> Credentials:
    found = read(path)
    assert found is not None and found.problems == ()
    return found


def test_a_signed_recording_says_what_made_it(recording: Path) -> None:
    assert read(recording) is None
    before = pictures(recording)
    sign(recording, effects=[("toon", "1.1.0")], source="camera")
    assert read(recording) == Credentials(
        made_by=f"effectcam {__version__}",
        source_types=("compositeWithTrainedAlgorithmicMedia",),
        effects=(("toon", "1.1.0"),),
        local=True,
        signed_by="effectcam (self-made), one installation",
        own=True,
        problems=(),
    )
    assert pictures(recording) == before
    assert [path.name for path in recording.parent.iterdir()] in (["me.mp4", "config"], ["config", "me.mp4"])


@pytest.mark.parametrize("suffix", [".m4v", ".mov"])
def test_other_kinds_of_video(recording: Path, suffix: str) -> None:
    path = recording.with_suffix(suffix)
    with VideoFile(path, 64, 48) as file:
        for frame in moving(5):
            file.write(frame)
    sign(path, effects=[("toon", "1.1.0")], source="camera")
    assert read_sound(path).effects == (("toon", "1.1.0"),)


def test_all_effects_and_the_kind_of_source_are_stated(recording: Path) -> None:
    effects = (("toon", "1.1.0"), ("zombie", "2.0.0"), ("toon", "1.2.0"))
    sign(recording, effects=effects, source="clip")
    assert read_sound(recording).effects == effects
    words = b"A clip's picture redrawn by the effects toon 1.1.0, zombie 2.0.0, toon 1.2.0, on the user's own"
    assert words in recording.read_bytes()
    sign(recording, effects=effects[:1], source="camera")
    assert read_sound(recording).effects == effects[:1]
    assert b"A camera's picture redrawn by the effect toon 1.1.0, on" in recording.read_bytes()


def test_what_older_versions_signed_still_tells_its_effect(
    recording: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = credentials._manifest

    def older(*arguments: Any, **more: Any) -> dict[str, Any]:
        manifest = usual(*arguments, **more)
        (created,) = (
            each["data"]["actions"][0] for each in manifest["assertions"] if "actions" in each["data"]
        )
        del created["parameters"]["effectcam.effects"]
        created["parameters"] |= {"effectcam.effect": "toon", "effectcam.effect_version": "1.0.0"}
        return manifest

    monkeypatch.setattr(credentials, "_manifest", older)
    sign(recording, effects=[("toon", "1.1.0")], source="camera")
    assert read_sound(recording).effects == (("toon", "1.0.0"),)


def test_one_changed_byte_of_the_picture_is_found(recording: Path) -> None:
    sign(recording, effects=[("toon", "1.1.0")], source="camera")
    data = bytearray(recording.read_bytes())
    # The first is in the note, as the name of what was hashed.
    data[data.rindex(b"mdat") + 200] ^= 1
    recording.write_bytes(data)
    found = read(recording)
    assert found is not None and not found.own
    assert any("assertion.bmffHash.mismatch" in problem for problem in found.problems)


def test_a_changed_word_in_the_note_is_found(recording: Path) -> None:
    sign(recording, effects=[("zombie", "1.1.0")], source="camera")
    recording.write_bytes(recording.read_bytes().replace(b"zombie", b"nobody"))
    found = read(recording)
    assert found is not None and found.problems


def test_the_key_is_made_once_and_is_its_owners_alone(recording: Path, home: Path) -> None:
    sign(recording, effects=[("toon", "1.1.0")], source="camera")
    key = (home / "key.pem").read_bytes()
    sign(recording, effects=[("toon", "1.2.0")], source="camera")
    assert (home / "key.pem").read_bytes() == key
    assert read_sound(recording).effects == (("toon", "1.2.0"),)
    if os.name == "posix":
        assert stat.S_IMODE((home / "key.pem").stat().st_mode) == 0o600
        assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert sorted(path.name for path in home.parent.iterdir()) == ["credentials"]
    # Of the two keys that were made, the one that could make more certificates is not kept.
    assert b"".join(path.read_bytes() for path in home.iterdir()).count(b"BEGIN PRIVATE KEY") == 1


def test_two_runs_that_end_at_once_share_one_key(home: Path) -> None:
    keys: list[bytes] = []
    threads = [threading.Thread(target=lambda: keys.append(certificate.own_identity().key)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(keys) == 8 and len(set(keys)) == 1
    assert list(home.parent.iterdir()) == [home]


def test_a_recording_of_another_installation_holds_but_is_not_ones_own(
    recording: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign(recording, effects=[("toon", "1.1.0")], source="camera")
    monkeypatch.setattr(certificate, "own_folder", lambda: tmp_path / "another")
    assert not read_sound(recording).own
    certificate.own_identity()
    assert not read_sound(recording).own


def test_no_secret_is_shown(home: Path) -> None:
    identity = certificate.own_identity()
    assert repr(identity) == "Identity(es256)"


def test_after_an_expired_certificate_a_new_key_is_made(
    recording: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(certificate, "_YEARS", 0)
        old = certificate.own_identity()
    sign(recording, effects=[("toon", "1.1.0")], source="camera")
    assert read_sound(recording).own
    assert certificate.own_identity().key != old.key


def own_pair(folder: Path, key: Any, algorithm: Any = None) -> tuple[Path, Path]:
    """A key and a certificate of the user's own, from an authority of theirs."""
    authority = ec.generate_private_key(ec.SECP256R1())
    drafts = certificate._draft(certificate._name("Ada"), certificate._name("Ada's"), key, authority)
    made = (
        drafts.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(certificate._usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(certificate._USAGES), critical=False)
        .sign(authority, hashes.SHA256())
    )
    key_file, certificate_file = folder / "ada.key", folder / "ada.pem"
    pem = serialization.Encoding.PEM
    key_file.write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    certificate_file.write_bytes(made.public_bytes(pem))
    return key_file, certificate_file


@pytest.mark.parametrize("kind", ["P-256", "P-384", "P-521", "RSA", "Ed25519"])
def test_a_key_of_the_users_own(recording: Path, tmp_path: Path, home: Path, kind: str) -> None:
    key: Any = {
        "P-256": lambda: ec.generate_private_key(ec.SECP256R1()),
        "P-384": lambda: ec.generate_private_key(ec.SECP384R1()),
        "P-521": lambda: ec.generate_private_key(ec.SECP521R1()),
        "RSA": lambda: rsa.generate_private_key(65537, 2048),
        "Ed25519": ed25519.Ed25519PrivateKey.generate,
    }[kind]()
    key_file, certificate_file = own_pair(tmp_path, key)
    sign(recording, effects=[("toon", "1.1.0")], source="camera", key=key_file, certificate=certificate_file)
    found = read_sound(recording)
    assert found.signed_by == "effectcam (self-made), Ada" and not found.own
    assert not home.exists()


def refused(recording: Path, **files: Path) -> EffectcamError:
    before = recording.read_bytes()
    with pytest.raises(EffectcamError) as caught:
        sign(recording, effects=[("toon", "1.1.0")], source="camera", **files)
    assert recording.read_bytes() == before
    assert not [path for path in recording.parent.iterdir() if path.suffix == ".part"]
    assert "\n" not in str(caught.value)
    return caught.value


def test_a_key_and_a_certificate_that_do_not_fit(recording: Path, tmp_path: Path) -> None:
    key_file, certificate_file = own_pair(tmp_path, ec.generate_private_key(ec.SECP256R1()))
    kept = key_file.read_bytes()
    assert "give both or neither" in str(refused(recording, key=key_file))
    own_pair(tmp_path, ec.generate_private_key(ec.SECP256R1()))
    key_file.write_bytes(kept)
    message = str(refused(recording, key=key_file, certificate=certificate_file))
    not_its = f"{key_file} is not the key of the first certificate in {certificate_file}"
    assert message == f"{not_its}; give two that belong together"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"nonsense", "holds no private key in PEM; check the file"),
        (b"", "holds no private key in PEM; check the file"),
        (b"x" * 200_000, "is larger than 100 kB; give a PEM file"),
    ],
)
def test_a_key_that_is_none(recording: Path, tmp_path: Path, text: bytes, message: str) -> None:
    key_file, certificate_file = own_pair(tmp_path, ec.generate_private_key(ec.SECP256R1()))
    key_file.write_bytes(text)
    assert str(refused(recording, key=key_file, certificate=certificate_file)) == f"{key_file} {message}"
    key_file.unlink()
    error = refused(recording, key=key_file, certificate=certificate_file)
    assert isinstance(error, UsageError) and "cannot be read: No such file" in str(error)


def test_a_key_of_another_kind_and_one_with_a_password(recording: Path, tmp_path: Path) -> None:
    odd = ec.generate_private_key(ec.SECP256K1())
    key_file, certificate_file = own_pair(tmp_path, odd)
    message = str(refused(recording, key=key_file, certificate=certificate_file))
    assert message.endswith("of a kind that C2PA does not use; give an EC (P-256), RSA or Ed25519 key")
    locked = odd.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"secret"),
    )
    key_file.write_bytes(locked)
    message = str(refused(recording, key=key_file, certificate=certificate_file))
    assert message == f"{key_file} has a password; give a key without one"


def test_a_certificate_that_c2pa_has_no_use_for(recording: Path, tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    key_file, certificate_file = own_pair(tmp_path, key)
    name = certificate._name("Ada")
    certificate_file.write_bytes(
        certificate._draft(name, name, key, key)
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )
    assert isinstance(refused(recording, key=key_file, certificate=certificate_file), SinkError)


def test_a_damaged_key_of_the_installation_is_told_with_the_way_out(recording: Path, home: Path) -> None:
    sign(recording, effects=[("toon", "1.1.0")], source="camera")
    (home / "key.pem").write_text("gone")
    message = str(refused(recording))
    assert message.endswith(f"or delete {home}, and a new key will be made")


def test_what_is_no_recording(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"x\.avi: credentials go into \.mp4, \.m4v, \.mov files"):
        sign(tmp_path / "x.avi", effects=[("toon", "1.1.0")], source="camera")
    with pytest.raises(SinkError, match=r"x\.mp4: there is no such recording; check the path"):
        sign(tmp_path / "x.mp4", effects=[("toon", "1.1.0")], source="camera")
    with pytest.raises(SinkError, match=r"x\.mp4 cannot be read: No such file"):
        read(tmp_path / "x.mp4")


@pytest.mark.parametrize("content", [b"", b"\0" * 5000, b"text"])
def test_a_file_that_is_no_video(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.mp4"
    path.write_bytes(content)
    assert "cannot be signed: " in str(refused(path))
    with pytest.raises(SinkError, match=r"x\.mp4: its credentials cannot be read: .*; the file is damaged"):
        read(path)


@pytest.mark.parametrize("missing", [1, 700, 3000])
def test_a_truncated_recording_is_found(recording: Path, missing: int) -> None:
    sign(recording, effects=[("toon", "1.1.0")], source="camera")
    recording.write_bytes(recording.read_bytes()[:-missing])
    found = read(recording)
    assert found is not None and found.problems


@pytest.mark.skipif(sys.platform != "linux", reason="counts memory as Linux does")
def test_signing_does_not_hold_the_recording_in_memory(recording: Path, home: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (720, 1280, 3), np.uint8)
    with VideoFile(recording, 1280, 720, crf=0, preset="ultrafast") as file:
        for index in range(40):
            file.write(Frame(np.roll(noise, 7919 * index), index, 40_000_000 * index))
    size = recording.stat().st_size
    assert size > 60_000_000
    script = (
        "import resource, sys; from pathlib import Path\n"
        "from effectcam.sink.credentials import sign, read\n"
        "small, large = map(Path, sys.argv[1:])\n"
        "sign(small, effects=[('toon', '1.1.0')], source='camera')\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "sign(large, effects=[('toon', '1.1.0')], source='camera')\n"
        "assert read(large).problems == ()\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    small = recording.with_name("small.mp4")
    shutil.copy(Path(__file__).parents[2] / "effectcam" / "media" / "demo.mp4", small)
    ran = subprocess.run(
        [sys.executable, "-c", script, str(small), str(recording)],
        env={**os.environ, "XDG_CONFIG_HOME": str(home.parent)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(ran.stdout) * 1024 < size / 2


def test_without_the_library(recording: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "c2pa", None)
    message = str(refused(recording))
    assert message.startswith("content credentials need c2pa-python, which cannot be loaded (")
    assert message.endswith(f"); run: {install_extra('credentials')}")
    with pytest.raises(SinkError, match="which cannot be loaded"):
        check_signable(recording.with_name("not recorded yet.mp4"))
