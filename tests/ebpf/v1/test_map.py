"""v1's maps on the real kernel."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable
from typing import Union

import pytest

from ebpf import errors
from ebpf.v1.map import ArrayMap, DeletableEntries, HashMap, Map, WritableMap, WriteOption

pytestmark = pytest.mark.root

Maker = Callable[..., Union[HashMap, ArrayMap]]


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


def test_write_then_read() -> None:
    with HashMap(512) as numbers:
        numbers.set(1, 101, WriteOption.CREATE_ENTRY)
        assert numbers.get(1) == 101


def test_create_entry_refuses_a_key_that_is_there() -> None:
    with HashMap(8) as numbers:
        numbers.set(7, 1, WriteOption.CREATE_ENTRY)
        with pytest.raises(errors.KeyExistsError, match="BPF_MAP_TYPE_HASH has an entry under key 7 already"):
            numbers.set(7, 2, WriteOption.CREATE_ENTRY)
        assert numbers.get(7) == 1


def test_update_entry_refuses_a_key_that_is_not_there() -> None:
    with HashMap(8) as numbers:
        with pytest.raises(errors.KeyMissingError, match="has no entry under key 7"):
            numbers.set(7, 2, WriteOption.UPDATE_ENTRY)
        numbers.set(7, 1)
        numbers.set(7, 2, WriteOption.UPDATE_ENTRY)
        assert numbers.get(7) == 2


def test_a_missing_key_is_a_key_error_that_names_it() -> None:
    with HashMap(8) as numbers, pytest.raises(KeyError) as caught:
        numbers.get(41)
    assert str(caught.value) == "BPF_MAP_TYPE_HASH has no entry under key 41"
    assert isinstance(caught.value, errors.SyscallError)
    assert caught.value.command == "BPF_MAP_LOOKUP_ELEM"


def test_delete_takes_an_entry_out_once() -> None:
    with HashMap(8) as numbers:
        numbers.set(3, 4)
        numbers.delete(3)
        with pytest.raises(errors.KeyMissingError):
            numbers.get(3)
        with pytest.raises(errors.KeyMissingError):
            numbers.delete(3)


def test_iteration_and_length() -> None:
    with HashMap(64) as numbers:
        assert list(numbers) == []
        assert len(numbers) == 0
        assert bool(numbers)
        for key in range(50):
            numbers.set(key, key * key)
        assert sorted(numbers) == list(range(50))
        assert len(numbers) == 50
        for key in numbers:  # deleting what was handed out is safe
            numbers.delete(key)
        assert len(numbers) == 0


def test_a_full_map_says_so() -> None:
    with HashMap(2) as numbers:
        numbers.set(1, 1)
        numbers.set(2, 2)
        with pytest.raises(errors.MapFullError, match="is full: it was made for max_entries = 2"):
            numbers.set(3, 3)


@pytest.mark.parametrize(
    ("key", "value", "entry"),
    [("u64", "s64", (2**63, -(2**63))), ("u8", "u16", (255, 65535)), (16, 3, (b"k" * 16, b"abc"))],
)
def test_typed_otherwise(key: str | int, value: str | int, entry: tuple[object, object]) -> None:
    with HashMap(4, key, value) as typed:
        typed.set(*entry)
        assert typed.get(entry[0]) == entry[1]
        assert list(typed) == [entry[0]]


def test_array() -> None:
    with ArrayMap(4, value="u64") as array:
        assert len(array) == 4
        assert list(array) == [0, 1, 2, 3]
        assert [array.get(index) for index in array] == [0, 0, 0, 0]
        array.set(2, 2**40)
        assert array.get(2) == 2**40
        with pytest.raises(errors.KeyMissingError, match="no entry under key 4"):
            array.get(4)
        with pytest.raises(errors.KeyMissingError, match="index 4 is beyond the array: it has 0 to 3"):
            array.set(4, 1)
        with pytest.raises(errors.KeyExistsError):
            array.set(2, 1, WriteOption.CREATE_ENTRY)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: HashMap(0), "max_entries is 0, it must be 1 or more"),
        (lambda: ArrayMap(0), "max_entries is 0, it must be 1 or more"),
        (lambda: HashMap(-1), "max_entries is -1: give a number from 0 to 4294967295"),
        (lambda: HashMap(2**32), "max_entries is 4294967296: give a number from 0 to 4294967295"),
        (lambda: HashMap("512"), "max_entries is '512': give an integer"),  # type: ignore[arg-type]  # what a person may try
        (lambda: HashMap(1, key=0), "key_size is 0, a key must have 1 byte or more"),
        (lambda: HashMap(1, value=0), "value_size is 0, a value must have 1 byte or more"),
        (lambda: HashMap(1, value=2**22), "value_size is 4194304, key and value together must stay under 4 MiB"),
        (lambda: ArrayMap(1, value=2**31), "value_size is 2147483648, a value has 2147483647 bytes at most"),
        (lambda: HashMap(1, key="int"), "key type 'int' is not known"),
    ],
)
def test_bad_arguments_are_named_with_the_fix(make: Maker, said: str) -> None:
    before = open_files()
    with pytest.raises(errors.ArgumentError) as caught:
        make()
    assert said in str(caught.value)
    assert open_files() == before


def test_a_key_larger_than_a_programs_stack_works_or_is_named() -> None:
    """Older kernels refuse it; newer ones do not, since a key may lie elsewhere."""
    try:
        HashMap(1, key=513).close()
    except errors.ArgumentError as error:
        assert "key_size is 513, a key has 512 bytes at most" in str(error)  # noqa: PT017


def test_more_memory_than_there_is() -> None:
    before = open_files()
    with pytest.raises((errors.OutOfMemoryError, errors.ArgumentError)) as caught:
        ArrayMap(2**31, value=64 * 1024)
    assert "2147483648" in str(caught.value)
    assert open_files() == before


def test_a_closed_map_says_so_and_closes_twice() -> None:
    numbers = HashMap(4)
    assert not numbers.closed
    numbers.close()
    numbers.close()
    assert numbers.closed
    for use in (lambda: numbers.get(1), lambda: numbers.set(1, 1), lambda: list(numbers), numbers.fileno):
        with pytest.raises(errors.ClosedError, match="the map is closed"):
            use()
    assert "closed" in repr(numbers)


def test_nothing_is_left_open() -> None:
    before = open_files()
    maps = [HashMap(4) for _ in range(20)]
    assert open_files() == before + 20
    maps[0].close()
    with pytest.raises(RuntimeError), maps[1]:
        raise RuntimeError
    del maps
    gc.collect()
    assert open_files() == before


def test_file_descriptors_are_not_inherited() -> None:
    with HashMap(4) as numbers:
        assert not os.get_inheritable(numbers.fileno())


def test_what_a_map_can_do_is_in_its_types() -> None:
    assert issubclass(HashMap, (WritableMap, DeletableEntries))
    assert issubclass(ArrayMap, WritableMap)
    assert not issubclass(ArrayMap, DeletableEntries)
    assert issubclass(WritableMap, Map)


def test_repr_says_types_and_size() -> None:
    with HashMap(4, "u64", 16) as numbers:
        assert repr(numbers) == f"<HashMap u64 -> 16 bytes, max_entries 4, fd {numbers.fileno()}>"
