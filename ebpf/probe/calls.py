"""The few bpf(2) calls that trials are made of: create a map, load a program, load BTF; each gives an fd or -errno."""

from __future__ import annotations

import ctypes
import errno
import struct
import sys

from ebpf import syscall, uapi
from ebpf.asm.instruction import Instruction
from ebpf.attributes import BTF_LOAD, MAP_CREATE, PROG_LOAD, attribute

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "BAD_FD",
    "ENOTSUPP",
    "MAP_CREATE",
    "NO_COMMAND",
    "PROG_LOAD",
    "RETURN_0",
    "address",
    "attribute",
    "btf",
    "buffer",
    "closing",
    "create_map",
    "instruction",
    "load_btf",
    "load_from",
    "load_logged",
    "load_program",
    "spell",
]

ENOTSUPP = 524
"""include/linux/errno.h: an errno that was never meant for userspace, and gets there from struct_ops and others."""

_NAMES = {ENOTSUPP: "ENOTSUPP", errno.EOPNOTSUPP: "EOPNOTSUPP", errno.EAGAIN: "EAGAIN"}  # Python prefers their synonyms

BAD_FD = 0x7FFFFFFF
"""A descriptor that no process can have: above any limit on open files (fs.nr_open)."""

_LICENSE = ctypes.create_string_buffer(b"GPL")
_LICENSE_ADDRESS = ctypes.addressof(_LICENSE)
_LOG_SIZE = 1 << 16


def spell(number: int) -> str:
    """The name of an errno, positive or negative: ``EINVAL``, ``ENOTSUPP``."""
    number = abs(number)
    return _NAMES.get(number) or errno.errorcode.get(number, str(number))


def buffer(content: bytes) -> ctypes.Array[ctypes.c_char]:
    """Memory for a pointer field, kept by the caller during the call."""
    return ctypes.create_string_buffer(content, len(content))


def address(memory: ctypes.Array[ctypes.c_char]) -> int:
    """What a pointer field holds."""
    return ctypes.addressof(memory)


def closing(fd: int) -> int:
    """Close what a call returned, if it is a descriptor, and pass the result on."""
    if fd >= 0:
        syscall.close(fd)
    return fd


_patience = 3.0  # seconds that this process still waits for memory
_EINVAL_WITHOUT_MEMORY = (uapi.BPF_MAP_TYPE_DEVMAP, uapi.BPF_MAP_TYPE_DEVMAP_HASH)

NO_COMMAND = 0x7FFF
"""A bpf() command that no kernel has: EINVAL, after the attribute's size was checked."""
_ATTR_SIZE_5_10 = 120  # sizeof(union bpf_attr) of 5.8 to 5.10, the last kernels that charge RLIMIT_MEMLOCK


def _charged() -> bool:
    """Whether maps and programs count against a limited RLIMIT_MEMLOCK; the attribute's size tells the kernel's age."""
    if syscall.attempt(NO_COMMAND, bytes(_ATTR_SIZE_5_10) + b"\1") != -errno.E2BIG:
        return False
    import resource

    return resource.getrlimit(resource.RLIMIT_MEMLOCK)[0] != resource.RLIM_INFINITY


def _patiently(command: int, attr: bytearray, doubtful: tuple[int, ...]) -> int:
    """Make the call; on a kernel that charges memlock, again a little later when it was refused.

    The memory of a closed map is given back after a grace period. Until then the limit is exceeded: EPERM, or EINVAL
    from a DEVMAP (measured on 5.8).
    """
    global _patience
    result = syscall.attempt(command, attr)
    if result not in doubtful or _patience <= 0 or not _charged():
        return result
    import time

    for delay in (0.005, 0.02, 0.075):
        time.sleep(delay)
        _patience -= delay
        result = syscall.attempt(command, attr)
        if result not in doubtful:
            break
    return result


