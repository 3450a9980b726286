"""BTF blobs for the tests, small enough to be written out by hand."""

from __future__ import annotations

import struct


class Blob:
    """A blob that grows type by type; names are entered as they come.

    Parameters:
        order: ``"<"`` or ``">"``.
        first_id, first_offset: where ids and names begin, for the BTF of a module.
    """

    def __init__(self, order: str = "=", first_id: int = 1, first_offset: int = 0) -> None:
        self._order = order
        self._types: list[bytes] = []
        self._first_id = first_id
        self._first_offset = first_offset
        self._strings = b"" if first_offset else b"\0"

    def name(self, text: str) -> int:
        """The offset of a string; the empty one's is 0."""
        if not text:
            return 0
        offset = self._first_offset + len(self._strings)
        self._strings += text.encode() + b"\0"
        return offset

    def add(self, name: str, kind: int, size_or_type: int, *rest: int, vlen: int = 0, flag: bool = False) -> int:
        """A type's id."""
        words = (self.name(name), int(flag) << 31 | kind << 24 | vlen, size_or_type, *rest)
        self._types.append(struct.pack(f"{self._order}{len(words)}I", *(word & 0xFFFFFFFF for word in words)))
        return self._first_id + len(self._types) - 1

    def bytes(self, version: int = 1, layout: bytes = b"") -> bytes:
        """The blob; with a layout section if there is one."""
        types = b"".join(self._types)
        fields = [0, len(types), len(types), len(self._strings)]
        if layout:
            fields += [len(types) + len(self._strings), len(layout)]
        header = struct.pack(f"{self._order}HBBI{len(fields)}I", 0xEB9F, version, 0, 8 + 4 * len(fields), *fields)
        return header + types + self._strings + layout
