"""Arrays as sequences, and their memory without calls."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

import numpy
import pytest

from ebpf import errors, v2
from ebpf.core.percpu import possible_cpus

pytestmark = pytest.mark.root


@pytest.fixture
def array() -> Any:
    with v2.ArrayMap(value="s32", max_entries=10) as made:
        yield made


def test_it_is_a_sequence(array: v2.ArrayMap) -> None:
    assert isinstance(array, Sequence)
    assert len(array) == 10
    assert list(array) == array[:] == [0] * 10
    array[3] = -3
    array[-1] = 9
    assert (array[3], array[-7], array[9]) == (-3, -3, 9)
    assert array.index(9) == 9
    assert array.count(0) == 8
    assert -3 in array
    assert 5 not in array
    assert list(reversed(array))[0] == 9  # noqa: RUF015  # the whole is walked on purpose


def test_slices(array: v2.ArrayMap) -> None:
    array[:] = range(10)
    model = list(range(10))
    for wanted in (slice(None), slice(2, 5), slice(-3, None), slice(None, None, -2), slice(8, 100), slice(5, 2)):
        assert array[wanted] == model[wanted]
    array[1:8:3] = model[1:8:3] = [-1, -2, -3]
    array[4:6] = model[4:6] = iter([7, 8])
    assert array[:] == [0, -1, 2, 3, 7, 8, 6, -3, 8, 9]
    with pytest.raises(errors.ArgumentError, match="3 values were given for 2 elements: an array keeps its length"):
        array[0:2] = [1, 2, 3]


@pytest.mark.parametrize("index", [10, -11, 2**32, -(2**40)])
def test_beyond_the_end(array: v2.ArrayMap, index: int) -> None:
    said = "beyond the array: it has 0 to 9"
    with pytest.raises(errors.IndexMissingError, match=said):
        array[index]
    with pytest.raises(IndexError, match=said):
        array[index] = 1
    with pytest.raises(KeyError):  # as v1's
        array.set(index, 1)


def test_what_is_no_index(array: v2.ArrayMap) -> None:
    with pytest.raises(errors.ArgumentError, match="index '1' is not an integer, nor a slice"):
        array["1"]
    with pytest.raises(errors.ArgumentError, match="value 'x' is not a s32"):
        array[0] = "x"
    assert array[numpy.int64(3)] == 0


def test_arrays_of_numpy_in_and_out(array: v2.ArrayMap) -> None:
    array.batch.update(numpy.arange(10, dtype="u4"), numpy.arange(0, -10, -1, dtype="i4"))
    keys, values = array.batch.arrays()
    assert keys.tolist() == list(range(10))
    assert values.dtype == numpy.dtype("i4")
    assert values.tolist() == list(range(0, -10, -1))


def test_one_value_for_each_cpu() -> None:
    cpus = possible_cpus()
    with v2.PerCpuArrayMap(value="u32", max_entries=3) as array:
        array[1] = list(range(cpus))
        array[2] = 5
        assert array[:] == [[0] * cpus, list(range(cpus)), [5] * cpus]
        assert array.total(2) == 5 * cpus
        rows = array.batch.arrays()[1]
        assert rows.shape == (3, cpus)
        assert rows.sum(axis=1).tolist() == [0, sum(range(cpus)), 5 * cpus]
        rows[:] = 9
        array.batch.update([0, 1, 2], rows)
        assert array[0] == [9] * cpus


# Memory

mapped = pytest.mark.requires("map_mmap")


@mapped
@pytest.mark.parametrize("kind", ["u8", "u32", "s64"])
def test_memory_of_numbers(kind: str) -> None:
    with v2.ArrayMap(value=kind, max_entries=1000, mmap=True) as array:
        memory = array.memory
        assert memory is array.memory
        assert len(memory) == 1000
        assert memory.stride == 8
        array[3] = 33
        memory[-1] = 99
        assert (memory[3], array[-1]) == (33, 99)
        assert memory.view.tolist() == memory.array.tolist() == array[:]
        memory.array[:] = 7
        assert array[:] == [7] * 1000
        with pytest.raises(errors.ArgumentError):
            memory[0] = "x"
        with pytest.raises(IndexError):
            memory[1000]
        assert not memory.readonly


class Pair(ctypes.Structure):
    _fields_ = (("left", ctypes.c_uint32), ("middle", ctypes.c_uint32), ("right", ctypes.c_uint32))


@mapped
def test_memory_of_structures() -> None:
    with v2.ArrayMap(value=Pair, max_entries=4, mmap=True) as array:
        memory = array.memory
        assert memory.stride == 16
        memory[1] = (1, 2, 3)
        assert (array[1].left, array[1].right) == (1, 3)
        memory.array["right"][:] = 8
        assert [pair.right for pair in array] == [8] * 4
        assert memory[-1].right == 8
        with pytest.raises(IndexError, match="it has 0 to 3"):
            memory[4]
        assert len(memory.view) == 64


@mapped
def test_memory_is_shared_with_whoever_opens_the_map() -> None:
    with v2.ArrayMap(value="u64", max_entries=4, mmap=True) as one, v2.open_map(one.id, value="u64") as two:
        assert isinstance(two, v2.ArrayMap)
        one.memory[0] = 5
        assert two.memory[0] == 5


@mapped
def test_memory_without_the_flag_is_refused(array: v2.ArrayMap) -> None:
    with pytest.raises(errors.ArgumentError, match="create it with mmap=True"):
        array.memory  # noqa: B018


@mapped
@pytest.mark.requires("BPF_MAP_FREEZE")
def test_memory_of_a_frozen_array_can_be_read() -> None:
    with v2.ArrayMap(value="u64", max_entries=4, mmap=True) as array:
        array[0] = 5
        array.freeze()
        assert array.memory.readonly
        assert array.memory[0] == 5
        with pytest.raises(TypeError):
            array.memory[0] = 6


@mapped
def test_memory_goes_with_the_map_or_the_last_view() -> None:
    array = v2.ArrayMap(value="u64", max_entries=4, mmap=True)
    memory = array.memory
    array.close()
    assert memory.closed
    with pytest.raises(errors.ClosedError):
        memory[0]
    with pytest.raises(errors.ClosedError):
        array.memory  # noqa: B018
    array = v2.ArrayMap(value="u64", max_entries=4, mmap=True)
    kept = array.memory.array
    kept[0] = 5
    array.close()
    assert kept[0] == 5
