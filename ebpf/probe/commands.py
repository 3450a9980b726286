"""Trials of the bpf() commands.

Each names an object that does not exist (a descriptor that is not open, an id that was never given, no path), so that a
kernel which knows the command stops there, with an errno of its own; one that does not know it answers EINVAL. The
number of a command that no kernel has answers EINVAL as well: the negative control in the tests.
"""

from __future__ import annotations

import errno
import struct

from ebpf import syscall, uapi
from ebpf.probe import calls, context
from ebpf.probe.calls import BAD_FD
from ebpf.probe.judge import judge
from ebpf.probe.outcome import Outcome

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["NAMES", "TABLE", "CommandTrial", "trial"]

_EBADF, _ENOENT, _EFAULT = errno.EBADF, errno.ENOENT, errno.EFAULT
_EBADFD, _E2BIG, _EOPNOTSUPP = errno.EBADFD, errno.E2BIG, errno.EOPNOTSUPP
_EINVAL = errno.EINVAL

_BAD_ID = (
    0x7FFFFFFE  # ids are given from 1 upwards, cyclically, below INT_MAX (kernel/bpf/syscall.c, idr_alloc_cyclic())
)
_INET_INGRESS = uapi.BPF_CGROUP_INET_INGRESS
_STREAM_PARSER = uapi.BPF_SK_SKB_STREAM_PARSER
_FLOW_DISSECTOR = uapi.BPF_FLOW_DISSECTOR


class CommandTrial:
    """One command's trial: its number, attributes to try in turn, the errnos of a kernel that knows it, its control."""

    __slots__ = ("attrs", "control", "known", "number", "what")

    def __init__(
        self,
        number: int,
        *attrs: bytes,
        known: tuple[int, ...] = (_EBADF,),
        control: Callable[[], Outcome] = context.can_create_map,
        what: str = "nothing",
    ) -> None:
        self.number = number
        self.attrs = attrs
        self.known = known
        self.control = control
        self.what = what


def _words(*words: int) -> bytes:
    return struct.pack(f"={len(words)}I", *words)


_BATCH = bytes(36) + _words(BAD_FD) + bytes(16)  # batch.map_fd is at 36
_load = context.can_load

