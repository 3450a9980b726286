"""The kinds of BTF types and the length of their records (include/uapi/linux/btf.h, Documentation/bpf/btf.rst).

A record is three 32-bit words (name, info, size or type) and what its kind adds. Everything is made of 32-bit words.
``info`` holds the kind in bits 24 to 30, the kind flag in bit 31 and the number of elements (vlen) below. Up to 7.1 the
kind had 5 bits and vlen 16; the bits between were zero.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

INT, PTR, ARRAY, STRUCT, UNION, ENUM, FWD, TYPEDEF, VOLATILE, CONST, RESTRICT = range(1, 12)
FUNC, FUNC_PROTO, VAR, DATASEC, FLOAT, DECL_TAG, TYPE_TAG, ENUM64 = range(12, 20)

HEADER_WORDS = 3
KIND_SHIFT, KIND_MASK, VLEN_MASK = 24, 0x7F, 0xFFFFFF

# Words after the first three, as (once, for each element), by kind. FUNC uses vlen for its linkage.
SIZES: tuple[tuple[int, int] | None, ...] = (
    None,
    (1, 0),  # INT: encoding, offset, bits
    (0, 0),
    (3, 0),  # ARRAY: type, index type, number of elements
    (0, 3),  # STRUCT: name, type, offset of each member
    (0, 3),
    (0, 2),  # ENUM: name, value
    (0, 0),
    (0, 0),
    (0, 0),
    (0, 0),
    (0, 0),
    (0, 0),
    (0, 2),  # FUNC_PROTO: name, type of each parameter
    (1, 0),  # VAR: linkage
    (0, 3),  # DATASEC: type, offset, size of each variable
    (0, 0),
    (1, 0),  # DECL_TAG: component
    (0, 0),
    (0, 3),  # ENUM64: name, value's lower and upper half
)


class UnknownKind(Exception):
    """A record of a kind whose length nobody knows."""

    def __init__(self, kind: int) -> None:
        super().__init__(kind)
        self.kind = kind


class Lengths(dict[int, int]):
    """The length of a record in words, by its info word; each is computed when first met.

    Parameters:
        layout: the lengths that the BTF itself declares for its kinds (struct btf_layout, since 7.2), for kinds that
        are
            younger than this module.
    """

    def __init__(self, layout: Sequence[tuple[int, int]] = ()) -> None:
        super().__init__()
        self.sizes = (*SIZES, *layout[len(SIZES) :])
        self.table = bytes(each for size in self.sizes for each in size or (255, 255))  # for the C twin

    def __missing__(self, info: int) -> int:
        kind = info >> KIND_SHIFT & KIND_MASK
        size = self.sizes[kind] if kind < len(self.sizes) else None
        if size is None:
            raise UnknownKind(kind)
        length = self[info] = HEADER_WORDS + size[0] + size[1] * (info & VLEN_MASK)
        return length
