"""Trials of abilities that have no symbol of their own: what maps and programs can do once they are there."""

from __future__ import annotations

import errno
import os
import struct

from ebpf import syscall, uapi
from ebpf.probe import calls, context
from ebpf.probe.elements import element
from ebpf.probe.judge import judge
from ebpf.probe.outcome import Outcome
from ebpf.verdict import ABSENT, SUPPORTED, UNKNOWN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Trial = Callable[[str], Outcome | None]

__all__ = ["SAME_AS", "TABLE", "trial"]

_ENOENT, _EINVAL, _EFAULT = errno.ENOENT, errno.EINVAL, errno.EFAULT


def _on_map(use: Callable[[int], int], call: str, *, known: tuple[int, ...] = (), absent: tuple[int, ...]) -> Trial:
    """One command on an empty hash map of one element."""

    def try_it(name: str) -> Outcome:
        fd = calls.create_map(uapi.BPF_MAP_TYPE_HASH, 4, 4, 1)
        if fd < 0:
            return judge(fd, "BPF_MAP_CREATE of a hash map", context.can_create_map, absent=())
        try:
            result = use(fd)
        finally:
            syscall.close(fd)
        return judge(result, call, context.can_create_map, known=known, absent=absent, makes_fd=False)

    return try_it


def _freeze(fd: int) -> int:
    """Freeze the map; a write then answers EPERM, which is no refusal of the process."""
    result = syscall.attempt(uapi.BPF_MAP_FREEZE, struct.pack("=I", fd))
    if result < 0:
        return result
    return 0 if element(uapi.BPF_MAP_UPDATE_ELEM, fd) == -errno.EPERM else -_EINVAL


def _test_run(name: str) -> Outcome:
    """An empty socket filter runs once, on 64 zero bytes."""
    fd = calls.load_program(uapi.BPF_PROG_TYPE_SOCKET_FILTER)
    if fd < 0:
        return judge(fd, "BPF_PROG_LOAD of an empty socket filter", context.can_load)
    data = calls.buffer(bytes(64))
    try:
        attr = struct.pack("=4I2Q2I", fd, 0, 64, 0, calls.address(data), 0, 0, 0)
        result = syscall.attempt(uapi.BPF_PROG_TEST_RUN, attr)
    finally:
        syscall.close(fd)
    return judge(result, "BPF_PROG_TEST_RUN of a socket filter", context.can_load, makes_fd=False)


def _memcg(name: str) -> Outcome | None:
    """Whether maps are made under a memlock limit of zero, in a child process."""
    from ebpf import host

    needed = host.read().memlock.needed()
    if needed is None:
        control = context.can_create_map()
        if control.status != SUPPORTED:
            return control
        return Outcome(UNKNOWN, "a map under a memlock limit of zero was not refused for that")
    if needed:
        return Outcome(ABSENT, "a map was refused under a memlock limit of zero")
    return Outcome(SUPPORTED, "a map was made under a memlock limit of zero")


def _file(path: str) -> Trial:
    """A file that the kernel shows when it has the ability; that it is not there shows nothing."""

    def try_it(name: str) -> Outcome | None:
        return Outcome(SUPPORTED, f"{path} is there") if os.path.exists(path) else None

    return try_it


TABLE: dict[str, Trial] = {
    # Before 4.12 a missing key is copied from nowhere: EFAULT.
    "get_next_key_null": _on_map(
        lambda fd: element(uapi.BPF_MAP_GET_NEXT_KEY, fd, key=None),
        "BPF_MAP_GET_NEXT_KEY of no key",
        known=(_ENOENT,),
        absent=(_EFAULT,),
    ),
    # ENOTSUPP from maps that are no queue or stack, before 5.14.
    "lookup_and_delete_hash": _on_map(
        lambda fd: element(uapi.BPF_MAP_LOOKUP_AND_DELETE_ELEM, fd),
        "BPF_MAP_LOOKUP_AND_DELETE_ELEM of a hash map",
        known=(_ENOENT,),
        absent=(calls.ENOTSUPP, errno.EOPNOTSUPP, _EINVAL),
    ),
    "map_freeze": _on_map(_freeze, "BPF_MAP_FREEZE, then a write,", absent=(_EINVAL,)),
    "test_run": _test_run,
    "memcg_accounting": _memcg,
    "jit": _file("/proc/sys/net/core/bpf_jit_enable"),
}

# Abilities that are another feature's trial, by that feature's name.
SAME_AS: dict[str, str] = {
    "map_mmap": "BPF_F_MMAPABLE",
    "bpf_token": "BPF_TOKEN_CREATE",
}


def trial(name: str, program_type: str | None = None) -> Outcome | None:
    """Whether the kernel can do this; `None` for a name without a trial."""
    import featuredb

    kind = featuredb.kind_of(name)
    if kind in ("iterator", "struct_ops"):
        from ebpf.probe import targets

        return targets.iterator(name[len("iter_") :]) if kind == "iterator" else targets.struct_ops(name)
    other = SAME_AS.get(name)
    if other is not None:
        from ebpf import probe

        return probe.trial(other)
    row = TABLE.get(name)
    return None if row is None else row(name)
