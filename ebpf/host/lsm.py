"""The security modules that are active."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ebpf.host.files import Files

__all__ = ["read"]


def read(files: Files) -> list[str] | None:
    """The active security modules in order; ``None`` when securityfs is not mounted or the kernel has no list.

    Linux kernel commit d69dece5f5b6 ("LSM: Add /sys/kernel/security/lsm") (in v4.11).
    """
    text = files.text("/sys/kernel/security/lsm")
    if not text:
        return None
    return [name.strip() for name in text.split(",") if name.strip()]
