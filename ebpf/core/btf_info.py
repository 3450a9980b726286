"""What the kernel says of a loaded BTF: ``struct bpf_btf_info``."""

from __future__ import annotations

import ctypes
import struct

from ebpf.core import objects

__all__ = ["BtfInfo", "btf_info"]

_INFO = struct.Struct("=QIIQII")  # btf, btf_size, id, name, name_len, kernel_btf
_NAME = 64


class BtfInfo:
    """What the kernel says of a loaded BTF.

    Attributes:
        id: by which the kernel knows it.
        size: in bytes.
        name: of the kernel's own: ``"vmlinux"`` or a module's; empty for others. Needs Linux 5.11.
        kernel: whether it is the kernel's own, of its image or of a module. Needs Linux 5.11.
    """

    __slots__ = ("id", "kernel", "name", "size")

    def __init__(self, number: int, size: int, name: str, kernel: bool) -> None:
        self.id = number
        self.size = size
        self.name = name
        self.kernel = kernel

    def __repr__(self) -> str:
        name = f" {self.name!r}" if self.name else ""
        return f"<BtfInfo{name}, id {self.id}, {self.size} bytes>"


def btf_info(fd: int) -> BtfInfo:
    """One ``BPF_OBJ_GET_INFO_BY_FD``."""
    name = ctypes.create_string_buffer(_NAME)
    memory = ctypes.create_string_buffer(_INFO.pack(0, 0, 0, ctypes.addressof(name), _NAME, 0), _INFO.size)
    objects.info(fd, memory, "BTF")
    _, size, number, _, _, kernel = _INFO.unpack(memory.raw)
    return BtfInfo(number, size, name.value.decode("utf-8", "replace"), bool(kernel))
