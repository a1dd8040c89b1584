from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from effectcam.native_log import without_native_log

ROOT = Path(__file__).resolve().parents[2]


def test_native_lines_are_dropped_and_others_passed_on(capfd: pytest.CaptureFixture[str]) -> None:
    with without_native_log():
        os.write(2, b"INFO: [environment.cc:36] hello\n")
        os.write(2, b"a line of somebody else\n")
        os.write(2, b"ERROR: [model.cc:1] first\nW0000 00:00:1795298938.149234 second\n")
        assert capfd.readouterr().err == "", "nothing shows before the block has ended"
    assert capfd.readouterr().err == "a line of somebody else\n"


def test_standard_error_is_given_back_after_an_exception(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(OSError, match="descriptor"), without_native_log():
        os.close(-1)
    os.write(2, b"INFO: [a.cc:1] loud\n")
    assert capfd.readouterr().err == "INFO: [a.cc:1] loud\n"


def test_it_nests(capfd: pytest.CaptureFixture[str]) -> None:
    with without_native_log():
        with without_native_log():
            os.write(2, b"INFO: [a.cc:1] in\nmine\n")
        os.write(2, b"INFO: [a.cc:1] out\n")
    assert capfd.readouterr().err == "mine\n"


def test_without_a_folder_for_temporary_files_the_block_still_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    opened = os.dup(2)
    os.close(opened)
    with monkeypatch.context() as patched:
        patched.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
        with without_native_log():
            os.write(2, b"INFO: [a.cc:1] shown\n")
    assert capfd.readouterr().err == "INFO: [a.cc:1] shown\n"
    # Nothing was left open.
    again = os.dup(2)
    os.close(again)
    assert again == opened


def test_a_program_without_standard_error_still_runs() -> None:
    program = (
        "import os; os.close(2)\n"
        "from effectcam.native_log import without_native_log, mute_native_log_at_exit\n"
        "mute_native_log_at_exit()\n"
        "with without_native_log():\n    print('ran')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True
    )
    assert done.stdout == "ran\n"


def test_muting_at_exit_spares_pythons_last_words() -> None:
    program = (
        "import atexit, os, sys\n"
        "from effectcam.native_log import mute_native_log_at_exit\n"
        "atexit.register(lambda: print('last words', file=sys.stderr))\n"
        "atexit.register(lambda: os.write(2, b'native\\n'))\n"
        "mute_native_log_at_exit()\n"
        "raise SystemExit(3)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (3, "last words\n")
