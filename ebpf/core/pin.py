"""Objects in a bpf file system, and by their ids: ``BPF_OBJ_PIN``, ``BPF_OBJ_GET``, ``…_GET_FD_BY_ID``."""

from __future__ import annotations

import ctypes
import errno
import os
import struct

from ebpf import syscall, uapi
from ebpf.errors import ArgumentError, PermissionDeniedError, SyscallError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ebpf.errors import EbpfError

__all__ = ["get_by_id", "get_pinned", "next_id", "pin"]

_OBJ = struct.Struct("=QII")  # pathname, bpf_fd, file_flags
_ID = struct.Struct("=III")  # id, next_id, open_flags


def pin(fd: int, path: str | os.PathLike[str]) -> None:
    """Give an object a name in a bpf file system: one ``BPF_OBJ_PIN``. It stays until the file is removed.

    Needs Linux 4.4. Raises `SyscallError` (``EEXIST``: the path is taken; ``ENOENT``: its directory is missing),
    `ArgumentError` when the path is not in a bpf file system, `PermissionDeniedError`.
    """
    name = os.fsencode(path)
    held = ctypes.create_string_buffer(name)
    result = syscall.attempt(uapi.BPF_OBJ_PIN, _OBJ.pack(ctypes.addressof(held), fd, 0))
    if result < 0:
        raise _failed("BPF_OBJ_PIN", os.fsdecode(name), -result)


def get_pinned(path: str | os.PathLike[str], flags: int = 0) -> int:
    """A new file descriptor of a pinned object: one ``BPF_OBJ_GET``. Raises as `pin`.

    Parameters:
        flags: ``BPF_F_RDONLY`` or ``BPF_F_WRONLY``, of a map.
    """
    name = os.fsencode(path)
    held = ctypes.create_string_buffer(name)
    result = syscall.attempt(uapi.BPF_OBJ_GET, _OBJ.pack(ctypes.addressof(held), 0, flags))
    if result < 0:
        raise _failed("BPF_OBJ_GET", os.fsdecode(name), -result)
    return result


def get_by_id(command: str, number: int, flags: int = 0) -> int:
    """A new file descriptor of the object with an id: one ``BPF_MAP_GET_FD_BY_ID``, ``BPF_PROG_…`` or the like.

    Needs Linux 4.13 and CAP_SYS_ADMIN. Raises `SyscallError` (``ENOENT``: no object has the id).
    """
    try:
        attr = _ID.pack(number, 0, flags)
    except struct.error:
        raise ArgumentError(f"id {number!r} is not a number from 0 to {2**32 - 1}") from None
    result = syscall.attempt(getattr(uapi, command), attr)
    if result < 0:
        raise _failed(command, f"id {number}", -result)
    return result


def next_id(command: str, number: int) -> int | None:
    """The id after `number` (0: the first), ``None`` at the end: one ``BPF_MAP_GET_NEXT_ID`` or the like.

    Needs Linux 4.13 and CAP_SYS_ADMIN.
    """
    attr = bytearray(_ID.pack(number, 0, 0))
    result = syscall.attempt(getattr(uapi, command), attr)
    if result == -errno.ENOENT:
        return None
    if result < 0:
        raise _failed(command, f"after id {number}", -result)
    following: int = _ID.unpack(attr)[1]
    return following


def _failed(command: str, subject: str, error: int) -> EbpfError:
    from ebpf.diagnose.words import errno_name

    what = f"{command} of {subject} failed ({errno_name(error)})"
    if error in (errno.EPERM, errno.EACCES):
        if command in ("BPF_OBJ_PIN", "BPF_OBJ_GET"):
            return PermissionDeniedError(
                f"{what}: this process may not, for the permissions of the path, or because it may not use bpf(2) at"
                " all; a directory outside a bpf file system is refused so as well",
                errno=error,
            )
        return PermissionDeniedError(f"{what}: opening objects by their ids needs CAP_SYS_ADMIN", errno=error)
    if error == errno.EINVAL and not command.startswith("BPF_OBJ"):
        from ebpf import diagnose
        from ebpf.kernel import running

        verdict = running().check(command)
        if not verdict:
            return diagnose.verdict_error(verdict)
    why = {
        errno.EEXIST: "the path is taken already; unlink it first, or open what is pinned there",
        errno.ENOENT: "there is no such path" if command.startswith("BPF_OBJ") else "there is no such object",
        errno.EINVAL: "the path is in no bpf file system, or the object cannot be pinned; mount one with"
        " mount -t bpf bpf /sys/fs/bpf",
        errno.ENOTDIR: "a part of the path is not a directory",
        errno.ENAMETOOLONG: "the path is too long",
    }.get(error, os.strerror(error))
    return SyscallError(error, f"{what}: {why}", command)
