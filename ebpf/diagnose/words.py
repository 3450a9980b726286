"""How messages write an errno and a size."""

from __future__ import annotations

import errno

__all__ = ["ENOTSUPP", "errno_name", "size_text"]

ENOTSUPP = 524
"""Linux's own errno for "not supported", without a name in user space (include/linux/errno.h)."""


def errno_name(error: int) -> str:
    """``EPERM`` for 1; the kernel's own 524 has no name in user space."""
    return "ENOTSUPP" if error == ENOTSUPP else errno.errorcode.get(error, f"errno {error}")


def size_text(count: int) -> str:
    """``4 KiB`` for 4096 bytes."""
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if count < 1024 or unit == "GiB":
            break
        count //= 1024
    return f"{count} {unit}"
