"""Opening, listing and pinning objects of any kind: what a refusal means. What is not here is in the maps' table."""

from __future__ import annotations

import errno
import os

from ebpf.diagnose.failure import MapFailure
from ebpf.diagnose.maps import explain
from ebpf.diagnose.verdicts import verdict_error
from ebpf.errors import EbpfError, KeyMissingError, PermissionDeniedError, SyscallError
from ebpf.probe.calls import spell

__all__ = ["object_command", "object_path"]


def object_command(command: int, doing: str, error: int, number: int | None = None) -> EbpfError:
    """The exception for a command on ids or descriptors.

    Parameters:
        command: the number of the bpf() command.
        doing: what was done, as a clause: ``opening the map with id 7``.
        error: the errno.
        number: the id that was asked for.
    """
    from ebpf.core import rules
    from ebpf.kernel import running

    name = rules.command_name(command)
    what = f"{doing} failed ({spell(error)})"
    if error == errno.ENOENT and number is not None:
        return KeyMissingError(error, f"{what}: there is no such id, or no longer", name)
    if error in (errno.EINVAL, errno.EPERM):
        verdict = running().check(name)
        if not verdict and verdict.status != "unknown":
            return verdict_error(verdict)
    if error == errno.EPERM:
        return PermissionDeniedError(f"{what}: {name} needs CAP_SYS_ADMIN", errno=error)
    return explain(MapFailure(command, error, map_id=number))[1]


def object_path(command: int, doing: str, error: int, path: str) -> EbpfError:
    """The exception for pinning at a path, or opening what is pinned there."""
    from ebpf.core import rules

    name = rules.command_name(command)
    what = f"{doing} failed ({spell(error)})"
    pinning = name == "BPF_OBJ_PIN"
    parent = os.path.dirname(os.path.abspath(path))
    if error == errno.EEXIST:
        return SyscallError(error, f"{what}: the path is taken. Unpin what is there, or take another.", name)
    if error == errno.ENOENT:
        missing = f"the directory {parent} is not there" if pinning else "nothing is pinned there"
        return SyscallError(error, f"{what}: {missing}", name)
    if error == errno.EPERM and os.path.isdir(parent) and not _is_bpffs(parent):
        hint = "mount -t bpf bpf /sys/fs/bpf" if pinning else "a path below /sys/fs/bpf"
        return SyscallError(error, f"{what}: {parent} is not in a BPF file system. Use {hint}.", name)
    if error in (errno.EPERM, errno.EACCES):
        return PermissionDeniedError(f"{what}: this process may not", errno=error)
    return explain(MapFailure(command, error, path=path))[1]


def _is_bpffs(directory: str) -> bool:
    from ebpf.host.files import Files
    from ebpf.host.mounts import Mounts

    try:
        device = os.stat(directory).st_dev
        return any(os.stat(mount.path).st_dev == device for mount in Mounts.read(Files()).all("bpf"))
    except OSError:
        return True  # not known: say nothing about it
