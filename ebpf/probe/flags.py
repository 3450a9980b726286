"""Trials of flags: the call that takes the flag, made with it; its control is the same call without it.

Flags of helpers are looked at when the helper runs, which no trial does: those have no row here.
"""

from __future__ import annotations

import errno
import struct

from ebpf import syscall, uapi
from ebpf.probe import calls, context, elements, links, maps
from ebpf.probe.calls import BAD_FD, ENOTSUPP
from ebpf.probe.judge import judge
from ebpf.probe.outcome import Outcome
from ebpf.verdict import DENIED, SUPPORTED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Trial = Callable[[str], Outcome]

__all__ = ["TABLE", "trial"]

_EINVAL, _E2BIG, _EBADF = errno.EINVAL, errno.E2BIG, errno.EBADF
_SOCKET_FILTER, _SCHED_CLS = uapi.BPF_PROG_TYPE_SOCKET_FILTER, uapi.BPF_PROG_TYPE_SCHED_CLS
_CGROUP_DEVICE = uapi.BPF_PROG_TYPE_CGROUP_DEVICE
_XDP, _RAW_TRACEPOINT = uapi.BPF_PROG_TYPE_XDP, uapi.BPF_PROG_TYPE_RAW_TRACEPOINT
_INET_INGRESS, _TCX_INGRESS = uapi.BPF_CGROUP_INET_INGRESS, uapi.BPF_TCX_INGRESS
_LOOPBACK = 1


def _map(map_type: str, flag: int, *, value: int = 0, **fields: int) -> Trial:
    """BPF_MAP_CREATE with the flag. A map refused for another mistake (`MapTrial.known`) had its flags accepted."""

    def try_it(name: str) -> Outcome:
        row = maps.TABLE["BPF_MAP_TYPE_" + map_type]
        if value:
            row = maps.MapTrial(row.number, row.key, value, row.entries, row.flags)
        known: tuple[int, ...] = (row.known,) if row.known else ()
        if fields:
            known += (_EBADF,)

        def control() -> Outcome:
            return judge(row.create(), "BPF_MAP_CREATE without it", context.can_create_map, known=known)

        call = f"BPF_MAP_CREATE of BPF_MAP_TYPE_{map_type} with {name}"
        result = row.create(flags=flag, **fields)
        return judge(result, call, control, known=known, absent=(_EINVAL, _E2BIG))

    return try_it


def _load(flag: int, program_type: int = _SOCKET_FILTER, known: tuple[int, ...] = (), **fields: int) -> Trial:
    """BPF_PROG_LOAD of an empty program with the flag."""

    def try_it(name: str) -> Outcome:
        result = calls.load_program(program_type, prog_flags=flag, **fields)
        return judge(
            result,
            f"BPF_PROG_LOAD of an empty program with {name}",
            lambda: context.can_load(program_type),
            known=known,
            absent=(_EINVAL, _E2BIG),
        )

    return try_it


def _sleepable(name: str) -> Outcome:
    """A socket filter may not sleep: a verifier that knows the flag says so, an older kernel says nothing."""
    result, log = calls.load_logged(_SOCKET_FILTER, prog_flags=uapi.BPF_F_SLEEPABLE)
    call = f"BPF_PROG_LOAD of a socket filter with {name}"
    if result == -_EINVAL and "sleepable" in log:
        if not context.capable():
            return Outcome(DENIED, f"{call} is known to the verifier, and this process has no CAP_BPF", _EINVAL)
        return Outcome(SUPPORTED, f"{call} was refused by the verifier, which knows it", _EINVAL)
    return judge(result, call, context.can_load)


def _path_fd(name: str) -> Outcome:
    """BPF_OBJ_GET without a path: EFAULT once the flags were accepted; path_fd is at 16."""

    def control() -> Outcome:
        held = context.can_create_map()
        if held.status != SUPPORTED:
            return held
        result = syscall.attempt(uapi.BPF_OBJ_GET, bytes(16))
        return judge(result, "BPF_OBJ_GET without it", context.can_create_map, known=(errno.EFAULT,))

    attr = struct.pack("=QIII", 0, 0, uapi.BPF_F_PATH_FD, 0)
    result = syscall.attempt(uapi.BPF_OBJ_GET, attr)
    return judge(result, f"BPF_OBJ_GET with {name}", control, known=(errno.EFAULT,))


def _attach(flag: int, attach_type: int = _INET_INGRESS, program_type: int = _CGROUP_DEVICE) -> Trial:
    """BPF_PROG_ATTACH of no program to nothing: the flags are looked at before the descriptors (EBADF)."""

    def try_it(name: str) -> Outcome:
        attr = struct.pack("=IIII", BAD_FD, BAD_FD, attach_type, flag)
        result = syscall.attempt(uapi.BPF_PROG_ATTACH, attr)
        call = f"BPF_PROG_ATTACH of nothing with {name}"
        return judge(result, call, lambda: context.can_load(program_type), known=(_EBADF,))

    return try_it


