"""The BTF of a key and a value that some map types insist on."""

from __future__ import annotations

import ctypes
import errno
import struct

from ebpf import syscall, uapi

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ebpf.core.codec import Codec
    from ebpf.errors import EbpfError

__all__ = ["KEY_TYPE", "VALUE_TYPE", "load", "storage_btf"]

KEY_TYPE = 1
"""The id of the key's type: an int, as descriptors are."""
VALUE_TYPE = 2
"""The id of the value's type."""

_HEADER = struct.Struct("=HBB5I")  # struct btf_header, include/uapi/linux/btf.h
_TYPE = struct.Struct("=3I")  # struct btf_type
_INT, _ARRAY = 1 << 24, 3 << 24
_SIGNED = 1 << 24  # BTF_INT_SIGNED in the word behind an integer
_LOAD = struct.Struct("=QQIII")  # btf, btf_log_buf, btf_size, btf_log_size, btf_log_level


def storage_btf(value: Codec) -> bytes:
    """BTF with an int as type 1 and the value as type 2: an integer where it is one, else an array of bytes."""
    strings = b"\0int\0value\0byte\0"
    types = _TYPE.pack(1, _INT, 4) + struct.pack("=I", _SIGNED | 32)
    if value.packer is not None:
        sign = _SIGNED if value.packer.format[-1].islower() else 0
        types += _TYPE.pack(5, _INT, value.size) + struct.pack("=I", sign | value.size * 8)
    else:
        types += _TYPE.pack(0, _ARRAY, 0) + struct.pack("=3I", 3, 1, value.size)
        types += _TYPE.pack(11, _INT, 1) + struct.pack("=I", 8)
    return _HEADER.pack(0xEB9F, 1, 0, _HEADER.size, 0, len(types), len(types), len(strings)) + types + strings


def load(blob: bytes) -> int:
    """A descriptor of BTF: one ``BPF_BTF_LOAD``. Needs Linux 4.18. Raises what explains a refusal."""
    held = ctypes.create_string_buffer(blob, len(blob))
    result = syscall.attempt(uapi.BPF_BTF_LOAD, _LOAD.pack(ctypes.addressof(held), 0, len(blob), 0, 0))
    if result < 0:
        raise _failed(-result)
    return result


def _failed(error: int) -> EbpfError:
    from ebpf import diagnose
    from ebpf.errors import PermissionDeniedError, SyscallError
    from ebpf.kernel import running
    from ebpf.probe.calls import spell

    verdict = running().check("BPF_BTF_LOAD")
    if not verdict:
        return diagnose.verdict_error(verdict)
    what = f"BPF_BTF_LOAD of the types of a map failed ({spell(error)})"
    if error == errno.EPERM:
        return PermissionDeniedError(f"{what}: this process may not", verdict, error)
    return SyscallError(error, what, "BPF_BTF_LOAD")
