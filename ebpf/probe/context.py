"""Permission controls: what this process may do at all, so that a refusal is never taken for an absence.

A control is a call of the same command that every kernel which has the command accepts. Controls that succeeded are
remembered for the credentials they were made with; a refused one is tried again each time, since an administrator may
change the policy meanwhile. `credentials` is made of what the answer depends on, for the calling thread: capabilities
and seccomp mode are per thread, and a child after fork has another pid.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct

from ebpf import syscall, uapi
from ebpf.probe import calls
from ebpf.probe.outcome import Outcome
from ebpf.verdict import ABSENT, DENIED, SUPPORTED, UNKNOWN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Credentials = tuple[object, ...]

__all__ = [
    "INT_BTF",
    "attr_size",
    "can_attach",
    "can_create_map",
    "can_load",
    "can_load_btf",
    "can_trace",
    "capable",
    "credentials",
    "refusal",
    "seccomp_mode",
    "unless_denied",
]

_libc = ctypes.CDLL(None, use_errno=True)
_capget_header = struct.pack("=Ii", 0x20080522, 0)  # _LINUX_CAPABILITY_VERSION_3, the calling thread
_PR_GET_SECCOMP = 21
_SECCOMP_FILTER = 2
_NO_COMMAND = calls.NO_COMMAND


_boot: tuple[int, bytes] | None = None
_granted: dict[tuple[object, ...], Outcome] = {}
_sizes: dict[Credentials, int] = {}


def _boot_id() -> bytes:
    global _boot
    if _boot is None or _boot[0] != os.getpid():
        try:
            fd = os.open("/proc/sys/kernel/random/boot_id", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            _boot = (os.getpid(), b"")
        else:
            _boot = (os.getpid(), os.read(fd, 64))
            os.close(fd)
    return _boot[1]


def _effective() -> bytes:
    """The calling thread's effective, permitted and inheritable sets, as the kernel wrote them."""
    data = ctypes.create_string_buffer(24)
    return data.raw if _libc.capget(_capget_header, data) == 0 else b""


def capable(perfmon: bool = False) -> bool:
    """Whether the calling thread has CAP_BPF, or CAP_PERFMON if asked, or CAP_SYS_ADMIN: in its own user namespace."""
    effective = _effective()
    if not effective:
        return False
    low, high = struct.unpack_from("=I8xI", effective)  # struct __user_cap_data_struct[2]: effective, permitted, …
    return bool(low >> 21 & 1 or high >> ((38 if perfmon else 39) - 32) & 1)


def seccomp_mode() -> int | None:
    """0 (none) or 2 (filter), as prctl(2) says; `None` when a filter refuses even that question."""
    mode = int(_libc.prctl(_PR_GET_SECCOMP, 0, 0, 0, 0))
    return mode if mode >= 0 else None


def credentials() -> Credentials:
    """What an answer of bpf(2) to this thread depends on: process, boot, capabilities, user namespace, seccomp mode."""
    try:
        namespace = os.stat("/proc/self/ns/user").st_ino
    except OSError:
        namespace = 0
    return (os.getpid(), _boot_id(), _effective(), namespace, seccomp_mode())


def refusal(result: int, call: str) -> Outcome | None:
    """The outcome of a call that was refused to this process, whatever it asked for; `None` for any other answer.

    EPERM is policy: capabilities, kernel.unprivileged_bpf_disabled, memlock before 5.11, lockdown, seccomp, a user
    namespace, a security module. ENOSYS is a kernel without bpf(2), or a seccomp filter that pretends so.
    """
    if result == -errno.EPERM:
        return Outcome(DENIED, f"{call} answered EPERM", errno.EPERM)
    if result == -errno.ENOSYS:
        if seccomp_mode() == 0:
            return Outcome(ABSENT, "bpf(2) answered ENOSYS, and no seccomp filter is active", errno.ENOSYS)
        return Outcome(DENIED, "bpf(2) answered ENOSYS under a seccomp filter", errno.ENOSYS)
    return None


