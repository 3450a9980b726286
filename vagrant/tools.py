"""The programs that boot a guest, and the one line that installs what is missing."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sysconfig
from pathlib import Path

from vagrant.errors import MissingTool

__all__ = ["accelerated", "check", "has_virtiofsd", "path_with_sbin", "virtme_run", "wrap_with_libraries"]

# What a bare Debian lacks, by the program that is looked for. depmod and modprobe are kmod's, udevadm is udev's.
_PROGRAMS = {
    "qemu-system-x86_64": "qemu-system-x86",
    "busybox": "busybox-static",
    "udevadm": "udev",
    "modprobe": "kmod",
    "file": "file",
    "ip": "iproute2",
}
_OLDEST_QEMU = 8  # before it, cmpxchg16b of the emulator lets newer kernels panic, and there is no multidevs for 9p


def check() -> None:
    """Raise `MissingTool` naming everything that is missing at once, with the line that installs it."""
    path = path_with_sbin()
    missing = [package for program, package in _PROGRAMS.items() if shutil.which(program, path=path) is None]
    others = [package for package in missing if package != "qemu-system-x86"]
    if "qemu-system-x86" in missing or _qemu_version(path) < _OLDEST_QEMU:
        found = "no QEMU on this machine" if "qemu-system-x86" in missing else f"QEMU is older than {_OLDEST_QEMU}"
        raise MissingTool(f"{found}; install it with:\n    {_qemu_line(others)}")
    if others:
        raise MissingTool(f"missing: {', '.join(others)}; install with:\n    {_install(others)}")
    virtme_run()


def virtme_run() -> str:
    """The path of virtme-run. Raises `MissingTool`."""
    path = os.pathsep.join((sysconfig.get_path("scripts"), os.environ.get("PATH", "")))
    found = shutil.which("virtme-run", path=path)
    if found is None:
        raise MissingTool("no virtme-ng in this Python: pip install virtme-ng")
    return found


def accelerated() -> str:
    """Why KVM cannot be used here; empty when it can."""
    flags = re.search(r"^flags\s*:(.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    # /dev/kvm may be there without them: paravirtual hypervisors offer it, and run only kernels made for them.
    if flags is None or not {"vmx", "svm"} & set(flags.group(1).split()):
        return "the processor offers neither VMX nor SVM"
    try:
        os.close(os.open("/dev/kvm", os.O_RDWR))
    except OSError as error:
        return f"/dev/kvm: {error.strerror}"
    return ""


def wrap_with_libraries(unpacked: Path, program: str, directory: Path) -> Path:
    """A script that runs an unpacked program with the libraries unpacked beside it, and not with this machine's."""
    loader = next(iter(sorted(unpacked.glob("**/ld-linux-x86-64.so.2"))))
    script = directory / program
    target = next(path for path in sorted(unpacked.glob(f"usr/**/{program}")) if path.is_file())
    script.write_text(f'#!/bin/sh\nexec "{loader}" --library-path "{loader.parent}" "{target}" "$@"\n')
    script.chmod(0o755)
    return script


def path_with_sbin() -> str:
    """PATH with the directories of root's programs, which another user's lacks."""
    return os.pathsep.join((os.environ.get("PATH", ""), "/usr/local/sbin", "/usr/sbin", "/sbin"))


def _qemu_version(path: str) -> int:
    program = shutil.which("qemu-system-x86_64", path=path) or "qemu-system-x86_64"
    done = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=60)
    found = re.search(r"version (\d+)", done.stdout)
    return int(found.group(1)) if found else 0


def _install(packages: list[str]) -> str:
    return f"apt-get install --no-install-recommends {' '.join(packages)}"


def _qemu_line(others: list[str]) -> str:
    """Debian 12's own QEMU is 7.2: there it comes from backports."""
    packages = ["qemu-system-x86", *others]
    if not re.search(r"^VERSION_CODENAME=bookworm$", _os_release(), re.MULTILINE):
        return _install(packages)
    return (
        "echo \"deb $(apt-get indextargets --format '$(SITE)' | grep -m1 -E '/debian/?$') bookworm-backports main\" "
        "> /etc/apt/sources.list.d/bookworm-backports.list && apt-get update && "
        f"apt-get install --no-install-recommends -t bookworm-backports {' '.join(packages)}"
    )


def _os_release() -> str:
    try:
        return Path("/etc/os-release").read_text()
    except OSError:
        return ""


def has_virtiofsd() -> bool:
    """Whether this machine has a virtiofsd that virtme-ng takes: the Rust one. QEMU's own C one of old is none."""
    places = ("/usr/libexec/virtiofsd", "/usr/lib/virtiofsd/virtiofsd", "/usr/lib/virtiofsd", "/usr/lib/qemu/virtiofsd")
    for place in (shutil.which("virtiofsd"), *places):
        if place and os.path.isfile(place) and os.access(place, os.X_OK):
            done = subprocess.run([place, "--version"], capture_output=True, timeout=60)
            if done.returncode == 0:
                return True
    return False