def _query_effective(name: str) -> Outcome:
    attr = struct.pack("=7I", BAD_FD, _INET_INGRESS, uapi.BPF_F_QUERY_EFFECTIVE, 0, 0, 0, 0)
    result = syscall.attempt(uapi.BPF_PROG_QUERY, attr)
    return judge(result, f"BPF_PROG_QUERY of nothing with {name}", context.can_load, known=(_EBADF,))


def _link(name: str) -> Outcome:
    """A flag of a link's own; its control is such a link without the flag."""
    row = links.LINKED[name]
    outcome = links.try_link(row, name)
    if outcome.errno not in (_EINVAL, errno.EOPNOTSUPP):
        return outcome
    plain = (
        "BPF_LINK_TYPE_NETFILTER" if row.program_type == uapi.BPF_PROG_TYPE_NETFILTER else f"BPF_LINK_TYPE_{name[6:18]}"
    )
    held = links.trial(plain)
    return outcome if held is None or held.status == SUPPORTED else held


def _test_run(flag: int, program_type: int, *, known: tuple[int, ...] = (), data: int = 0, batch: int = 0) -> Trial:
    """BPF_PROG_TEST_RUN of an empty program: it runs once, on nothing or on `data` zero bytes, and returns 0."""

    def run(flags: int) -> int:
        fd = calls.load_program(program_type)
        if fd < 0:
            return fd
        memory = calls.buffer(bytes(data or 1))
        pointer = calls.address(memory) if data else 0
        try:
            # prog_fd, retval, data_size_in and _out, data_in and _out, repeat, duration, ctx …, flags, cpu, batch_size
            attr = struct.pack("=4I2Q4I2Q3I", fd, 0, data, 0, pointer, 0, 0, 0, 0, 0, 0, 0, flags, 0, batch)
            return syscall.attempt(uapi.BPF_PROG_TEST_RUN, attr if batch else attr[:72])
        finally:
            syscall.close(fd)

    def try_it(name: str) -> Outcome:
        def control() -> Outcome:
            if data:
                return judge(run(0), "BPF_PROG_TEST_RUN without it", context.can_load, makes_fd=False)
            return context.can_load(program_type)

        size = context.attr_size()
        result = run(flag)
        beyond = size is not None and size < 76
        return judge(
            result,
            f"BPF_PROG_TEST_RUN with {name}",
            control,
            known=() if beyond else known,
            absent=(_EINVAL, ENOTSUPP, _E2BIG) if beyond or _E2BIG not in known else (_EINVAL, ENOTSUPP),
            makes_fd=False,
        )

    return try_it