def _control(name: str, number: int, call: Callable[[], int], what: str) -> Outcome:
    key = (name, number, credentials())
    outcome = _granted.get(key)
    if outcome is not None:
        return outcome
    result = calls.closing(call())
    if result >= 0:
        outcome = _granted[key] = Outcome(SUPPORTED, f"{what} succeeded")
        return outcome
    return refusal(result, what) or Outcome(UNKNOWN, f"{what} answered {calls.spell(result)}", -result)


def can_create_map() -> Outcome:
    """Whether this process may create a map at all: an array of one element.

    ``supported``; ``denied`` on EPERM or a pretended ENOSYS; ``absent`` without bpf(2); ``unknown`` on any other errno.
    """
    return _control(
        "map",
        0,
        lambda: calls.create_map(uapi.BPF_MAP_TYPE_ARRAY, 4, 4, 1),
        "BPF_MAP_CREATE of an array of one element",
    )


def can_load(program_type: int = uapi.BPF_PROG_TYPE_SOCKET_FILTER, attach_type: int = 0) -> Outcome:
    """Whether this process may load ``r0 = 0; exit`` of a program type (by number): statuses as for `can_create_map`.

    Parameters:
        program_type: a value of ``enum bpf_prog_type``; a socket filter is what the fewest capabilities allow.
        attach_type: expected_attach_type, for the types that insist on one (4.17).
    """

    def load() -> int:
        if attach_type:
            return calls.load_program(program_type, expected_attach_type=attach_type)
        return calls.load_program(program_type)

    what = f"BPF_PROG_LOAD of an empty program of type {program_type}"
    return _control("load", program_type << 16 | attach_type, load, what)


INT_BTF = calls.btf(struct.pack("=4I", 1, 1 << 24, 4, 1 << 24 | 32), b"\0i\0")
"""One type, a signed integer of 32 bits: what every kernel with BPF_BTF_LOAD (4.18) loads."""


def can_attach() -> Outcome:
    """Whether this process may load what can be attached: an empty device program for cgroups (4.15). Needs CAP_BPF."""
    return can_load(uapi.BPF_PROG_TYPE_CGROUP_DEVICE)


def can_trace() -> Outcome:
    """Whether this process may load tracing programs: an empty one for a raw tracepoint (4.17). Needs CAP_PERFMON."""
    return can_load(uapi.BPF_PROG_TYPE_RAW_TRACEPOINT)


def unless_denied(outcome: Outcome, control: Outcome) -> Outcome:
    """The outcome, unless it is a yes to something that this process is refused the programs for."""
    return control if outcome.status == SUPPORTED and control.status == DENIED else outcome


def can_load_btf() -> Outcome:
    """Whether this process may load BTF: one integer type. Statuses as for `can_create_map`."""
    return _control("btf", 0, lambda: calls.load_btf(INT_BTF), "BPF_BTF_LOAD of one integer type")


def attr_size() -> int | None:
    """``sizeof(union bpf_attr)`` of the running kernel, a multiple of 8; `None` when this process may not ask.

    A command that no kernel has, with one non-zero byte: E2BIG when that byte is past what the kernel knows, EINVAL
    else (kernel/bpf/syscall.c, bpf_check_uarg_tail_zero(), before the command is looked at).
    """
    key = credentials()
    size = _sizes.get(key)
    if size is None:
        size = _measure()
        if size is None:
            return None
        _sizes[key] = size
    return size


def _measure() -> int | None:
    low, high = 0, 1024 // 8  # in steps of 8 bytes: the kernel's size is above `low` and at most `high`
    while high - low > 1:
        middle = (low + high) // 2
        attr = bytearray(middle * 8 + 1)
        attr[-1] = 1
        result = syscall.attempt(_NO_COMMAND, attr)
        if result == -errno.E2BIG:
            high = middle
        elif result == -errno.EINVAL:
            low = middle
        else:
            return None
    return high * 8
