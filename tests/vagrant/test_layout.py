from __future__ import annotations

import struct
from pathlib import Path

import pytest

from vagrant import layout
from vagrant.errors import MatrixError


def bzimage(path: Path, release: str = "4.4.302-mine") -> Path:
    """The header of a bzImage, as far as it is read: Documentation/arch/x86/boot.rst."""
    head = bytearray(0x1000)
    head[0x202:0x206] = b"HdrS"
    struct.pack_into("<H", head, 0x20E, 0x600)
    text = f"{release} (me@here) #1 SMP\0".encode()
    head[0x800 : 0x800 + len(text)] = text
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(head))
    return path


def test_the_release_of_an_image(tmp_path: Path) -> None:
    assert layout.release_of(bzimage(tmp_path / "bzImage")) == "4.4.302-mine"


@pytest.mark.parametrize("content", [b"", b"\x7fELF" * 1000, b"\0" * 0x202 + b"HdrS" + b"\0" * 0x1000])
def test_what_is_no_image(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bzImage").write_bytes(content)
    with pytest.raises(MatrixError, match=r"bzImage: (no bzImage|its header)"):
        layout.release_of(tmp_path / "bzImage")


def test_an_image_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(MatrixError, match="bzImage: no such file"):
        layout.of_image(tmp_path / "bzImage", None, None)
    image = bzimage(tmp_path / "bzImage")
    with pytest.raises(MatrixError, match="config: no such file"):
        layout.of_image(image, tmp_path / "config", None)


def test_an_image_without_modules(tmp_path: Path) -> None:
    files = layout.of_image(bzimage(tmp_path / "bzImage"), None, None)
    assert (files.modules, files.config, files.release) == (None, None, "4.4.302-mine")


def test_modules_beside_an_image_are_found(tmp_path: Path) -> None:
    modules = tmp_path / "lib/modules/4.4.302-mine"
    modules.mkdir(parents=True)
    assert layout.of_image(bzimage(tmp_path / "boot/vmlinuz"), None, None).modules == modules
    assert layout.of_image(bzimage(tmp_path / "bzImage"), None, tmp_path).modules == modules


def test_modules_of_another_kernel_are_refused(tmp_path: Path) -> None:
    (tmp_path / "6.1").mkdir()
    with pytest.raises(MatrixError, match=r"no modules of 4\.4\.302-mine"):
        layout.of_image(bzimage(tmp_path / "bzImage"), None, tmp_path / "6.1")


@pytest.mark.parametrize(
    "files",
    [
        ("boot/vmlinuz-1", "boot/config-1", "lib/modules/1/modules.order"),
        ("usr/lib/modules/1/vmlinuz", "usr/lib/modules/1/config"),  # Debian since 6.19
    ],
)
def test_both_layouts_of_packages(tmp_path: Path, files: tuple[str, ...]) -> None:
    for name in files:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    found = layout.of_package(tmp_path)
    assert (found.release, found.image.exists()) == ("1", True)
    assert found.config is not None
    assert found.modules is not None


def test_a_package_without_a_kernel(tmp_path: Path) -> None:
    with pytest.raises(MatrixError, match="no whole kernel"):
        layout.of_package(tmp_path)


@pytest.mark.parametrize(("release", "old"), [("4.4.0", True), ("5.3-rc1", True), ("5.4.1", False), ("6.1.0-5", False)])
def test_which_kernels_predate_virtiofs(release: str, old: bool) -> None:
    assert layout.predates(release, (5, 4)) is old
