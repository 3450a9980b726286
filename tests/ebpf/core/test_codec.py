from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebpf.core.codec import codec
from ebpf.errors import ArgumentError

RANGES = {
    **{f"u{bits}": (0, 2**bits - 1) for bits in (8, 16, 32, 64)},
    **{f"s{bits}": (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) for bits in (8, 16, 32, 64)},
}


@pytest.mark.parametrize("kind", RANGES)
@given(data=st.data())
def test_numbers_come_back(kind: str, data: st.DataObject) -> None:
    low, high = RANGES[kind]
    number = data.draw(st.integers(low, high))
    coder = codec(kind)
    encoded = coder.encode(number)
    assert len(encoded) == coder.size == int(kind[1:]) // 8
    assert coder.decode(encoded) == number


@pytest.mark.parametrize("kind", RANGES)
def test_numbers_beyond_the_range_are_refused_by_name(kind: str) -> None:
    low, high = RANGES[kind]
    for number in (low - 1, high + 1, "1", None, 1.5):
        with pytest.raises(ArgumentError, match=f"key .* is not a {kind}: give an integer from {low} to {high}"):
            codec(kind, "key").encode(number)


@given(st.binary(max_size=64))
def test_bytes_come_back(data: bytes) -> None:
    coder = codec(len(data))
    assert coder.decode(coder.encode(data)) == data


@pytest.mark.parametrize("data", [b"abc", b"abcde", "abcd", 4, None])
def test_bytes_of_another_length_are_refused(data: object) -> None:
    with pytest.raises(ArgumentError, match=r"value .* is not bytes of length 4"):
        codec(4).encode(data)


@pytest.mark.parametrize("kind", ["u33", "", "U32", -1, None, True, 1.5, []])
def test_unknown_types_are_refused_with_the_known_ones(kind: object) -> None:
    with pytest.raises(ArgumentError, match=r"key type .* is not known: give one of u8, u16, u32"):
        codec(kind, "key")
