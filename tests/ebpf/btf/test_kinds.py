"""The lengths of records."""

from __future__ import annotations

import pytest

from ebpf.btf import kinds
from ebpf.btf.kinds import Lengths, UnknownKind


@pytest.mark.parametrize(
    ("kind", "vlen", "words"),
    [
        (kinds.INT, 0, 4),
        (kinds.PTR, 0, 3),
        (kinds.ARRAY, 0, 6),
        (kinds.STRUCT, 0, 3),
        (kinds.STRUCT, 2, 9),
        (kinds.UNION, 70000, 210003),  # more than 16 bits hold: possible since 7.2
        (kinds.ENUM, 3, 9),
        (kinds.FUNC, 1, 3),  # the linkage
        (kinds.FUNC_PROTO, 2, 7),
        (kinds.VAR, 0, 4),
        (kinds.DATASEC, 2, 9),
        (kinds.DECL_TAG, 0, 4),
        (kinds.ENUM64, 2, 9),
    ],
)
def test_lengths(kind: int, vlen: int, words: int) -> None:
    assert Lengths()[kind << 24 | vlen] == words
    assert Lengths()[1 << 31 | kind << 24 | vlen] == words


@pytest.mark.parametrize("kind", [0, 20, 127])
def test_no_length_is_guessed(kind: int) -> None:
    with pytest.raises(UnknownKind):
        Lengths()[kind << 24]


def test_what_the_blob_declares_serves_for_younger_kinds() -> None:
    layout = [(9, 9)] * 20 + [(1, 2)]
    assert Lengths(layout)[20 << 24 | 3] == 3 + 1 + 6
    assert Lengths(layout)[kinds.PTR << 24] == 3, "the known ones are not overridden"
    with pytest.raises(UnknownKind):
        Lengths(layout)[21 << 24]
