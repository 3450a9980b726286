"""A BPF_BTF_LOAD that failed, turned into the reason a person can act on."""

from __future__ import annotations

import errno
import os

from ebpf.errors import ArgumentError, EbpfError, OutOfMemoryError, SyscallError

__all__ = ["load_error"]

_COMMAND = "BPF_BTF_LOAD"


def load_error(error: int, log: str) -> EbpfError:
    """The exception for type information that the kernel refused with errno `error` and this log."""
    from ebpf.diagnose import verdict_error
    from ebpf.kernel import running

    name = errno.errorcode.get(error, f"errno {error}")
    what = f"{_COMMAND} failed ({name})"
    verdict = running().check("btf_load")
    if not verdict and verdict.status != "unknown":
        return verdict_error(verdict)
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    if error in (errno.EINVAL, errno.E2BIG, errno.ENOTSUP):
        return ArgumentError(f"{what}: {lines[-1] if lines else 'the kernel says nothing about it'}")
    if error == errno.ENOMEM:
        return OutOfMemoryError(error, f"{what}: the kernel has no memory for it", _COMMAND)
    return SyscallError(error, f"{what}: {os.strerror(error)}", _COMMAND)
