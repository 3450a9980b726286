"""Whether a seccomp filter stands between the calling thread and its system calls."""

from __future__ import annotations

__all__ = ["Seccomp"]


class Seccomp:
    """Seccomp's state: ``mode`` 0 (off), 1 (strict), 2 (filter); ``filters``, how many are stacked (Linux 5.9).

    Both are ``None`` where the kernel does not say, as before Linux 3.8 or without CONFIG_SECCOMP.
    """

    __slots__ = ("filters", "mode")

    def __init__(self, mode: int | None, filters: int | None) -> None:
        self.mode = mode
        self.filters = filters

    @classmethod
    def read(cls, fields: dict[str, str]) -> Seccomp:
        """From the fields of a thread's status."""
        return cls(_number(fields.get("Seccomp")), _number(fields.get("Seccomp_filters")))

    def __repr__(self) -> str:
        return f"Seccomp(mode={self.mode}, filters={self.filters})"


def _number(field: str | None) -> int | None:
    return int(field) if field and field.isdigit() else None
