"""All elements of a map in a dictionary."""

from __future__ import annotations

import pytest

from ebpf import v2
from tests import twin

pytestmark = [pytest.mark.root, pytest.mark.requires("BPF_MAP_TYPE_HASH")]


@pytest.mark.parametrize("value", ["u8", "s16", "u32", "s64", "u64", "<IH", 3, "char[5]"])
def test_the_same_as_its_items(value: str | int) -> None:
    contents = {"<IH": (1, 2), 3: b"abc", "char[5]": "ab"}
    with v2.HashMap(key="s32", value=value, max_entries=300) as m:
        assert m.batch.dict() == {}
        expected = {number - 100: contents.get(value, number % 100) for number in range(200)}
        m.update(expected)
        assert m.batch.dict() == dict(m.items()) == expected


def test_numbers_that_no_batch_left() -> None:
    make = twin.extension().dict_of
    assert make(b"\1\2", b"\3\4", 2, "B", "b") == {1: 3, 2: 4}
    for count in (3, -1):
        with pytest.raises(ValueError, match="as many"):
            make(b"\1\2", b"\3\4", count, "B", "b")
