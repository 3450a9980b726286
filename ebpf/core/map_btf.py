"""The BTF of a key and a value that some map types insist on."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ebpf.core.btf import BtfCore
    from ebpf.core.codec import Codec

__all__ = ["KEY_TYPE", "VALUE_TYPE", "storage_btf"]

KEY_TYPE = 1
"""The id of the key's type: an int, as descriptors are."""
VALUE_TYPE = 2
"""The id of the value's type."""


def storage_btf(value: Codec) -> BtfCore:
    """BTF with an int as type 1 and the value as type 2, an integer where it is one, else an array of bytes: loaded.

    Needs Linux 4.18.
    """
    from ebpf.btf import BtfBuilder
    from ebpf.core.btf import BtfCore

    builder = BtfBuilder()
    key = builder.integer("int", 4, signed=True)
    if value.packer is not None:
        builder.integer("value", value.size, signed=value.packer.format[-1].islower())
    else:
        builder.array(VALUE_TYPE + 1, value.size, key)
        builder.integer("byte", 1)
    return BtfCore.load(builder.build())
