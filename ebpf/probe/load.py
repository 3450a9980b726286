"""Loading one tiny program after another, fast: the buffers are made once, only the call changes between two loads.

The program can never be loaded: behind the call it reads a register that was never written, which every verifier
refuses (EACCES, kernel/bpf/verifier.c, check_reg_arg()). A verifier that comes so far has taken the call. Nothing is
compiled then, made read-only and given back later, each with a flush of all cores' address translations
(mm/vmalloc.c, vm_reset_perms()): thousands of that, one right after the other, keep a kernel busy long after the
answer, and have brought one to a halt.
"""

from __future__ import annotations

import ctypes
import errno
import struct

from ebpf import syscall, uapi
from ebpf.probe import calls, code

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ebpf.probe.programs import Shape

__all__ = ["Loader"]

# A bare call's log is a few hundred bytes; kernels before 6.4 fail with ENOSPC when it does not fit.
_LOG_SIZE = 1 << 14
_OFF = 2  # offset of off and imm in struct bpf_insn
_pack = struct.Struct("=hi").pack_into
_CALL = 0x85
_LOG_LEVEL = calls.PROG_LOAD["log_level"][0]
_FULL_LOG = 1
_STATISTICS = 4
"""BPF_LOG_STATS (5.2): the verifier's messages without each instruction and the registers, for a sixth of the time."""


class Loader:
    """Loads ``call X; r0 = r9; exit`` for one shape of a program type, for many X.

    Parameters:
        program_type: by number.
        shape: how a program of it must look.
        target_id: the BTF id of the shape's target.
        source: src_reg of the call: 0 for helpers, BPF_PSEUDO_KFUNC_CALL for kfuncs.
        more: further fields of BPF_PROG_LOAD.
    """

    __slots__ = ("_attempt", "_attr", "_insns", "_license", "_log", "_shape", "_silent", "_silently")

    def __init__(
        self, program_type: int, shape: Shape, target_id: int = 0, source: int = 0, **more: int | bytes
    ) -> None:
        insns = calls.instruction(_CALL, 0, source) + code.mov_reg(code.R0, code.R9) + code.exit_()
        self._insns = ctypes.create_string_buffer(insns, len(insns))
        self._log = ctypes.create_string_buffer(_LOG_SIZE)
        self._license = ctypes.create_string_buffer(b"GPL")
        self._shape = shape
        fields: dict[str, int | bytes] = {
            "prog_type": program_type,
            "insn_cnt": len(insns) // 8,
            "insns": ctypes.addressof(self._insns),
            "license": ctypes.addressof(self._license),
            "log_level": _STATISTICS,
            "log_size": _LOG_SIZE,
            "log_buf": ctypes.addressof(self._log),
            "kern_version": 0,
            **shape.fields(target_id),
            **more,
        }
        attr = calls.attribute(calls.PROG_LOAD, fields)
        self._attr = ctypes.create_string_buffer(bytes(attr), len(attr))
        self._attempt = syscall.prepare(uapi.BPF_PROG_LOAD, self._attr)
        for name in ("log_level", "log_size", "log_buf"):
            fields[name] = 0
        self._silent = ctypes.create_string_buffer(bytes(calls.attribute(calls.PROG_LOAD, fields)), len(attr))
        self._silently = syscall.prepare(uapi.BPF_PROG_LOAD, self._silent)

    def try_all(self, numbers: Sequence[int]) -> list[int]:
        """Whether the verifier takes each of these calls, asked without its words, which is faster by a tenth.

        -EACCES: it takes the call, or refuses its arguments alone; anything else needs to be asked again by `call_all`.
        Only for a loader whose control was refused in words: then no security module, which answers EACCES too, stands
        before the verifier.
        """
        return syscall.try_calls(uapi.BPF_PROG_LOAD, self._silent, self._insns, numbers)

    def call_all(self, numbers: Sequence[int]) -> list[tuple[int, bytes]]:
        """-errno (0 for what was loaded, and closed again) and the verifier's words for each of these calls."""
        return syscall.try_calls_logged(uapi.BPF_PROG_LOAD, self._attr, self._insns, numbers, self._log)

    def call(self, number: int, module: int = 0) -> int:
        """Load the program with this call; it is closed again. Returns 0 or -errno; `log` holds what was said.

        Parameters:
            number: the helper, or the kfunc's BTF id.
            module: for a module's kfunc: the index of its BTF in fd_array.
        """
        _pack(self._insns, _OFF, module, number)
        self._log[0] = b"\0"
        return _patiently(self._attempt)

    def returns(self, number: int) -> int:
        """Load ``call X; r0 = N; exit``, which can be loaded, without a log: 0 or -errno."""
        last = code.mov(code.R0, self._shape.returns)
        _pack(self._insns, _OFF, 0, number)
        whole = self._insns.raw
        self._insns.raw = whole[:8] + last + whole[16:]
        try:
            return _patiently(self._silently)
        finally:
            self._insns.raw = whole

    def log_fully(self) -> bool:
        """Ask for the log in the form that kernels before 5.2 know; whether it was not asked for so already."""
        if self._attr[_LOG_LEVEL] == bytes((_FULL_LOG,)):
            return False
        struct.pack_into("=I", self._attr, _LOG_LEVEL, _FULL_LOG)
        return True

    @property
    def log(self) -> bytes:
        """The verifier's log of the last load."""
        return self._log.value


def _patiently(attempt: Callable[[], int]) -> int:
    """Load, and close what was loaded; again when a signal was pending (kernel/bpf/verifier.c, do_check())."""
    for _ in range(5):
        result = attempt()
        if result >= 0:
            syscall.close(result)
            return 0
        if result != -errno.EAGAIN:
            break
    return result
