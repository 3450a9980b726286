"""Type information that is loaded into the kernel."""

from __future__ import annotations

import ctypes
import struct

from ebpf import syscall, uapi
from ebpf.core.fd import Descriptor

__all__ = ["BtfCore"]

# union bpf_attr of BPF_BTF_LOAD: btf, btf_log_buf, btf_size, btf_log_size, btf_log_level; the rest is younger.
_LOAD = struct.Struct("=QQIII")
_LOG = 1 << 16


class BtfCore(Descriptor):
    """Type information that this process has loaded, or opened.

    Needs Linux 4.18 (``BPF_BTF_LOAD``).
    """

    __slots__ = ()

    noun = "BTF"

    @classmethod
    def load(cls, data: bytes) -> BtfCore:
        """Load type information: one ``BPF_BTF_LOAD``, a second one for the log when the kernel refuses.

        Raises what `ebpf.diagnose` makes of it; the message holds the log's last line.
        """
        result = attempt(data)
        if result < 0:
            from ebpf.diagnose import btf

            raise btf.load_error(-result, log_of(data))
        return cls(result)


def attempt(data: bytes) -> int:
    """One ``BPF_BTF_LOAD`` without a log: a file descriptor or the negated errno."""
    buffer = ctypes.create_string_buffer(data, len(data))
    return syscall.attempt(uapi.BPF_BTF_LOAD, _LOAD.pack(ctypes.addressof(buffer), 0, len(data), 0, 0))


def log_of(data: bytes) -> str:
    """What the kernel says about type information that it refuses."""
    buffer = ctypes.create_string_buffer(data, len(data))
    log = ctypes.create_string_buffer(_LOG)
    attr = _LOAD.pack(ctypes.addressof(buffer), ctypes.addressof(log), len(data), _LOG, 1)
    result = syscall.attempt(uapi.BPF_BTF_LOAD, attr)
    if result >= 0:
        syscall.close(result)
    return log.value.decode("utf-8", "replace")
