"""Trials of instructions: the smallest program that has one, loaded as a socket filter, beside ``r0 = 0; exit``."""

from __future__ import annotations

import errno

from ebpf import syscall, uapi
from ebpf.probe import calls, code, context
from ebpf.probe.calls import instruction
from ebpf.probe.code import DW, R0, R1, R2, R6, R7, R10, B, H, W
from ebpf.probe.outcome import Outcome
from ebpf.probe.refusals import UNKNOWN_INSTRUCTION, try_program

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["NAMES", "TABLE", "trial"]

_SOCKET_FILTER = uapi.BPF_PROG_TYPE_SOCKET_FILTER
_STACK = code.mov(R0, 0) + code.mov(R1, 1) + code.store_imm(DW, R10, -8, 0)
_END = code.mov(R0, 0) + code.exit_()


def _atomic(*operations: int) -> bytes:
    """Atomic operations on a stack slot, in 64 and in 32 bits."""
    return (
        _STACK
        + b"".join(code.atomic(size, R10, R1, -8, operation) for operation in operations for size in (DW, W))
        + _END
    )


_FETCH = 1
_SDIV = code.mov(R0, 6) + code.mov(R1, 2) + instruction(0x3F, R0, R1, 1) + instruction(0x9F, R0, R1, 1) + _END
_MOVSX = (
    code.mov(R0, 6)
    + b"".join(instruction(0xBF, R1, R0, bits) for bits in (8, 16, 32))
    + b"".join(instruction(0xBC, R2, R0, bits) for bits in (8, 16))
    + _END
)
_LDSX = _STACK + b"".join(instruction(0x81 | size, R0, R10, -8) for size in (B, H, W)) + _END
_BSWAP = code.mov(R0, 6) + b"".join(instruction(0xD7, R0, 0, 0, bits) for bits in (16, 32, 64)) + _END
_GOTOL = instruction(0x06, 0, 0, 0, 0) + _END
_JLT = code.mov(R0, 0) + b"".join(code.jump(op, R0, 1, 0) for op in (0xA0, 0xB0, 0xC0, 0xD0)) + _END
_JMP32 = code.mov(R0, 0) + b"".join(instruction(0x06 | op, R0, 0, 0, 1) for op in (0x10, 0x20, 0xA0, 0xC0)) + _END
_CALL = code.bpf_call(1) + code.exit_() + _END

TABLE: dict[str, bytes] = {
    "isa_v1": code.mov(R0, 2) + code.add(R0, 1) + code.jump(code.JEQ, R0, 3, 0) + _END,
    "isa_v2": _JLT,  # if r0 <, <=, s<, s<= 1
    "isa_v3": _JMP32,  # if w0 ==, >, <, s< 1
    "isa_v4": _SDIV[:-16] + _MOVSX[:-16] + _LDSX[:-16] + _BSWAP[:-16] + _GOTOL,
    "signed_division": _SDIV,
    "sign_extending_moves": _MOVSX,
    "sign_extending_loads": _LDSX,
    "unconditional_byte_swap": _BSWAP,
    "long_jump": _GOTOL,
    "jmp32": _JMP32,
    "jlt": _JLT,
    "alu32": code.mov(R0, 1) + instruction(0x04, R0, 0, 0, 1) + instruction(0xBC, R1, R0) + _END,
    "byte_swap": code.mov(R0, 6) + instruction(0xD4, R0, 0, 0, 16) + instruction(0xDC, R0, 0, 0, 16) + _END,
    "xadd": _atomic(0x00),
    "atomic_add_fetch": _atomic(0x00 | _FETCH),
    "atomic_and_or_xor": _atomic(0x40, 0x50, 0xA0, 0x40 | _FETCH, 0x50 | _FETCH, 0xA0 | _FETCH),
    "atomic_xchg": _atomic(0xE0 | _FETCH),
    "atomic_cmpxchg": _atomic(0xF0 | _FETCH),
    "atomics": _atomic(0x01, 0x40, 0x50, 0xA0, 0x41, 0x51, 0xA1, 0xE1, 0xF1),
    "load_acquire_store_release": _STACK
    + code.atomic(DW, R0, R10, -8, 0x100)  # r0 = load_acquire(r10 - 8)
    + code.atomic(DW, R10, R1, -8, 0x110)  # store_release(r10 - 8, r1)
    + _END,
    # goto or not, at the kernel's discretion: a loop that would not end otherwise.
    "may_goto": instruction(0xE5, 0, 0, 1) + code.ja(-2) + _END,
    "ld_abs_ind": code.mov_reg(R6, R1)
    + code.mov(R7, 0)
    + instruction(0x30, 0, 0, 0, 0)
    + instruction(0x50, 0, R7, 0, 0)
    + _END,
    "ldimm64": code.load64(R0, 0, 1, 1) + _END,
    "BPF_PSEUDO_CALL": _CALL,
}

