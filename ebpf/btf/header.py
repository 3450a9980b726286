"""``struct btf_header`` (include/uapi/linux/btf.h): where a blob's sections are."""

from __future__ import annotations

import struct
import sys

from ebpf.errors import BtfError

__all__ = ["Header"]

_MAGIC, _SWAPPED = 0xEB9F, 0x9FEB
_SIZE = 24
_LAYOUT_SIZE = 32  # with layout_off and layout_len


class Header:
    """``struct btf_header``: where the sections are, checked to lie within the data."""

    __slots__ = ("layout", "native", "strings_offset", "strings_size", "types_offset", "types_size")

    def __init__(self, data: bytes) -> None:
        if len(data) < _SIZE:
            raise BtfError(f"{len(data)} bytes are less than its header", len(data))
        magic = struct.unpack_from("<H", data)[0]
        if magic not in (_MAGIC, _SWAPPED):
            raise BtfError("it does not begin with the magic number", 0)
        order = "<" if magic == _MAGIC else ">"
        self.native = (order == "<") == (sys.byteorder == "little")
        _, version, _, size, types, types_size, strings, strings_size = struct.unpack_from(order + "HBB5I", data)
        if version != 1:
            raise BtfError(f"its version is {version}, not 1", 2)
        if size < _SIZE or size > len(data):
            raise BtfError(f"its header claims {size} bytes", 4)
        self.types_offset, self.types_size = size + types, types_size
        self.strings_offset, self.strings_size = size + strings, strings_size
        if self.types_offset % 4 or types_size % 4:
            raise BtfError("its types are not aligned", 8)
        if self.types_offset + types_size > len(data):
            raise BtfError(f"its types end {self.types_offset + types_size - len(data)} bytes past the data", 8)
        if self.strings_offset + strings_size > len(data):
            raise BtfError(f"its strings end {self.strings_offset + strings_size - len(data)} bytes past the data", 16)
        self.layout = self._read_layout(data, order, size)

    @staticmethod
    def _read_layout(data: bytes, order: str, size: int) -> list[tuple[int, int]]:
        """Words of each kind's record, from the layout section: struct btf_layout holds them in bytes."""
        if size < _LAYOUT_SIZE:
            return []
        offset, length = struct.unpack_from(order + "II", data, 24)
        if size + offset + length > len(data):
            raise BtfError("its layout section ends past the data", 24)
        section = data[size + offset : size + offset + length - length % 4]
        return [(once // 4, each // 4) for once, each, _ in struct.iter_unpack(order + "BBH", section)]
