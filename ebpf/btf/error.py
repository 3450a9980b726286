"""What is wrong with a BTF blob, and where."""

from __future__ import annotations

from ebpf.errors import EbpfError

__all__ = ["BtfError"]


class BtfError(EbpfError, ValueError):
    """Data that is no BTF, or malformed. ``offset`` is the byte at which reading it failed."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(f"BTF: {message} (at byte {offset})")
        self.offset = offset
