"""How messages write a size."""

from __future__ import annotations

__all__ = ["size_text"]


def size_text(count: int) -> str:
    """``4 KiB`` for 4096 bytes."""
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if count < 1024 or unit == "GiB":
            break
        count //= 1024
    return f"{count} {unit}"
