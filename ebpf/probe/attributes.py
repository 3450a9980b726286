"""Trials of what ``union bpf_attr`` can ask for: the call with the field set, beside the same call without it.

A kernel that does not know a field answers E2BIG when the field lies past the end of its attribute, and EINVAL when it
lies within, behind the last field that the command uses (kernel/bpf/syscall.c, bpf_check_uarg_tail_zero() and
CHECK_ATTR()).
Plain fields (``bpf_attr.map_type.map_name``) have no trial: the kernel's own BTF says whether they exist.
"""

from __future__ import annotations

import ctypes
import errno
import struct

from ebpf import syscall, uapi
from ebpf.probe import btf, calls, commands, context, flags, instructions, links
from ebpf.probe.calls import BAD_FD
from ebpf.probe.judge import judge
from ebpf.probe.outcome import Outcome
from ebpf.verdict import ABSENT, SUPPORTED, UNKNOWN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Trial = Callable[[str], Outcome | None]

__all__ = ["TABLE", "trial"]

_EINVAL, _E2BIG, _EBADF, _EFAULT = errno.EINVAL, errno.E2BIG, errno.EBADF, errno.EFAULT
_EOPNOTSUPP = errno.EOPNOTSUPP
_SOCKET_FILTER, _XDP = uapi.BPF_PROG_TYPE_SOCKET_FILTER, uapi.BPF_PROG_TYPE_XDP
_ARRAY, _BLOOM_FILTER = uapi.BPF_MAP_TYPE_ARRAY, uapi.BPF_MAP_TYPE_BLOOM_FILTER
_LOOPBACK = 1
_NOWHERE = 8
_OLDER = (_EINVAL, _E2BIG)


def _load(
    program_type: int = _SOCKET_FILTER,
    *,
    known: tuple[int, ...] = (),
    absent: tuple[int, ...] = _OLDER,
    **fields: int | bytes,
) -> Trial:
    """BPF_PROG_LOAD of an empty program with these fields."""

    def try_it(name: str) -> Outcome:
        result = calls.load_program(program_type, calls.RETURN_0, **fields)
        call = f"BPF_PROG_LOAD with {' and '.join(fields)}"
        # A tracing program does not load without a target; a raw tracepoint's needs the same capabilities.
        plain = uapi.BPF_PROG_TYPE_RAW_TRACEPOINT if program_type == uapi.BPF_PROG_TYPE_TRACING else program_type
        return judge(result, call, lambda: context.can_load(plain), known=known, absent=absent)

    return try_it


def _map(map_type: int, *, key: int = 4, known: tuple[int, ...] = (), **fields: int | bytes) -> Trial:
    """BPF_MAP_CREATE with these fields; the control is the same map without them."""

    def control() -> Outcome:
        return judge(calls.create_map(map_type, key, 4, 1), "the same without", context.can_create_map)

    def try_it(name: str) -> Outcome:
        result = calls.create_map(map_type, key, 4, 1, 0, **fields)
        return judge(result, f"BPF_MAP_CREATE with {' and '.join(fields)}", control, known=known, absent=_OLDER)

    return try_it


def _flag(flag: str) -> Trial:
    """A field that came with a flag, or is nothing but flags."""
    return lambda name: flags.trial(flag)


def _with_btf(load: Callable[[int], int], what: str, *, known: tuple[int, ...] = ()) -> Trial:
    """A call with a descriptor of BTF; without BTF nothing can be said of it."""

    def try_it(name: str) -> Outcome:
        btf_fd = calls.load_btf(_FUNCTION_BTF)
        if btf_fd < 0:
            return judge(btf_fd, "BPF_BTF_LOAD of a function", context.can_load_btf)
        try:
            return judge(load(btf_fd), what, context.can_load, known=known, absent=_OLDER)
        finally:
            syscall.close(btf_fd)

    return try_it


# Type 2 is int (int a), type 3 a static function of it.
_FUNCTION_BTF = btf.blob(btf.record(0, 13, 1, 3, 1, vlen=1), btf.record(3, 12, 2))


def _func_info(btf_fd: int) -> int:
    info = calls.buffer(struct.pack("=2I", 0, 3))  # struct bpf_func_info: insn_off, type_id
    return calls.load_program(
        _SOCKET_FILTER,
        calls.RETURN_0,
        prog_btf_fd=btf_fd,
        func_info_rec_size=8,
        func_info=calls.address(info),
        func_info_cnt=1,
    )


def _line_info(btf_fd: int, **more: int) -> int:
    info = calls.buffer(
        struct.pack("=4I", 0, 3, 3, 0)
    )  # struct bpf_line_info: insn_off, file_name_off, line_off, line_col
    return calls.load_program(
        _SOCKET_FILTER,
        calls.RETURN_0,
        prog_btf_fd=btf_fd,
        line_info_rec_size=16,
        line_info=calls.address(info),
        line_info_cnt=1,
        **more,
    )


