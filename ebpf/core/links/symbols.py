"""The kernel's functions by name, from /proc/kallsyms and tracefs."""

from __future__ import annotations

import os
import re

__all__ = ["matching", "syscall_function"]

_PREFIXES = {
    "x86_64": "__x64_sys_",
    "i386": "__ia32_sys_",
    "i686": "__ia32_sys_",
    "s390x": "__s390x_sys_",
    "aarch64": "__arm64_sys_",
    "riscv64": "__riscv_sys_",
}
_TRACEABLE = ("/sys/kernel/tracing/available_filter_functions", "/sys/kernel/debug/tracing/available_filter_functions")


def syscall_function(name: str) -> str:
    """The function of a system call: ``__x64_sys_openat``; ``sys_openat`` where kernels have no wrappers (before 4.17).

    Linux kernel commit d5a00528b58c ("syscalls/core, syscalls/x86: Rename struct pt_regs-based sys_*() to
    __x64_sys_*()") (in v4.17).
    """
    prefix = _PREFIXES.get(os.uname().machine, "sys_")
    return next(
        (found for found in (prefix + name, f"sys_{name}", f"__se_sys_{name}") if _exists(found)), prefix + name
    )


def _exists(name: str) -> bool:
    needle = f" {name}\n".encode()
    try:
        with open("/proc/kallsyms", "rb") as file:
            return any(line.endswith(needle) for line in file)
    except OSError:
        return True


def matching(pattern: str) -> list[str]:
    """The functions that can be traced and match a pattern with ``*`` and ``?``."""
    name = re.escape(pattern).replace(r"\*", r"\S*").replace(r"\?", r"\S").encode()
    for path in _TRACEABLE:
        try:
            with open(path, "rb") as file:
                return _found(re.compile(rb"^(%s)(?=\s|$)" % name, re.MULTILINE), file.read())
        except OSError:
            continue
    with open("/proc/kallsyms", "rb") as file:
        return _found(re.compile(rb"^\S+ [tT] (%s)(?=\s|$)" % name, re.MULTILINE), file.read())


def _found(pattern: re.Pattern[bytes], content: bytes) -> list[str]:
    return sorted({each.decode("ascii", "replace") for each in pattern.findall(content)})
