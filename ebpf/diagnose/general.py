"""Causes that any map command may fail for: asked after those of the command and of the map type.

Source: __sys_bpf() and __bpf_map_get() of kernel/bpf/syscall.c.
"""

from __future__ import annotations

from ebpf.diagnose import groups
from ebpf.diagnose.failure import MapFailure, Row
from ebpf.diagnose.verdicts import verdict_error
from ebpf.errors import (
    ArgumentError,
    EbpfError,
    OutOfMemoryError,
    PermissionDeniedError,
    SyscallError,
    UnsupportedFeatureError,
)
from ebpf.verdict import ABSENT, COMPILED_OUT, DENIED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["BEFORE", "ROWS"]

_WITH_FD = (*groups.ELEMENTS, *groups.BATCHES, "BPF_MAP_FREEZE", "BPF_OBJ_PIN", "BPF_OBJ_GET_INFO_BY_FD")
_NEW_FD = ("BPF_MAP_CREATE", "BPF_OBJ_GET", "BPF_MAP_GET_FD_BY_ID")
_TYPE_SPECIFIC = (*groups.ELEMENTS, *groups.BATCHES)


def _row(
    name: str,
    error: str,
    commands: tuple[str, ...],
    condition: str,
    message: str,
    raises: type[EbpfError],
    when: Callable[[MapFailure], object] | None = None,
    explain: Callable[[MapFailure], EbpfError | None] | None = None,
) -> Row:
    return Row(name, error, raises, condition, message, commands=commands, when=when, explain=explain)


def _absent(f: MapFailure, name: str) -> EbpfError | None:
    if not name.startswith("BPF_"):
        return None
    verdict = f.check(name)
    return verdict_error(verdict) if verdict.status in (ABSENT, COMPILED_OUT) else None


def _absent_command(f: MapFailure) -> EbpfError | None:
    return _absent(f, f.command)


def _absent_type(f: MapFailure) -> EbpfError | None:
    return _absent(f, f.type)


def _absent_flag(f: MapFailure) -> EbpfError | None:
    from ebpf.core import rules

    verdict = rules.unsupported_flag(f.map_flags)
    return None if verdict is None else verdict_error(verdict)


def _denied(f: MapFailure) -> EbpfError | None:
    """The verdict on what was asked for, where it says that this process may not."""
    name = f.type if f.command == "BPF_MAP_CREATE" else f.command
    if not name.startswith("BPF_"):
        return None
    verdict = f.check(name)
    return verdict_error(verdict) if verdict.status in (ABSENT, COMPILED_OUT, DENIED) else None


def _locked_memory(f: MapFailure) -> bool:
    from ebpf.kernel import running

    memlock = running().host.memlock
    return memlock.soft is not None and bool(memlock.needed())


def _no_admin(f: MapFailure) -> bool:
    from ebpf.kernel import running

    return not running().host.capabilities.has("CAP_SYS_ADMIN")


# Asked before everything else: with these, nothing else that could be said would be true.
BEFORE = (
    _row(
        "closed",
        "EBADF",
        _WITH_FD,
        "the map's file descriptor is not open",
        "the map's file descriptor {f.fd} was closed behind its back",
        SyscallError,
        lambda f: f.closed,
    ),
    _row(
        "info_closed",
        "EBADFD",
        ("BPF_OBJ_GET_INFO_BY_FD",),
        "the file descriptor is not open",
        "the map's file descriptor {f.fd} was closed behind its back",
        SyscallError,
        lambda f: f.closed,
    ),
    _row(
        "not_a_map",
        "EINVAL",
        _WITH_FD,
        "the file descriptor is not a map's",
        "file descriptor {f.fd} is no map: it was closed and its number given to another file",
        SyscallError,
        lambda f: not f.is_map and not f.closed,
    ),
)

