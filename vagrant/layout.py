"""Where an unpacked kernel keeps its image, its configuration and its modules."""

from __future__ import annotations

import re
import shutil
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path

from vagrant.errors import MatrixError
from vagrant.tools import path_with_sbin

__all__ = ["Files", "index_modules", "of_image", "of_package", "release_of"]


@dataclass(frozen=True)
class Files:
    """What is booted. ``config`` and ``modules`` are `None` where there are none."""

    image: Path
    release: str
    config: Path | None
    modules: Path | None


def of_package(tree: Path) -> Files:
    """The kernel of unpacked packages. Since 6.19 Debian keeps all of it in the modules' directory."""
    images = [*tree.glob("boot/vmlinuz-*"), *tree.glob("usr/lib/modules/*/vmlinuz")]
    modules = [path for pattern in ("lib", "usr/lib") for path in tree.glob(f"{pattern}/modules/*") if path.is_dir()]
    configs = [*tree.glob("boot/config-*"), *tree.glob("usr/lib/modules/*/config")]
    if not images or not modules or not configs:
        raise MatrixError(f"{tree}: the packages hold no whole kernel; delete it to have them fetched again")
    return Files(images[0], modules[0].name, configs[0], modules[0])


def of_image(image: Path, config: Path | None, modules: Path | None) -> Files:
    """A person's own kernel. Raises `MatrixError` naming the file that cannot be used."""
    for path in (image, config, modules):
        if path is not None and not path.exists():
            raise MatrixError(f"{path}: no such file")
    release = release_of(image)
    if modules is None:
        beside = image.resolve().parent.parent / "lib" / "modules" / release
        modules = beside if beside.is_dir() else None
    elif modules.name != release and (modules / "lib/modules" / release).is_dir():
        modules = modules / "lib/modules" / release
    if modules is not None and modules.name != release:
        raise MatrixError(f"{modules}: no modules of {release}, which {image} is")
    return Files(image.resolve(), release, config and config.resolve(), modules and modules.resolve())


def release_of(image: Path) -> str:
    """What `uname -r` will print: from the header of a bzImage (Documentation/arch/x86/boot.rst)."""
    try:
        with image.open("rb") as file:
            head = file.read(1 << 16)
    except OSError as error:
        raise MatrixError(f"{image}: {error.strerror}") from None
    if head[0x202:0x206] != b"HdrS":
        raise MatrixError(f"{image}: no bzImage (it lacks the boot header of a Linux kernel)")
    (offset,) = struct.unpack_from("<H", head, 0x20E)
    words = head[offset + 0x200 :].split(b"\0", 1)[0].split()
    if not offset or not words:
        raise MatrixError(f"{image}: its header does not tell its version")
    return words[0].decode("ascii", "replace")


def index_modules(tree: Path) -> None:
    """Let depmod write modules.dep, without which no module is found; packages leave it to their installation."""
    for modules in (*tree.glob("lib/modules/*"), *tree.glob("usr/lib/modules/*")):
        if not (modules / "kernel").is_dir():
            continue
        program = shutil.which("depmod", path=path_with_sbin()) or "depmod"
        base = modules.parent.parent.parent
        subprocess.run([program, "-b", str(base), modules.name], capture_output=True, timeout=300, check=True)


def predates(release: str, version: tuple[int, int]) -> bool:
    """Whether a release is older than a version; not when its string tells nothing."""
    found = re.match(r"(\d+)\.(\d+)", release)
    return found is not None and (int(found.group(1)), int(found.group(2))) < version
