"""A failed map command of bpf(2), turned into the reason a person can act on."""

from __future__ import annotations

import errno
import os

from ebpf.diagnose.verdicts import verdict_error
from ebpf.diagnose.words import errno_name, size_text
from ebpf.errors import (
    ArgumentError,
    EbpfError,
    KeyExistsError,
    KeyMissingError,
    MapFullError,
    OutOfMemoryError,
    PermissionDeniedError,
    SyscallError,
)
from ebpf.verdict import ABSENT, COMPILED_OUT, DENIED, SUPPORTED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ebpf.verdict import Verdict

__all__ = ["map_arguments", "map_create", "map_element"]


def map_arguments(map_type: int, key_size: int, value_size: int, max_entries: int, flags: int) -> ArgumentError:
    """The error for arguments that do not even fit the fields of the system call."""
    for name, number in (
        ("map type", map_type),
        ("key_size", key_size),
        ("value_size", value_size),
        ("max_entries", max_entries),
        ("flags", flags),
    ):
        if not isinstance(number, int):
            return ArgumentError(f"{name} is {number!r}: give an integer")
        if not 0 <= number < 2**32:
            return ArgumentError(f"{name} is {number}: give a number from 0 to {2**32 - 1}")
    return ArgumentError("the arguments fit; this is an error of the library")


def map_create(map_type: int, key_size: int, value_size: int, max_entries: int, flags: int, error: int) -> EbpfError:
    """The exception for a ``BPF_MAP_CREATE`` that failed with errno `error`.

    Parameters as for `ebpf.core.map.MapCore`.
    """
    from ebpf.core import rules
    from ebpf.kernel import running

    name = rules.map_type_name(map_type)
    what = f"BPF_MAP_CREATE of {name} failed ({errno_name(error)})"
    if error in (errno.EINVAL, errno.E2BIG):
        broken = rules.broken(name, key_size, value_size, max_entries)
        if broken:
            return ArgumentError(f"{what}: {broken}")
    if error == errno.ENOMEM:
        size = (key_size + value_size) * max_entries
        return OutOfMemoryError(
            error,
            f"{what}: the kernel has no memory for {max_entries} entries of {key_size} + {value_size} bytes"
            f" (at least {size_text(size)}). Use fewer max_entries, or BPF_F_NO_PREALLOC for a hash map.",
            "BPF_MAP_CREATE",
        )
    if error in (errno.EMFILE, errno.ENFILE):
        scope = "this process has" if error == errno.EMFILE else "the machine has"
        return SyscallError(
            error,
            f"{what}: {scope} too many open files. Close maps that are done with, or raise ulimit -n.",
            "BPF_MAP_CREATE",
        )
    if error == errno.E2BIG:
        return ArgumentError(
            f"{what}: key_size {key_size}, value_size {value_size} and max_entries {max_entries} together are more than"
            f" this kernel can address in one map."
        )
    if name.startswith("BPF_"):
        verdict = running().check(name)
        if verdict.status in (ABSENT, COMPILED_OUT, DENIED):
            return verdict_error(verdict)
        if error in (errno.EPERM, errno.EACCES):
            return _refused(what, verdict, (key_size + value_size) * max_entries)
        unsupported = rules.unsupported_flag(flags)
        if unsupported is not None:
            return verdict_error(unsupported)
    return ArgumentError(
        f"{what}: the kernel refuses these arguments together: key_size {key_size}, value_size {value_size},"
        f" max_entries {max_entries}, flags {flags:#x}"
    )


def _refused(what: str, verdict: Verdict, size: int) -> EbpfError:
    """EPERM for a map although a small one of its type can be made: locked memory, or a security module."""
    from ebpf.kernel import running

    memlock = running().host.memlock
    if memlock.soft is not None and memlock.needed():
        return PermissionDeniedError(
            f"{what}: this kernel counts maps against RLIMIT_MEMLOCK, which is {size_text(memlock.soft)} for this"
            f" process; the map takes at least {size_text(size)}."
            " Raise it: ulimit -l, or resource.setrlimit(resource.RLIMIT_MEMLOCK, …) as root.",
            verdict,
            errno.EPERM,
        )
    state = "works here" if verdict.status == SUPPORTED else f"is {verdict.status}"
    return PermissionDeniedError(
        f"{what}: the type {state}, but this call was refused: a security module or a seccomp filter may have done so.",
        verdict,
        errno.EPERM,
    )


def map_element(command: int, map_type: int, max_entries: int, key: object, flags: int, error: int) -> EbpfError:
    """The exception for an operation on an element (lookup, update, delete, next key) that failed with errno `error`.

    Parameters:
        command: the number of the bpf() command.
        map_type, max_entries: of the map.
        key: the key as the caller gave it.
        flags: of the operation.
    """
    from ebpf.core import rules

    name = rules.map_type_name(map_type)
    operation = rules.command_name(command)
    if error == errno.ENOENT:
        return KeyMissingError(error, f"{name} has no entry under key {key!r}", operation)
    if error == errno.EEXIST:
        return KeyExistsError(error, f"{name} has an entry under key {key!r} already", operation)
    if error == errno.E2BIG:
        if rules.is_array(name):
            return KeyMissingError(
                error, f"index {key!r} is beyond the array: it has 0 to {max_entries - 1}", operation
            )
        return MapFullError(
            error,
            f"{name} is full: it was made for max_entries = {max_entries}. Delete entries or make it larger.",
            operation,
        )
    what = f"{operation} on {name} failed ({errno_name(error)})"
    if error == errno.EINVAL and rules.is_array(name) and operation == "BPF_MAP_DELETE_ELEM":
        return ArgumentError(f"{what}: the elements of an array cannot be deleted; write a zero instead")
    if error == errno.EINVAL:
        return ArgumentError(f"{what}: flags {flags:#x} are not for this operation on this kernel")
    if error == errno.EPERM:
        return PermissionDeniedError(
            f"{what}: the map is frozen, read-only or write-only for user space, or this process may not use bpf(2)",
            errno=error,
        )
    if error == errno.ENOMEM:
        return OutOfMemoryError(error, f"{what}: the kernel has no memory for another entry right now", operation)
    if error == errno.EBADF:
        return SyscallError(error, f"{what}: the map's file descriptor was closed behind its back", operation)
    return SyscallError(error, f"{what}: {os.strerror(error)}", operation)