def _core_relocation(btf_fd: int) -> int:
    """One relocation, copied from nowhere: EFAULT. The kernel comes to it only where there is line or function info."""
    return _line_info(btf_fd, core_relo_cnt=1, core_relos=_NOWHERE, core_relo_rec_size=16)


def _fd_array_cnt(name: str) -> Outcome:
    map_fd = calls.create_map(_ARRAY, 4, 4, 1)
    if map_fd < 0:
        return context.can_create_map()
    array = calls.buffer(struct.pack("=I", map_fd))
    try:
        outcome = _load(fd_array=calls.address(array), fd_array_cnt=1)(name)
        assert outcome is not None
        return outcome
    finally:
        syscall.close(map_fd)


def _exclusive(name: str) -> Outcome | None:
    digest = calls.buffer(bytes(32))
    return _map(_ARRAY, excl_prog_hash=calls.address(digest), excl_prog_hash_size=32)(name)


def _file_flags(name: str) -> Outcome:
    """BPF_OBJ_GET without a path: EFAULT once the flags were accepted."""
    result = syscall.attempt(uapi.BPF_OBJ_GET, struct.pack("=QII", 0, 0, uapi.BPF_F_RDONLY))
    return judge(result, "BPF_OBJ_GET with file_flags", context.can_create_map, known=(_EFAULT,))


def _fd_by_id_token(name: str) -> Outcome:
    """BPF_BTF_GET_FD_BY_ID with a token that does not exist; start_id, next_id, open_flags, fd_by_id_token_fd."""
    result = syscall.attempt(uapi.BPF_BTF_GET_FD_BY_ID, struct.pack("=4I", 1, 0, uapi.BPF_F_TOKEN_FD, BAD_FD))

    def control() -> Outcome:
        return commands.trial("BPF_BTF_GET_FD_BY_ID") or Outcome(UNKNOWN, "no control")

    return judge(result, "BPF_BTF_GET_FD_BY_ID with a token", control, known=(_EBADF,))


def _btf_token(name: str) -> Outcome:
    result = calls.load_btf(context.INT_BTF, btf_flags=uapi.BPF_F_TOKEN_FD, btf_token_fd=BAD_FD)
    return judge(result, "BPF_BTF_LOAD with a token", context.can_load_btf, known=(_EBADF,), absent=_OLDER)


def _attach_btf_id(name: str) -> Outcome:
    """Types are named by id where the verifier complains of the id's type."""
    outcome = links.tracing_load(uapi.BPF_PROG_TYPE_TRACING, uapi.BPF_TRACE_RAW_TP, "BPF_TRACE_RAW_TP")
    if outcome.status == SUPPORTED:
        return Outcome(SUPPORTED, "BPF_PROG_LOAD with attach_btf_id got as far as its type", outcome.errno)
    return outcome


def _cookie(name: str) -> Outcome:
    """A perf event link with a cookie, to no event."""
    row = links.LinkTrial(
        uapi.BPF_PROG_TYPE_TRACEPOINT, uapi.BPF_PERF_EVENT, off=_EOPNOTSUPP, rest=struct.pack("=Q", 1)
    )
    return links.try_link(row, name)


def _test_run_context(name: str) -> Outcome:
    """BPF_PROG_TEST_RUN of an empty socket filter with a context of zeros; absent where it runs only without."""

    def run(size: int) -> int:
        fd = calls.load_program(_SOCKET_FILTER)
        if fd < 0:
            return fd
        data, ctx = calls.buffer(bytes(64)), calls.buffer(bytes(64))
        pointer = calls.address(ctx) if size else 0
        attr = struct.pack("=4I2Q4I2Q", fd, 0, 64, 0, calls.address(data), 0, 0, 0, size, 0, pointer, 0)
        try:
            return syscall.attempt(uapi.BPF_PROG_TEST_RUN, attr)
        finally:
            syscall.close(fd)

    def control() -> Outcome:
        return judge(run(0), "the same without", context.can_load, makes_fd=False)

    return judge(run(64), "BPF_PROG_TEST_RUN with a context", control, absent=_OLDER, makes_fd=False)


def _log_true_size(name: str) -> Outcome:
    """The kernel writes the field, or leaves it alone."""
    log = ctypes.create_string_buffer(4096)
    insns, license_ = calls.buffer(calls.RETURN_0), calls.buffer(b"GPL\0")
    attr = calls.attribute(
        calls.PROG_LOAD,
        {
            "prog_type": _SOCKET_FILTER,
            "insn_cnt": 2,
            "insns": calls.address(insns),
            "license": calls.address(license_),
            "log_level": 1,
            "log_size": len(log),
            "log_buf": ctypes.addressof(log),
            "log_true_size": 0,
        },
    )
    outcome = judge(syscall.attempt(uapi.BPF_PROG_LOAD, attr), "BPF_PROG_LOAD with a log", context.can_load)
    if outcome.status != SUPPORTED:
        return outcome if outcome.status != ABSENT else Outcome(UNKNOWN, outcome.text, outcome.errno)
    offset = calls.PROG_LOAD["log_true_size"][0]
    size = struct.unpack_from("=I", attr, offset)[0]
    if size:
        return Outcome(SUPPORTED, f"BPF_PROG_LOAD wrote a log_true_size of {size}")
    return Outcome(ABSENT, "BPF_PROG_LOAD succeeded and left log_true_size as it was")