ROWS = (
    _row(
        "zero_seed",
        "EPERM",
        ("BPF_MAP_CREATE",),
        "BPF_F_ZERO_SEED without CAP_SYS_ADMIN",
        "flags hold BPF_F_ZERO_SEED (0x40), which needs CAP_SYS_ADMIN: it is for measurements only, leave it out",
        PermissionDeniedError,
        lambda f: f.flag("BPF_F_ZERO_SEED") and _no_admin(f),
    ),
    _row(
        "denied",
        "EPERM",
        groups.EVERY,
        "a capability is missing (CAP_BPF; CAP_NET_ADMIN for sockets, devices and AF_XDP; CAP_SYS_ADMIN for ids), or a"
        " sysctl, lockdown or user namespace refuses it",
        "",
        PermissionDeniedError,
        explain=_denied,
    ),
    _row(
        "locked_memory",
        "EPERM",
        ("BPF_MAP_CREATE",),
        "the map is larger than RLIMIT_MEMLOCK leaves, on kernels that count maps against it",
        "this kernel counts maps against RLIMIT_MEMLOCK, which is {f.memlock} for this process; the map takes at least"
        " {f.size}. Raise it: ulimit -l, or resource.setrlimit(resource.RLIMIT_MEMLOCK, …) as root.",
        PermissionDeniedError,
        _locked_memory,
    ),
    _row(
        "refused",
        "EPERM",
        groups.EVERY,
        "a security module or a seccomp filter",
        "this process may do so by its capabilities, but this call was refused: a security module or a seccomp filter"
        " may have done so",
        PermissionDeniedError,
    ),
    _row(
        "security_module",
        "EACCES",
        groups.EVERY,
        "a security module",
        "a security module (SELinux, AppArmor, BPF LSM …) refused the call: look at its log",
        PermissionDeniedError,
    ),
    _row(
        "type_absent",
        "EINVAL",
        ("BPF_MAP_CREATE",),
        "the kernel lacks the map type, or was built without it",
        "",
        UnsupportedFeatureError,
        explain=_absent_type,
    ),
    _row(
        "flag_absent",
        "EINVAL",
        ("BPF_MAP_CREATE",),
        "the kernel lacks a flag",
        "",
        UnsupportedFeatureError,
        explain=_absent_flag,
    ),
    _row(
        "command_absent",
        "EINVAL",
        groups.EVERY,
        "the kernel lacks the command",
        "",
        UnsupportedFeatureError,
        explain=_absent_command,
    ),
    _row(
        "unknown_type",
        "EINVAL",
        ("BPF_MAP_CREATE",),
        "no map type has this number",
        "{f.type} is none that any kernel has: give one of ebpf.uapi.BPF_MAP_TYPE_…",
        ArgumentError,
        lambda f: not f.type.startswith("BPF_"),
    ),
    _row(
        "arguments",
        "EINVAL",
        ("BPF_MAP_CREATE",),
        "the arguments do not go together",
        "the kernel refuses these arguments together: key_size {f.key_size}, value_size {f.value_size}, max_entries"
        " {f.max_entries}, flags {f.map_flags:#x}",
        ArgumentError,
    ),
    _row(
        "element_arguments",
        "EINVAL",
        tuple(command for command in groups.EVERY if command != "BPF_MAP_CREATE"),
        "flags or a value that this type or release does not take",
        "the kernel refuses the arguments: key {f.shown!r}, flags {f.flags:#x}",
        ArgumentError,
    ),
    *(
        _row(
            name,
            error,
            _TYPE_SPECIFIC,
            "the type does not have the operation",
            "the elements of this type cannot {f.verb}",
            ArgumentError,
        )
        for name, error in (("not_for_type", "ENOTSUPP"), ("not_for_type_op", "EOPNOTSUPP"))
    ),
    _row(
        "busy",
        "EBUSY",
        groups.EVERY,
        "the element, or its part of the map, is locked by a program or another thread just now",
        "the map is locked by a program or another thread just now: try again",
        SyscallError,
    ),
    _row(
        "again",
        "EAGAIN",
        groups.EVERY,
        "another thread changed the same thing at the same time",
        "another thread changed the same thing at the same time: try again",
        SyscallError,
    ),
    _row(
        "interrupted",
        "EINTR",
        groups.EVERY,
        "a signal came, or (batches of older kernels) an entry vanished while it was read",
        "the call was interrupted: try again. A batch is interrupted when entries vanish while it reads them.",
        SyscallError,
    ),
    _row(
        "no_memory_for_element",
        "ENOMEM",
        tuple(command for command in groups.EVERY if command != "BPF_MAP_CREATE"),
        "the kernel has no memory for the element, or for its copy of key and value",
        "the kernel has no memory for another entry right now",
        OutOfMemoryError,
    ),
    _row(
        "many_files",
        "EMFILE",
        _NEW_FD,
        "the process has as many open files as RLIMIT_NOFILE allows",
        "this process has too many open files. Close maps that are done with, or raise ulimit -n.",
        SyscallError,
    ),
    _row(
        "many_files_machine",
        "ENFILE",
        _NEW_FD,
        "the machine has as many open files as fs.file-max allows",
        "the machine has too many open files. Close maps that are done with, or raise the sysctl fs.file-max.",
        SyscallError,
    ),
    _row(
        "bad_address",
        "EFAULT",
        groups.EVERY,
        "a key, value or path is not in this process's memory",
        "a buffer is not in this process's memory; the oldest kernels take no first key either. This is an"
        " error of the caller of v1.lowlevel, or of the library",
        SyscallError,
    ),
    _row(
        "no_bpf",
        "ENOSYS",
        groups.EVERY,
        "the kernel is built without bpf(2) (CONFIG_BPF_SYSCALL), or a seccomp filter says so",
        "this kernel has no bpf(2): it is too old or built without CONFIG_BPF_SYSCALL, or a seccomp filter (of a"
        " container) hides it",
        UnsupportedFeatureError,
    ),
)
