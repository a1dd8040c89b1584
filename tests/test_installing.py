"""What people are told to type is for the Python that runs, and for where effectcam came from."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from effectcam.cli import main
from effectcam.installing import ROOT, install_extra, pip, restore


def test_pip_is_that_of_this_python() -> None:
    ran = subprocess.run(pip("--version"), shell=True, capture_output=True, text=True, check=True)
    assert f"(python {sys.version_info.major}.{sys.version_info.minor})" in ran.stdout


def test_an_extra_comes_from_the_checkout_where_there_is_one(tmp_path: Path) -> None:
    assert install_extra("midi", root=tmp_path) == pip('install "effectcam[midi]"')
    own = tmp_path / "my cameras"
    own.mkdir()
    (own / "pyproject.toml").touch()
    assert install_extra("midi", root=own) == pip(f'install -e "{own}[midi]"')
    assert install_extra("distill", root=own) == pip(f'install -e "{own}[distill]"')


def test_the_toolkit_is_a_target_where_the_environment_is_the_checkouts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "prefix", str(ROOT / ".venv"))
    assert install_extra("distill") == f"make -C {shlex.quote(str(ROOT))} install-distill"


def test_what_came_with_effectcam_is_got_back_from_the_checkout_or_from_where_it_came(tmp_path: Path) -> None:
    assert restore(tmp_path / "models", root=tmp_path) == "install effectcam again, as it was installed"
    (tmp_path / "pyproject.toml").touch()
    told = restore(tmp_path / "models" / "toon", root=tmp_path)
    assert told == f"git -C {shlex.quote(str(tmp_path))} checkout -- models/toon"


def test_a_library_that_the_system_lacks_is_no_fault_of_ours(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing(**_: object) -> None:
        raise ImportError("libGL.so.1: cannot open shared object file: No such file or directory")

    monkeypatch.setattr("effectcam.cli.devices.devices.callback", missing)
    assert main(["devices"]) == 1
    assert capsys.readouterr().err == (
        "effectcam: libGL.so.1: cannot open shared object file: No such file or directory; "
        "run: effectcam doctor, which says what to install\n"
    )


def test_a_fault_of_ours_in_an_import_is_not_taken_for_a_missing_library(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def ours(**_: object) -> None:
        from effectcam.errors import NoSuchThing  # type: ignore[attr-defined]  # noqa: F401

    monkeypatch.setattr("effectcam.cli.devices.devices.callback", ours)
    assert main(["devices"]) == 1
    assert "please report it" in capsys.readouterr().err
    monkeypatch.setenv("EFFECTCAM_TRACEBACK", "1")
    with pytest.raises(ImportError):
        main(["devices"])
