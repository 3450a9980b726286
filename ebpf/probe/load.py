"""Loading one tiny program after another, fast:

the buffers are made once, only a few bytes change between two loads.
"""

from __future__ import annotations

import ctypes
import errno
import struct

from ebpf import syscall, uapi
from ebpf.probe import calls, code

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ebpf.probe.programs import Shape

__all__ = ["Loader"]

# A bare call's log is a few hundred bytes; kernels before 6.4 fail with ENOSPC when it does not fit.
_LOG_SIZE = 1 << 14
_IMM = 4  # offset of imm in struct bpf_insn
_LOG_LEVEL = calls.PROG_LOAD["log_level"][0]


class Loader:
    """Loads ``call X; exit`` for one shape of a program type, for many X.

    Parameters:
        program_type: by number.
        shape: how a program of it must look.
        target_id: the BTF id of the shape's target.
        source: src_reg of the call: 0 for helpers, BPF_PSEUDO_KFUNC_CALL for kfuncs.
    """

    __slots__ = ("_attr", "_insns", "_license", "_log", "_plain")

    def __init__(self, program_type: int, shape: Shape, target_id: int = 0, source: int = 0) -> None:
        insns = calls.instruction(0x85, 0, source) + code.mov(code.R0, shape.returns) + code.exit_()
        self._insns = ctypes.create_string_buffer(insns, len(insns))
        self._log = ctypes.create_string_buffer(_LOG_SIZE)
        self._license = ctypes.create_string_buffer(b"GPL")
        fields: dict[str, int | bytes] = {
            "prog_type": program_type,
            "insn_cnt": len(insns) // 8,
            "insns": ctypes.addressof(self._insns),
            "license": ctypes.addressof(self._license),
            "log_level": 1,
            "log_size": _LOG_SIZE,
            "log_buf": ctypes.addressof(self._log),
            "kern_version": 0,
            **shape.fields(target_id),
        }
        attr = calls.attribute(calls.PROG_LOAD, fields)
        self._attr = ctypes.create_string_buffer(bytes(attr), len(attr))

    def call(self, number: int) -> int:
        """Load the program with this call;

        the program is closed again. Returns 0 or -errno; `log` holds what was said.
        """
        struct.pack_into("=i", self._insns, _IMM, number)
        self._log[0] = b"\0"
        for _ in range(5):  # EAGAIN: a signal is pending (kernel/bpf/verifier.c, do_check())
            result = syscall.attempt(uapi.BPF_PROG_LOAD, self._attr)
            if result != -errno.EAGAIN:
                break
        if result >= 0:
            syscall.close(result)
            return 0
        return result

    @property
    def log(self) -> str:
        """The verifier's log of the last load."""
        return self._log.value.decode("ascii", "replace")
