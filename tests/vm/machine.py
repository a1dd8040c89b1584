"""The guest: an emulated machine that runs one command on a kernel of its own and ends."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.vm.kernel import Kernel

REPOSITORY = Path(__file__).resolve().parents[2]

PROCESSOR = "Nehalem"
"""The oldest that numpy and OpenCV run on. It has no AVX, whose emulation makes everything three times
as slow."""

MEMORY_MB = 4096
"""Chromium's share and a layer of files that are written."""


class Machine:
    """Boots a guest that runs ``command`` in the repository as root, and powers off.

    The guest has no network, and cannot change a file of this machine outside ``results``. It is
    emulated without the help of the processor, so it runs anywhere, at about a tenth of the speed.

    Parameters
    ----------
    kernel
        What to boot.
    results
        Folder that the guest sees, writable, as ``/results``. The command's output is kept there as
        ``output.log``, the kernel's as ``console.log``.
    command
        Program and arguments, by absolute path.
    limit
        Seconds after which it is switched off.
    """

    def __init__(self, kernel: Kernel, results: Path, command: Sequence[str], *, limit: float) -> None:
        results.mkdir(parents=True, exist_ok=True)
        self.results = results.resolve()
        for left in ("exit-code", "output.log", "console.log"):
            (self.results / left).unlink(missing_ok=True)
        modules = kernel.root / "lib" / "modules"
        environment = {"MODULES": str(modules), "REPOSITORY": str(REPOSITORY)}
        (self.results / "guest.env").write_text(
            "".join(f"{name}={shlex.quote(value)}\n" for name, value in environment.items())
        )
        (self.results / "command.sh").write_text(f"exec {shlex.join(command)}\n")
        self._disk = self.results / "first-disk.cpio"
        kernel.first_disk(self._disk)
        with (self.results / "qemu.log").open("wb") as log:
            self._process = subprocess.Popen(
                ["timeout", "--foreground", "--kill-after=5", f"{limit:g}", *self._qemu(kernel)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
            )

    def _qemu(self, kernel: Kernel) -> list[str]:
        def shared(name: str, path: Path, *options: str) -> list[str]:
            share = ",".join(
                ("local", f"id={name}", f"path={path}", "security_model=none", "multidevs=remap", *options)
            )
            return ["-fsdev", share, "-device", f"virtio-9p-pci,fsdev={name},mount_tag={name}"]

        return [
            "qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
            "-machine", "q35", "-accel", "tcg,thread=multi,tb-size=1024", "-cpu", PROCESSOR,
            "-smp", "2", "-m", str(MEMORY_MB), "-kernel", str(kernel.image), "-initrd", str(self._disk),
            "-append", "console=ttyS0 quiet panic=-1 mitigations=off nokaslr tsc=reliable audit=0",
            "-serial", f"file:{self.results / 'console.log'}",
            "-serial", f"file:{self.results / 'output.log'}",
            "-device", "virtio-rng-pci",
            *shared("root", Path("/"), "readonly=on"),
            *shared("results", self.results),
        ]  # fmt: skip

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        """Of the command; None if it did not end by itself."""
        try:
            return int((self.results / "exit-code").read_text())
        except (OSError, ValueError):
            return None

    def wait(self) -> None:
        """Return when it has ended."""
        self._process.wait()

    def last_words(self, lines: int = 25) -> str:
        """The end of what command, kernel and emulator said."""
        said = []
        for log in ("output.log", "console.log", "qemu.log"):
            path = self.results / log
            text = path.read_text(errors="replace") if path.exists() else ""
            said += [f"--- {log}", *text.splitlines()[-lines:]]
        return "\n".join(said)

    def close(self) -> None:
        """Switch it off if it still runs."""
        self._process.terminate()
        self._process.wait()
        self._disk.unlink(missing_ok=True)


def main() -> None:
    """Run the command of the command line in a guest: ``python -m tests.vm.machine RESULTS COMMAND...``."""
    from tests.vm.kernel import kernel

    machine = Machine(kernel(), Path(sys.argv[1]), sys.argv[2:], limit=600)
    try:
        machine.wait()
    finally:
        machine.close()
    print((machine.results / "output.log").read_text(errors="replace"))
    sys.exit(125 if machine.exit_code is None else machine.exit_code)


if __name__ == "__main__":
    main()
