"""Where a blob's sections are."""

from __future__ import annotations

import struct

import pytest

from ebpf.btf import Btf, BtfError
from ebpf.errors import EbpfError
from tests.ebpf.btf.blobs import Blob


def header(**changed: int) -> bytes:
    """A header of an empty blob with one string byte, changed."""
    fields = {"magic": 0xEB9F, "version": 1, "size": 24, "types": 0, "types_size": 0, "strings": 0, "strings_size": 1}
    fields.update(changed)
    values = list(fields.values())
    return struct.pack("=HBBI4I", values[0], values[1], 0, *values[2:]) + b"\0"


def test_an_empty_blob() -> None:
    btf = Btf(header())
    assert len(btf) == 0
    assert btf.functions() == {}
    assert btf.find("anything") is None


@pytest.mark.parametrize(
    ("data", "message", "offset"),
    [
        (b"", "less than its header", 0),
        (b"\x7fELF" + bytes(60), "magic", 0),
        (header(version=2), "version is 2", 2),
        (header(size=8), "header claims 8 bytes", 4),
        (header(size=1 << 31), "header claims", 4),
        (header(types_size=3), "not aligned", 8),
        (header(types_size=1 << 20), "types end", 8),
        (header(types=1 << 31), "types end", 8),
        (header(strings_size=1 << 20), "strings end", 16),
        (header(strings_size=0), "do not begin", 24),
        (header()[:-1] + b"x", "do not begin", 24),
    ],
)
def test_malformed(data: bytes, message: str, offset: int) -> None:
    with pytest.raises(BtfError, match=message) as caught:
        Btf(data)
    assert caught.value.offset == offset
    assert isinstance(caught.value, EbpfError)
    assert f"at byte {offset}" in str(caught.value)


def test_the_last_string_must_end() -> None:
    with pytest.raises(BtfError, match="does not end"):
        Btf(header(strings_size=2) + b"x")


def test_a_layout_section_gives_the_length_of_unknown_kinds() -> None:
    blob = Blob()
    blob.add("young", 20, 4, 1, 2, 3, vlen=1)
    blob.add("after", 2, 1)
    layout = b"".join(struct.pack("=BBH", 0, 0, 0) for _ in range(20)) + struct.pack("=BBH", 4, 8, 0)
    assert Btf(blob.bytes(layout=layout)).find("after") == 2
    with pytest.raises(BtfError, match="unknown kind 20"):
        Btf(blob.bytes()).find("after")


def test_a_layout_section_past_the_end() -> None:
    data = bytearray(Blob().bytes(layout=bytes(4)))
    struct.pack_into("=I", data, 28, 1 << 20)
    with pytest.raises(BtfError, match="layout section ends past"):
        Btf(bytes(data))