def _zero_tail(name: str) -> Outcome:
    result = syscall.attempt(uapi.BPF_MAP_CREATE, struct.pack("=4I", _ARRAY, 4, 4, 1) + bytes(496))
    return judge(result, "BPF_MAP_CREATE with 512 bytes, zero but the first 16", context.can_create_map, absent=_OLDER)


# Shared by all trials: what the kernel writes there is never read.
_LOG = ctypes.create_string_buffer(4096)


def _log(level: int, buffer: bool = True) -> Trial:
    if not buffer:
        return _load(log_level=level)
    return _load(log_level=level, log_size=len(_LOG), log_buf=ctypes.addressof(_LOG))


TABLE: dict[str, Trial] = {
    "map_names": _map(_ARRAY, map_name=b"trial"),
    "program_names": _load(prog_name=b"trial"),
    "map_flags": _flag("BPF_F_NO_PREALLOC"),
    "program_flags": _flag("BPF_F_STRICT_ALIGNMENT"),
    "numa_node": _flag("BPF_F_NUMA_NODE"),
    # The loopback interface runs no programs in hardware: EINVAL, or EOPNOTSUPP. The field is past the attribute of a
    # kernel that does not know it.
    "program_ifindex": _load(_XDP, prog_ifindex=_LOOPBACK, known=(_EINVAL, _EOPNOTSUPP), absent=(_E2BIG,)),
    "map_ifindex": _map(_ARRAY, map_ifindex=_LOOPBACK, known=(_EOPNOTSUPP,)),
    "file_flags": _file_flags,
    "expected_attach_type": _load(expected_attach_type=1),
    "map_btf": _with_btf(
        lambda fd: calls.create_map(_ARRAY, 4, 4, 1, 0, btf_fd=fd, btf_key_type_id=1, btf_value_type_id=1),
        "BPF_MAP_CREATE with BTF",
    ),
    "program_btf": _with_btf(
        lambda fd: calls.load_program(_SOCKET_FILTER, calls.RETURN_0, prog_btf_fd=fd), "BPF_PROG_LOAD with BTF"
    ),
    "func_info": _with_btf(_func_info, "BPF_PROG_LOAD with func_info"),
    "line_info": _with_btf(_line_info, "BPF_PROG_LOAD with line_info"),
    "test_run_context": _test_run_context,
    "test_run_cpu": _flag("BPF_F_TEST_RUN_ON_CPU"),
    "test_run_batch": _flag("BPF_F_TEST_XDP_LIVE_FRAMES"),
    "attach_btf_id": _attach_btf_id,
    # 5.5 to 5.10 take the descriptor for a program's (EBADF); since then it may be BTF's, and neither is EINVAL.
    "attach_btf_object": _load(
        uapi.BPF_PROG_TYPE_TRACING,
        expected_attach_type=uapi.BPF_TRACE_RAW_TP,
        attach_btf_id=1,
        attach_btf_obj_fd=BAD_FD,
        known=(_EINVAL,),
        absent=(_EBADF, _E2BIG),
    ),
    "fd_array": lambda name: instructions.trial("BPF_PSEUDO_MAP_IDX"),
    "fd_array_cnt": _fd_array_cnt,
    "bpf_cookie": _cookie,
    "map_extra": _map(_BLOOM_FILTER, key=0, map_extra=3),  # the number of hash functions
    "kernel_core_relocations": _with_btf(
        _core_relocation, "BPF_PROG_LOAD with a CO-RE relocation from nowhere", known=(_EFAULT,)
    ),
    "log_true_size": _log_true_size,
    "map_token": _flag("BPF_F_TOKEN_FD"),
    "program_token": _load(prog_flags=uapi.BPF_F_TOKEN_FD, prog_token_fd=BAD_FD, known=(_EBADF,)),
    "btf_token": _btf_token,
    "fd_by_id_token": _fd_by_id_token,
    "map_exclusive_program": _exclusive,
    # Past the attribute of any kernel without it (E2BIG); a signature of two gigabytes is refused unread.
    "program_signature": _load(
        signature=_NOWHERE, signature_size=0x7FFFFFFF, known=(_EINVAL, errno.ENOMEM), absent=(_E2BIG,)
    ),
    "attribute_zero_tail": _zero_tail,
    "verifier_log_statistics": _log(4),
    "verifier_log_rotating": _log(8 | 1),  # BPF_LOG_FIXED, which asks for the older way
    "verifier_log_without_buffer": _log(1, buffer=False),
}


def trial(name: str, program_type: str | None = None) -> Outcome | None:
    """Whether the kernel takes this part of the attribute; `None` for a name without a trial."""
    row = TABLE.get(name)
    return None if row is None else row(name)