TABLE: dict[str, CommandTrial] = {
    # map_fd first: EBADF before the key is looked at.
    "BPF_MAP_LOOKUP_ELEM": CommandTrial(uapi.BPF_MAP_LOOKUP_ELEM, _words(BAD_FD) + bytes(28)),
    "BPF_MAP_UPDATE_ELEM": CommandTrial(uapi.BPF_MAP_UPDATE_ELEM, _words(BAD_FD) + bytes(28)),
    "BPF_MAP_DELETE_ELEM": CommandTrial(uapi.BPF_MAP_DELETE_ELEM, _words(BAD_FD) + bytes(12)),
    "BPF_MAP_GET_NEXT_KEY": CommandTrial(uapi.BPF_MAP_GET_NEXT_KEY, _words(BAD_FD) + bytes(20)),
    # No path: EFAULT. bpf_obj_get_user() looks at nothing before the path.
    "BPF_OBJ_GET": CommandTrial(uapi.BPF_OBJ_GET, bytes(16), known=(_EFAULT,)),
    # EBADF from the program's descriptor; where cgroup BPF is compiled out of an old kernel only the sockmap type is
    # left, which answers EOPNOTSUPP when sockmaps are compiled out as well.
    "BPF_PROG_ATTACH": CommandTrial(
        uapi.BPF_PROG_ATTACH,
        _words(BAD_FD, BAD_FD, _INET_INGRESS, 0),
        _words(BAD_FD, BAD_FD, _STREAM_PARSER, 0),
        known=(_EBADF, _EOPNOTSUPP),
        control=context.can_attach,
    ),
    "BPF_PROG_DETACH": CommandTrial(
        uapi.BPF_PROG_DETACH,
        _words(BAD_FD, BAD_FD, _INET_INGRESS),
        _words(BAD_FD, BAD_FD, _STREAM_PARSER),
        known=(_EBADF, _EOPNOTSUPP),
        control=context.can_attach,
    ),
    "BPF_PROG_TEST_RUN": CommandTrial(uapi.BPF_PROG_TEST_RUN, _words(BAD_FD) + bytes(36), control=_load),
    "BPF_PROG_RUN": CommandTrial(uapi.BPF_PROG_RUN, _words(BAD_FD) + bytes(36), control=_load),  # its newer name
    # The next id after the last possible one: ENOENT. Needs CAP_SYS_ADMIN, checked before: EPERM.
    "BPF_PROG_GET_NEXT_ID": CommandTrial(
        uapi.BPF_PROG_GET_NEXT_ID, _words(_BAD_ID, 0, 0), known=(_ENOENT,), control=_load
    ),
    "BPF_MAP_GET_NEXT_ID": CommandTrial(uapi.BPF_MAP_GET_NEXT_ID, _words(_BAD_ID, 0, 0), known=(_ENOENT,)),
    "BPF_PROG_GET_FD_BY_ID": CommandTrial(uapi.BPF_PROG_GET_FD_BY_ID, _words(_BAD_ID), known=(_ENOENT,), control=_load),
    "BPF_MAP_GET_FD_BY_ID": CommandTrial(uapi.BPF_MAP_GET_FD_BY_ID, _words(_BAD_ID), known=(_ENOENT,)),
    # EBADFD ("descriptor in bad state"), not EBADF, up to 6.x.
    "BPF_OBJ_GET_INFO_BY_FD": CommandTrial(
        uapi.BPF_OBJ_GET_INFO_BY_FD, _words(BAD_FD, 0, 0, 0), known=(_EBADF, _EBADFD)
    ),
    # Each attach type is asked of its own subsystem, and EINVAL when that is compiled out: one of three is enough.
    "BPF_PROG_QUERY": CommandTrial(
        uapi.BPF_PROG_QUERY,
        _words(BAD_FD, _INET_INGRESS, 0, 0, 0, 0, 0),
        _words(BAD_FD, _FLOW_DISSECTOR, 0, 0, 0, 0, 0),
        _words(BAD_FD, _STREAM_PARSER, 0, 0, 0, 0, 0),
        known=(_EBADF, _EOPNOTSUPP),
        control=_load,
    ),
    # 4.17 copies the tracepoint's name first: EFAULT, since there is none.
    "BPF_RAW_TRACEPOINT_OPEN": CommandTrial(
        uapi.BPF_RAW_TRACEPOINT_OPEN, bytes(8) + _words(BAD_FD), known=(_EBADF, _EFAULT), control=context.can_trace
    ),
    "BPF_BTF_GET_FD_BY_ID": CommandTrial(uapi.BPF_BTF_GET_FD_BY_ID, _words(_BAD_ID), known=(_ENOENT,)),
    # ENOENT: no such process. Needs CAP_SYS_ADMIN (CAP_PERFMON is not enough), checked before.
    "BPF_TASK_FD_QUERY": CommandTrial(
        uapi.BPF_TASK_FD_QUERY, _words(_BAD_ID, BAD_FD) + bytes(40), known=(_ENOENT, _EBADF)
    ),
    "BPF_MAP_LOOKUP_AND_DELETE_ELEM": CommandTrial(uapi.BPF_MAP_LOOKUP_AND_DELETE_ELEM, _words(BAD_FD) + bytes(20)),
    "BPF_MAP_FREEZE": CommandTrial(uapi.BPF_MAP_FREEZE, _words(BAD_FD)),
    "BPF_BTF_GET_NEXT_ID": CommandTrial(uapi.BPF_BTF_GET_NEXT_ID, _words(_BAD_ID, 0, 0), known=(_ENOENT,)),
    "BPF_MAP_LOOKUP_BATCH": CommandTrial(uapi.BPF_MAP_LOOKUP_BATCH, _BATCH),
    "BPF_MAP_LOOKUP_AND_DELETE_BATCH": CommandTrial(uapi.BPF_MAP_LOOKUP_AND_DELETE_BATCH, _BATCH),
    "BPF_MAP_UPDATE_BATCH": CommandTrial(uapi.BPF_MAP_UPDATE_BATCH, _BATCH),
    "BPF_MAP_DELETE_BATCH": CommandTrial(uapi.BPF_MAP_DELETE_BATCH, _BATCH),
    "BPF_LINK_CREATE": CommandTrial(
        uapi.BPF_LINK_CREATE, _words(BAD_FD, BAD_FD, _INET_INGRESS, 0), control=context.can_attach
    ),
    "BPF_LINK_UPDATE": CommandTrial(uapi.BPF_LINK_UPDATE, _words(BAD_FD, BAD_FD, 0, 0), control=context.can_attach),
    "BPF_LINK_GET_FD_BY_ID": CommandTrial(uapi.BPF_LINK_GET_FD_BY_ID, _words(_BAD_ID), known=(_ENOENT,), control=_load),
    "BPF_LINK_GET_NEXT_ID": CommandTrial(
        uapi.BPF_LINK_GET_NEXT_ID, _words(_BAD_ID, 0, 0), known=(_ENOENT,), control=_load
    ),
    # A wrong type answers EINVAL, as an unknown command does: run time statistics are really switched on, until the
    # descriptor is closed, a moment later. Needs CAP_SYS_ADMIN.
    "BPF_ENABLE_STATS": CommandTrial(uapi.BPF_ENABLE_STATS, _words(0), known=(), what="run time statistics"),
    "BPF_ITER_CREATE": CommandTrial(uapi.BPF_ITER_CREATE, _words(BAD_FD, 0), control=context.can_trace),
    "BPF_LINK_DETACH": CommandTrial(uapi.BPF_LINK_DETACH, _words(BAD_FD), control=context.can_attach),
    "BPF_PROG_BIND_MAP": CommandTrial(uapi.BPF_PROG_BIND_MAP, _words(BAD_FD, BAD_FD, 0), control=context.can_attach),
    # token_create.bpffs_fd is at 4, prog_stream_read.prog_fd at 16.
    "BPF_TOKEN_CREATE": CommandTrial(uapi.BPF_TOKEN_CREATE, _words(0, BAD_FD), control=context.can_load_btf),
    "BPF_PROG_STREAM_READ_BY_FD": CommandTrial(
        uapi.BPF_PROG_STREAM_READ_BY_FD, bytes(16) + _words(BAD_FD), control=_load
    ),
    "BPF_PROG_ASSOC_STRUCT_OPS": CommandTrial(uapi.BPF_PROG_ASSOC_STRUCT_OPS, _words(BAD_FD, BAD_FD, 0), control=_load),
    # A bit beside the command: the call then takes the address and size of struct bpf_common_attr as its 4th and 5th
    # argument, which are not passed here. Whatever is found there, the answer comes from reading it (EFAULT, E2BIG) or
    # from the bad descriptor behind it; a kernel without it knows no command of this number.
    "BPF_COMMON_ATTRS": CommandTrial(
        uapi.BPF_COMMON_ATTRS | uapi.BPF_MAP_LOOKUP_ELEM, _words(BAD_FD) + bytes(28), known=(_EBADF, _EFAULT, _E2BIG)
    ),
}