def create_map(map_type: int, key: int, value: int, entries: int, flags: int = 0, /, **fields: int | bytes) -> int:
    """BPF_MAP_CREATE: an fd or -errno."""
    attr = bytearray(struct.pack("=5I", map_type, key, value, entries, flags))
    if fields:
        rest = attribute(MAP_CREATE, fields)
        rest[: len(attr)] = attr
        attr = rest
    doubtful = (-errno.EPERM, -errno.EINVAL) if map_type in _EINVAL_WITHOUT_MEMORY else (-errno.EPERM,)
    return _patiently(uapi.BPF_MAP_CREATE, attr, doubtful)


BYTE_ORDER = sys.byteorder


def instruction(code: int, dst: int = 0, src: int = 0, off: int = 0, imm: int = 0) -> bytes:
    """``struct bpf_insn`` as bytes."""
    return Instruction(code, dst, src, off, imm).encode()


RETURN_0 = instruction(0xB7) + instruction(0x95)
"""``r0 = 0; exit``: what every verifier since 3.18 accepts, whatever the program type."""


def load_program(program_type: int, insns: bytes = RETURN_0, /, **fields: int | bytes) -> int:
    """BPF_PROG_LOAD under a GPL licence, without a log: an fd or -errno."""
    buffer = ctypes.create_string_buffer(insns, len(insns))
    return _load(program_type, buffer, len(insns) // 8, fields)


def load_logged(program_type: int, insns: bytes = RETURN_0, /, **fields: int | bytes) -> tuple[int, str]:
    """The same with the verifier's log: an fd or -errno, and the log, at most 64 KiB of it."""
    buffer = ctypes.create_string_buffer(insns, len(insns))
    log = ctypes.create_string_buffer(_LOG_SIZE)
    fields = {**fields, "log_level": 1, "log_size": _LOG_SIZE, "log_buf": ctypes.addressof(log)}
    result = _load(program_type, buffer, len(insns) // 8, fields)
    return result, log.value.decode("ascii", "replace")


def load_from(location: int, program_type: int, /, **fields: int | bytes) -> int:
    """BPF_PROG_LOAD of two instructions at an address, bad ones included: an fd or -errno."""
    attr = attribute(PROG_LOAD, {"insn_cnt": 2, "insns": location, "license": _LICENSE_ADDRESS, **fields})
    struct.pack_into("=I", attr, 0, program_type)
    return syscall.attempt(uapi.BPF_PROG_LOAD, attr)


def _load(program_type: int, insns: ctypes.Array[ctypes.c_char], count: int, fields: Mapping[str, int | bytes]) -> int:
    attr = bytearray(struct.pack("=IIQQ", program_type, count, ctypes.addressof(insns), _LICENSE_ADDRESS))
    if fields:
        rest = attribute(PROG_LOAD, fields)
        rest[: len(attr)] = attr
        attr = rest
    else:
        attr += bytes(24)  # up to kern_version: all of the attribute that 3.18 looks at
    result = _patiently(uapi.BPF_PROG_LOAD, attr, (-errno.EPERM,))
    for _ in range(4):  # the verifier gives up when a signal is pending (kernel/bpf/verifier.c, do_check())
        if result != -errno.EAGAIN:
            break
        result = syscall.attempt(uapi.BPF_PROG_LOAD, attr)
    return result


def btf(types: bytes, strings: bytes) -> bytes:
    """A BTF blob: ``struct btf_header`` (include/uapi/linux/btf.h), the types, then the strings."""
    return struct.pack("=HBB5I", 0xEB9F, 1, 0, 24, 0, len(types), len(types), len(strings)) + types + strings


def load_btf(blob: bytes, **fields: int | bytes) -> int:
    """BPF_BTF_LOAD: an fd or -errno."""
    buffer = ctypes.create_string_buffer(blob, len(blob))
    attr = attribute(BTF_LOAD, {"btf": ctypes.addressof(buffer), "btf_size": len(blob), **fields})
    return syscall.attempt(uapi.BPF_BTF_LOAD, attr)
