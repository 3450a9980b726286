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

_LOAD = struct.Struct("=QQIII")  # btf, btf_log_buf, btf_size, btf_log_size, btf_log_level


def storage_btf(value: Codec) -> bytes:
    """BTF with an int as type 1 and the value as type 2: an integer where it is one, else an array of bytes."""
    from ebpf.btf import BtfBuilder

    builder = BtfBuilder()
    key = builder.integer("int", 4, signed=True)
    if value.packer is not None:
        builder.integer("value", value.size, signed=value.packer.format[-1].islower())
    else:
        builder.array(VALUE_TYPE + 1, value.size, key)
        builder.integer("byte", 1)
    return builder.build()


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
