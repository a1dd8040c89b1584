"""The kernel of the guest and its modules, fetched from Debian once and kept in the user's cache."""

from __future__ import annotations

import contextlib
import lzma
import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

INIT = Path(__file__).with_name("init.sh")

KEPT_MODULES = (
    "drivers/media",
    "drivers/virtio",
    "drivers/video",
    "drivers/char/hw_random",
    "fs",
    "net/9p",
    "lib",
    "crypto",
    "sound/core",
)
"""Folders of the kernel package: what vivid, v4l2loopback and a root over 9p need. All would be 400 MB."""

FIRST_MODULES = ("virtio_pci", "9pnet_virtio", "9p", "overlay")
"""Loaded before there is a root file system to load them from."""


class NoGuestError(Exception):
    """This machine cannot boot the guest; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class Kernel:
    """What QEMU and the guest need of it."""

    release: str
    """As ``uname -r`` says in the guest."""
    folder: Path

    @property
    def image(self) -> Path:
        """Uncompressed, which an emulated processor starts twice as quickly."""
        return self.folder / "vmlinux"

    @property
    def root(self) -> Path:
        """Holds ``lib/modules`` and a static busybox."""
        return self.folder / "root"

    def first_disk(self, target: Path) -> None:
        """Write the guest's initial file system: busybox, the first modules and ``init.sh``."""
        modules: dict[str, None] = {}
        for name in FIRST_MODULES:
            steps = run(
                "modprobe", "-d", str(self.root), "-S", self.release, "--show-depends", name
            ).splitlines()
            modules.update(dict.fromkeys(step.split()[1] for step in steps if step.startswith("insmod")))
        with tempfile.TemporaryDirectory() as work:
            top = Path(work)
            for folder in ("bin", "modules", "proc", "sys", "dev", "host", "memory", "union"):
                (top / folder).mkdir()
            shutil.copy(self.root / "bin" / "busybox", top / "bin")
            for order, module in enumerate(modules):
                shutil.copy(module, top / "modules" / f"{order:02d}-{Path(module).name}")
            shutil.copy(INIT, top / "init")
            (top / "init").chmod(0o755)
            names = "".join(f"{path.relative_to(top)}\n" for path in sorted(top.rglob("*")))
            with target.open("wb") as archive:
                subprocess.run(
                    ["cpio", "--create", "--format=newc", "--quiet"],
                    input=names.encode(), stdout=archive, cwd=top, check=True,
                )  # fmt: skip


def kernel(cache: Path | None = None) -> Kernel:
    """The newest kernel that this Debian offers, from the cache or, the first time, from its packages.

    That takes about 30 s and 170 MB. Raises `NoGuestError`.
    """
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    cache = base / "effectcam-vm" if cache is None else cache
    for tool in ("apt-cache", "dpkg-deb", "cpio", "modprobe", "make", "gcc", "qemu-system-x86_64"):
        if shutil.which(tool, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin") is None:
            raise NoGuestError(f"{tool} is missing; `bash .ci/run` installs it as root on Debian")
    told = ""
    with contextlib.suppress(NoGuestError):  # where no list of packages knows it
        told = run("apt-cache", "depends", "linux-image-amd64")
    offered = re.search(r"Depends: linux-image-(\S+)", told)
    kept = sorted((folder.name for folder in cache.glob("*-amd64")), key=_numbers)
    release = offered[1] if offered else kept[-1] if kept else None
    if release is None:
        raise NoGuestError("no package linux-image-amd64 is known; run: apt-get update (on Debian)")
    if not (cache / release).is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache, prefix="part-") as work:
            _make(Path(work) / "made", release)
            (Path(work) / "made").rename(cache / release)
    return Kernel(release, cache / release)


def _numbers(release: str) -> list[int]:
    """Of a kernel's release, to sort by: 6.1.0-10 comes after 6.1.0-9."""
    return [int(number) for number in re.findall(r"\d+", release)]


def _make(folder: Path, release: str) -> None:
    root, build, packages = (folder / name for name in ("root", "build", "packages"))
    for each in (root, build, packages):
        each.mkdir(parents=True)
    version = release.removesuffix("-amd64")
    series = ".".join(version.split(".")[:2])
    headers = f"linux-headers-{release}"
    run(
        "apt-get", "download", "-q", f"linux-image-{release}", headers, f"linux-headers-{version}-common",
        f"linux-kbuild-{series}", "v4l2loopback-dkms", "busybox-static", cwd=packages,
    )  # fmt: skip
    for package in packages.glob("*.deb"):
        wanted: list[str] = []
        if package.name.startswith("linux-image"):
            wanted = ["./boot/vmlinuz*", "./lib/modules/*/modules.*"]
            wanted += [f"./lib/modules/*/kernel/{kept}/*" for kept in KEPT_MODULES]
        with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(package)], stdout=subprocess.PIPE) as files:
            unpacked = subprocess.run(
                ["tar", "-x", "-C", str(root), "--wildcards", *wanted], stdin=files.stdout, check=False
            )
        if files.returncode or unpacked.returncode:
            raise NoGuestError(f"{package.name} does not unpack")

    source = root / "usr" / "src" / headers
    # Debian's headers name their other half by its place in an installed system.
    makefile = source / "Makefile"
    makefile.write_text(makefile.read_text().replace("include /usr/src", f"include {root}/usr/src"))
    for file in next(root.glob("usr/src/v4l2loopback-*")).iterdir():
        if file.is_file():
            shutil.copy(file, build)
    run("make", "-s", "-C", str(source), f"M={build}", "modules")
    module = root / "lib" / "modules" / release / "extra" / "v4l2loopback.ko"
    module.parent.mkdir()
    run("strip", "--strip-debug", str(build / "v4l2loopback.ko"), "-o", str(module))
    run("depmod", "-b", str(root), release)
    (folder / "vmlinux").write_bytes(_uncompressed((root / "boot" / f"vmlinuz-{release}").read_bytes()))
    for each in (root / "usr", root / "boot", build, packages):
        shutil.rmtree(each)


def _uncompressed(image: bytes) -> bytes:
    """The ELF kernel inside a bootable image."""
    at = -1
    while (at := image.find(b"\xfd7zXZ\0", at + 1)) >= 0:
        try:
            content = lzma.LZMADecompressor().decompress(image[at:])
        except lzma.LZMAError:
            continue
        if content.startswith(b"\x7fELF"):
            return content
    raise NoGuestError("the kernel package holds no kernel packed with xz")


def run(*command: str, cwd: Path | None = None) -> str:
    """The output of a program. Raises `NoGuestError` with the end of what it complains of."""
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    done = subprocess.run(
        command,
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PATH": path, "LC_ALL": "C"},
    )
    if done.returncode:
        complaint = " ".join((done.stderr or done.stdout).split())[-300:]
        raise NoGuestError(f"{command[0]} failed: {complaint}")
    return done.stdout