# A map's descriptor in the wide load: the slot says which kind of load it is.
_ON_MAP: dict[str, Callable[[int], bytes]] = {
    "BPF_PSEUDO_MAP_FD": lambda fd: code.load64(R1, 1, fd) + _END,
    "BPF_PSEUDO_MAP_VALUE": lambda fd: code.load64(R1, 2, fd, 0) + code.store_imm(W, R1, 0, 0) + _END,
    "BPF_PSEUDO_MAP_IDX": lambda fd: code.load64(R1, 5, 0) + _END,
    "BPF_PSEUDO_MAP_IDX_VALUE": lambda fd: code.load64(R1, 6, 0, 0) + code.store_imm(W, R1, 0, 0) + _END,
}

# Programs that a verifier which knows the instruction refuses, in these words. Type 1 of vmlinux is no variable and no
# function.
_REFUSED: dict[str, tuple[bytes, tuple[str, ...]]] = {
    "BPF_PSEUDO_BTF_ID": (
        code.load64(R1, 3, 1) + _END,
        ("in ldimm64 isn't", "missing BTF, make sure CONFIG_DEBUG_INFO_BTF"),
    ),
    # A function's address: of one that BTF says is static, and there is no BTF.
    "BPF_PSEUDO_FUNC": (code.load64(R1, 4, 3) + _END + _END, ("missing btf func_info",)),
    # A cast between address spaces: only in a program that has an arena.
    "address_space_cast": (
        code.mov(R1, 0) + instruction(0xBF, R1, R1, 1, 1) + _END,
        ("that has an associated arena", "addr_space_cast insn"),
    ),
    "BPF_PSEUDO_KFUNC_CALL": (
        code.kfunc_call(1) + _END,
        ("kernel btf_id 1 is not a function", "calling kernel function", "calling kernel functions are not allowed"),
    ),
}

NAMES = (*TABLE, *_ON_MAP, *_REFUSED)
"""Every instruction that has a trial."""

_WORDINGS = (
    *UNKNOWN_INSTRUCTION,
    "function calls to other bpf functions are allowed",  # 4.16, without CAP_SYS_ADMIN
    "loading/calling other bpf",
    "back-edge",
    "invalid func",  # a call of another kind is taken for a helper's number
)
# 524, ENOTSUPP: the JIT does not have it and there is no interpreter. The first verifiers refuse without a word.
_SILENT = (calls.ENOTSUPP, errno.ENOTSUP)


def _control() -> int:
    return calls.load_program(_SOCKET_FILTER)


def _try(name: str, insns: bytes, known: tuple[str, ...] = ()) -> Outcome:
    def load() -> tuple[int, str]:
        result = calls.load_program(_SOCKET_FILTER, insns)
        return (result, "") if result >= 0 else calls.load_logged(_SOCKET_FILTER, insns)

    return try_program(name, load, _control, _WORDINGS, known=known, silent=_SILENT)


def _try_on_map(name: str) -> Outcome:
    map_fd = calls.create_map(uapi.BPF_MAP_TYPE_ARRAY, 4, 4, 1)
    if map_fd < 0:
        return context.can_create_map()
    array = calls.buffer(map_fd.to_bytes(4, calls.BYTE_ORDER))
    fields = {"fd_array": calls.address(array)} if "IDX" in name else {}
    insns = _ON_MAP[name](map_fd)

    def load() -> tuple[int, str]:
        result = calls.load_program(_SOCKET_FILTER, insns, **fields)
        return (result, "") if result >= 0 else calls.load_logged(_SOCKET_FILTER, insns, **fields)

    try:
        silent = (*_SILENT, errno.E2BIG) if fields else _SILENT  # fd_array is past the attribute of an older kernel
        return try_program(name, load, _control, _WORDINGS, silent=silent)
    finally:
        syscall.close(map_fd)


def trial(name: str, program_type: str | None = None) -> Outcome | None:
    """Whether the verifier accepts an instruction; `None` for a name without a trial."""
    if name in _ON_MAP:
        return _try_on_map(name)
    if name in _REFUSED:
        insns, known = _REFUSED[name]
        return _try(name, insns, known)
    insns_ = TABLE.get(name)
    return None if insns_ is None else _try(name, insns_)
