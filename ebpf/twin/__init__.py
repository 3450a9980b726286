"""The C twin: the hot paths of `ebpf.syscall`, `ebpf.core` and `ebpf.btf` again in C, in the extension ``ebpf._twin``.

It is built when there is a compiler, and everything works without it, slower. Whatever it does, the module that uses it
does in Python as well, and the same tests run over both.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["extension", "implementation"]


def _choose() -> Any:
    """The extension, unless it was not built, is for another Python, or is not wanted."""
    wanted = os.environ.get("EBPF_SYSCALL", "")
    if wanted not in ("", "c", "ctypes"):
        from ebpf.errors import ArgumentError

        raise ArgumentError(f"EBPF_SYSCALL is {wanted!r}: it chooses the implementation of bpf(2), 'c' or 'ctypes'")
    if wanted == "ctypes":
        return None
    try:
        from ebpf import _twin
    except ImportError:
        if wanted == "c":
            raise
        return None
    return _twin


extension = _choose()
"""The module ``ebpf._twin``, `None` without it. ``EBPF_SYSCALL=ctypes`` in the environment keeps it away,
``EBPF_SYSCALL=c`` insists on it."""
implementation = "ctypes" if extension is None else "c"
"""Which implementation is in use: ``"c"`` or ``"ctypes"``."""