def _pin() -> Outcome:
    """BPF_OBJ_PIN: a real map and no path, EFAULT; with a bad descriptor the answer would be EINVAL."""
    fd = calls.create_map(uapi.BPF_MAP_TYPE_ARRAY, 4, 4, 1)
    if fd < 0:
        return context.can_create_map()
    try:
        result = syscall.attempt(uapi.BPF_OBJ_PIN, bytes(8) + _words(fd, 0))
    finally:
        syscall.close(fd)
    return judge(result, "BPF_OBJ_PIN without a path", context.can_create_map, known=(_EFAULT,))


# Commands that need no deliberate mistake: their permission control is their trial.
_WHOLE: dict[str, Callable[[], Outcome]] = {
    "BPF_MAP_CREATE": context.can_create_map,
    "BPF_PROG_LOAD": context.can_load,
    "BPF_OBJ_PIN": _pin,
    "BPF_BTF_LOAD": lambda: judge(
        calls.load_btf(context.INT_BTF), "BPF_BTF_LOAD of one integer type", context.can_create_map
    ),
}

NAMES = (*TABLE, *_WHOLE)
"""Every command that has a trial."""


def trial(name: str, program_type: str | None = None) -> Outcome | None:
    """Whether the running kernel knows a bpf() command and lets this process use it; `None` for any other name."""
    whole = _WHOLE.get(name)
    if whole is not None:
        return whole()
    row = TABLE.get(name)
    if row is None:
        return None
    outcome = None
    for attr in row.attrs:
        result = syscall.attempt(row.number, attr)
        outcome = judge(result, f"{name} of {row.what}", row.control, known=row.known)
        if outcome.errno != _EINVAL:
            break
    return outcome
