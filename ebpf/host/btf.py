"""Where the kernel's own type information is."""

from __future__ import annotations

from ebpf.host.files import MISSING, UNREADABLE, Files, status_of

__all__ = ["READABLE", "candidates", "find"]

READABLE = "readable"
# include/uapi/linux/btf.h, BTF_MAGIC in either byte order; an ELF file may hold a .BTF section.
_MAGIC = (b"\x9f\xeb", b"\xeb\x9f", b"\x7fE")


def candidates(release: str) -> tuple[str, ...]:
    """The places where libbpf looks, in its order (src/btf.c, btf__load_vmlinux_btf())."""
    return (
        "/sys/kernel/btf/vmlinux",
        f"/boot/vmlinux-{release}",
        f"/lib/modules/{release}/vmlinux-{release}",
        f"/lib/modules/{release}/build/vmlinux",
        f"/usr/lib/modules/{release}/kernel/vmlinux",
        f"/usr/lib/debug/boot/vmlinux-{release}",
        f"/usr/lib/debug/boot/vmlinux-{release}.debug",
        f"/usr/lib/debug/lib/modules/{release}/vmlinux",
    )


def find(files: Files, release: str) -> tuple[str | None, str]:
    """The first file that can be read and its status, ``"readable"``.

    When none can be read: the first that exists and ``"unreadable"``, else ``None`` and ``"missing"``.
    """
    failed: str | None = None
    for name in candidates(release):
        try:
            start = files.read(name, 2)
        except OSError as error:
            if status_of(error) == UNREADABLE and failed is None:
                failed = files.path(name)
            continue
        if start in _MAGIC:
            return files.path(name), READABLE
        if failed is None:
            failed = files.path(name)
    return (failed, UNREADABLE) if failed else (None, MISSING)