TABLE: dict[str, Trial] = {
    # BPF_MAP_CREATE: the map type whose check names the flag.
    "BPF_F_NO_PREALLOC": _map("HASH", uapi.BPF_F_NO_PREALLOC),
    "BPF_F_NO_COMMON_LRU": _map("LRU_HASH", uapi.BPF_F_NO_COMMON_LRU),
    "BPF_F_NUMA_NODE": _map("HASH", uapi.BPF_F_NUMA_NODE, numa_node=0),
    "BPF_F_RDONLY": _map("HASH", uapi.BPF_F_RDONLY),
    "BPF_F_WRONLY": _map("HASH", uapi.BPF_F_WRONLY),
    "BPF_F_STACK_BUILD_ID": _map("STACK_TRACE", uapi.BPF_F_STACK_BUILD_ID, value=32),  # struct bpf_stack_build_id
    "BPF_F_ZERO_SEED": _map("HASH", uapi.BPF_F_ZERO_SEED),
    "BPF_F_RDONLY_PROG": _map("ARRAY", uapi.BPF_F_RDONLY_PROG),
    "BPF_F_WRONLY_PROG": _map("ARRAY", uapi.BPF_F_WRONLY_PROG),
    "BPF_F_CLONE": _map("SK_STORAGE", uapi.BPF_F_CLONE),
    "BPF_F_MMAPABLE": _map("ARRAY", uapi.BPF_F_MMAPABLE),
    "BPF_F_PRESERVE_ELEMS": _map("PERF_EVENT_ARRAY", uapi.BPF_F_PRESERVE_ELEMS),
    "BPF_F_INNER_MAP": _map("ARRAY", uapi.BPF_F_INNER_MAP),
    "BPF_F_LINK": _map("STRUCT_OPS", uapi.BPF_F_LINK),  # ENOTSUPP, as without it
    "BPF_F_PATH_FD": _path_fd,
    "BPF_F_VTYPE_BTF_OBJ_FD": _map(
        "STRUCT_OPS", uapi.BPF_F_VTYPE_BTF_OBJ_FD, value_type_btf_obj_fd=BAD_FD
    ),  # EBADF: it is looked up
    "BPF_F_TOKEN_FD": _map("HASH", uapi.BPF_F_TOKEN_FD, map_token_fd=BAD_FD),
    "BPF_F_SEGV_ON_FAULT": _map("ARENA", uapi.BPF_F_SEGV_ON_FAULT),
    "BPF_F_NO_USER_CONV": _map("ARENA", uapi.BPF_F_NO_USER_CONV),
    "BPF_F_RB_OVERWRITE": _map("RINGBUF", uapi.BPF_F_RB_OVERWRITE),
    # Element commands.
    "BPF_ANY": elements.update(uapi.BPF_ANY),
    "BPF_NOEXIST": elements.update(uapi.BPF_NOEXIST),
    "BPF_EXIST": elements.update(uapi.BPF_EXIST),
    "BPF_F_LOCK": elements.lookup_locked,
    "BPF_F_CPU": elements.update_percpu(uapi.BPF_F_CPU),
    "BPF_F_ALL_CPUS": elements.update_percpu(uapi.BPF_F_ALL_CPUS),
    # BPF_PROG_LOAD.
    "BPF_F_STRICT_ALIGNMENT": _load(uapi.BPF_F_STRICT_ALIGNMENT),
    "BPF_F_ANY_ALIGNMENT": _load(uapi.BPF_F_ANY_ALIGNMENT),
    "BPF_F_TEST_RND_HI32": _load(uapi.BPF_F_TEST_RND_HI32),
    "BPF_F_TEST_STATE_FREQ": _load(uapi.BPF_F_TEST_STATE_FREQ),
    "BPF_F_SLEEPABLE": _sleepable,
    "BPF_F_XDP_HAS_FRAGS": _load(uapi.BPF_F_XDP_HAS_FRAGS, _XDP),
    # The loopback interface has no XDP metadata that a program could be bound to: EOPNOTSUPP.
    "BPF_F_XDP_DEV_BOUND_ONLY": _load(uapi.BPF_F_XDP_DEV_BOUND_ONLY, _XDP, (errno.EOPNOTSUPP,), prog_ifindex=_LOOPBACK),
    "BPF_F_TEST_REG_INVARIANTS": _load(uapi.BPF_F_TEST_REG_INVARIANTS),
    # BPF_PROG_ATTACH, BPF_LINK_CREATE. The multi-program flags are those of tc's (and netkit's) attach types.
    "BPF_F_ALLOW_OVERRIDE": _attach(uapi.BPF_F_ALLOW_OVERRIDE),
    "BPF_F_ALLOW_MULTI": _attach(uapi.BPF_F_ALLOW_MULTI),
    "BPF_F_REPLACE": _attach(uapi.BPF_F_REPLACE),
    "BPF_F_BEFORE": _attach(uapi.BPF_F_BEFORE, _TCX_INGRESS, _SCHED_CLS),
    "BPF_F_AFTER": _attach(uapi.BPF_F_AFTER, _TCX_INGRESS, _SCHED_CLS),
    "BPF_F_ID": _attach(uapi.BPF_F_ID, _TCX_INGRESS, _SCHED_CLS),
    "BPF_F_PREORDER": _attach(uapi.BPF_F_PREORDER),
    "BPF_F_QUERY_EFFECTIVE": _query_effective,
    "BPF_F_KPROBE_MULTI_RETURN": _link,
    "BPF_F_UPROBE_MULTI_RETURN": _link,
    "BPF_F_UPROBE_MULTI_PATH_FD": _link,
    "BPF_F_NETFILTER_IP_DEFRAG": _link,
    # BPF_PROG_TEST_RUN. A batch of 65,535 frames is refused (E2BIG) before anything runs; zero bytes are no frame.
    "BPF_F_TEST_RUN_ON_CPU": _test_run(uapi.BPF_F_TEST_RUN_ON_CPU, _RAW_TRACEPOINT),
    "BPF_F_TEST_XDP_LIVE_FRAMES": _test_run(uapi.BPF_F_TEST_XDP_LIVE_FRAMES, _XDP, known=(_E2BIG,), batch=0xFFFF),
    "BPF_F_TEST_SKB_CHECKSUM_COMPLETE": _test_run(uapi.BPF_F_TEST_SKB_CHECKSUM_COMPLETE, _SOCKET_FILTER, data=64),
}


def trial(name: str, program_type: str | None = None) -> Outcome | None:
    """Whether the call that takes this flag accepts it; `None` for a name not in the table."""
    row = TABLE.get(name)
    return None if row is None else row(name)
