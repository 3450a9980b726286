"""Maps against Python's own containers: hypothesis does to both whatever it likes."""

from __future__ import annotations

import os
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from ebpf import errors, features, uapi, v2
from ebpf.core.walk import walk

pytestmark = pytest.mark.root

SIZE = 12
KEYS = st.integers(0, 15)  # a few more than there is room for
VALUES = st.integers(0, 2**64 - 1)
# In a guest of the matrix, which is emulated, a few examples have to do.
EXAMPLES = 4 if "MATRIX_SHARED" in os.environ else 20
STEPS = settings(max_examples=EXAMPLES, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck))


class HashModel(RuleBasedStateMachine):
    """A hash map and a dict of limited size."""

    KIND: Any = v2.HashMap

    def __init__(self) -> None:
        super().__init__()
        self.map = self.KIND(key="u32", value="u64", max_entries=SIZE)
        self.model: dict[int, int] = {}

    def teardown(self) -> None:
        self.map.close()

    @rule(key=KEYS, value=VALUES)
    def write(self, key: int, value: int) -> None:
        if key not in self.model and len(self.model) == SIZE:
            with pytest.raises(errors.MapFullError):
                self.map[key] = value
        else:
            self.map[key] = self.model[key] = value

    @rule(key=KEYS, value=VALUES, flags=st.sampled_from([uapi.BPF_NOEXIST, uapi.BPF_EXIST]))
    def write_with_flags(self, key: int, value: int, flags: int) -> None:
        there = key in self.model
        if there and flags == uapi.BPF_NOEXIST:
            with pytest.raises(errors.KeyExistsError):
                self.map.set(key, value, flags)
        elif not there and flags == uapi.BPF_EXIST:
            with pytest.raises((errors.KeyMissingError, errors.MapFullError)):
                self.map.set(key, value, flags)
        elif there or len(self.model) < SIZE:
            self.map.set(key, value, flags)
            self.model[key] = value

    @rule(key=KEYS)
    def read(self, key: int) -> None:
        assert self.map.get(key) == self.model.get(key)
        assert (key in self.map) == (key in self.model)
        if key in self.model:
            assert self.map[key] == self.model[key]
        else:
            with pytest.raises(KeyError):
                self.map[key]

    @rule(key=KEYS)
    def delete(self, key: int) -> None:
        if key in self.model:
            del self.map[key], self.model[key]
        else:
            with pytest.raises(KeyError):
                del self.map[key]

    @rule(key=KEYS)
    def pop(self, key: int) -> None:
        assert self.map.pop(key, None) == self.model.pop(key, None)

    @rule(key=KEYS, value=VALUES)
    def setdefault(self, key: int, value: int) -> None:
        if key in self.model or len(self.model) < SIZE:
            assert self.map.setdefault(key, value) == self.model.setdefault(key, value)

    @rule(entries=st.dictionaries(KEYS, VALUES, max_size=5))
    def write_many(self, entries: dict[int, int]) -> None:
        if len(self.model.keys() | entries.keys()) <= SIZE:
            self.map.update(entries)
            self.model.update(entries)

    @rule(keys=st.lists(KEYS, max_size=6, unique=True))
    def delete_many(self, keys: list[int]) -> None:
        assert self.map.batch.delete(keys) == sum(self.model.pop(key, None) is not None for key in keys)

    @rule(doomed=st.sets(KEYS))
    def delete_while_walking(self, doomed: set[int]) -> None:
        seen = []
        for key in self.map:
            seen.append(key)
            if key in doomed:
                del self.map[key]
        assert sorted(seen) == sorted(self.model)
        self.model = {key: value for key, value in self.model.items() if key not in doomed}

    @rule(doomed=st.sets(KEYS), value=VALUES)
    def change_while_walking_key_by_key(self, doomed: set[int], value: int) -> None:
        """What is there all the time is handed out once, whatever is deleted before or behind the walk."""
        seen = []
        for raw in walk(self.map.core, again=True):
            seen.append(int.from_bytes(raw, "little"))
            for key in sorted(doomed)[:2]:
                doomed.discard(key)
                self.map.pop(key, None)
                self.model.pop(key, None)
            if self.model:
                some = min(self.model)
                self.map[some] = self.model[some] = value
        assert len(seen) == len(set(seen))
        assert set(self.model) <= set(seen)

    @rule()
    def take_all(self) -> None:
        keys, values = self.map.batch.lookup_and_delete()
        assert dict(zip(keys, values)) == self.model
        self.model.clear()

    @rule()
    def clear(self) -> None:
        self.map.clear()
        self.model.clear()

    @invariant()
    def they_are_the_same(self) -> None:
        assert dict(self.map.items()) == self.model
        assert len(self.map) == len(self.model)
        keys, values = self.map.batch.arrays()
        assert dict(zip(keys.tolist(), values.tolist())) == self.model


class NotPreallocated(HashModel):
    """The same with elements that are allocated when they come."""

    KIND = staticmethod(lambda **more: v2.HashMap(flags=uapi.BPF_F_NO_PREALLOC, **more))


class PileModel(RuleBasedStateMachine):
    """A queue and a stack, against lists."""

    def __init__(self) -> None:
        super().__init__()
        self.maps = (v2.Queue(value="u32", max_entries=4), v2.Stack(value="u32", max_entries=4))
        self.queue: list[int] = []
        self.stack: list[int] = []

    def teardown(self) -> None:
        for each in self.maps:
            each.close()

    @rule(value=st.integers(0, 2**32 - 1), overwrite=st.booleans())
    def push(self, value: int, overwrite: bool) -> None:
        for pile, model in zip(self.maps, (self.queue, self.stack)):
            if len(model) == 4 and not overwrite:
                with pytest.raises(errors.MapFullError):
                    pile.push(value)
                continue
            pile.push(value, overwrite=overwrite)
            del model[: len(model) == 4]
            model.append(value)

    @rule()
    def pop(self) -> None:
        queue, stack = self.maps
        assert queue.peek(None) == (self.queue[0] if self.queue else None)
        assert stack.peek(None) == (self.stack[-1] if self.stack else None)
        assert queue.pop(None) == (self.queue.pop(0) if self.queue else None)
        assert stack.pop(None) == (self.stack.pop() if self.stack else None)
        if not self.queue:
            with pytest.raises(IndexError):
                queue.pop()

    @rule()
    def drain(self) -> None:
        assert list(self.maps[0].drain()) == self.queue
        assert list(self.maps[1].drain()) == self.stack[::-1]
        self.queue.clear()
        self.stack.clear()


class ArrayModel(RuleBasedStateMachine):
    """An array with its memory mapped, against a list."""

    def __init__(self) -> None:
        super().__init__()
        self.map = v2.ArrayMap(value="s16", max_entries=SIZE, mmap=features.supported("map_mmap"))
        self.model = [0] * SIZE

    def teardown(self) -> None:
        self.map.close()

    @rule(index=st.integers(-SIZE - 2, SIZE + 2), value=st.integers(-(2**15), 2**15 - 1), mapped=st.booleans())
    def write(self, index: int, value: int, mapped: bool) -> None:
        target: Any = self.map.memory if mapped and features.supported("map_mmap") else self.map
        if -SIZE <= index < SIZE:
            target[index] = self.model[index] = value
            assert target[index] == value
        else:
            with pytest.raises(IndexError):
                target[index] = value

    @rule(where=st.slices(SIZE), data=st.data())
    def write_slice(self, where: slice, data: st.DataObject) -> None:
        length = len(self.model[where])
        values = data.draw(st.lists(st.integers(-9, 9), min_size=length, max_size=length))
        self.map[where] = self.model[where] = values
        assert self.map[where] == self.model[where]

    @invariant()
    def they_are_the_same(self) -> None:
        assert self.map[:] == self.model == list(self.map)


class TrieModel(RuleBasedStateMachine):
    """A trie against a dict of prefixes, searched from the longest."""

    NETWORKS = st.tuples(st.integers(0, 255), st.integers(0, 8))

    def __init__(self) -> None:
        super().__init__()
        self.map = v2.LpmTrie(key="=IB3x", value="u32", max_entries=SIZE)
        self.model: dict[tuple[int, int], int] = {}

    def teardown(self) -> None:
        self.map.close()

    @staticmethod
    def cut(network: tuple[int, int]) -> tuple[int, int]:
        address, length = network
        return length, address & (0xFF00 >> length & 0xFF)

    def longest(self, length: int, address: int) -> int | None:
        for shorter in range(length, -1, -1):
            found = self.model.get(self.cut((address, shorter)))
            if found is not None:
                return found
        return None

    @rule(network=NETWORKS, value=st.integers(0, 9))
    def write(self, network: tuple[int, int], value: int) -> None:
        key = self.cut(network)
        if len(self.model) < SIZE:  # up to 6.12 a full trie refuses to overwrite too
            self.map[key] = self.model[key] = value

    @rule(network=NETWORKS)
    def read(self, network: tuple[int, int]) -> None:
        length, address = self.cut(network)
        assert self.map.get((length, address)) == self.longest(length, address)

    @rule(network=NETWORKS)
    def take(self, network: tuple[int, int]) -> None:
        key = self.cut(network)
        assert self.map.pop(key, None) == self.model.pop(key, None)

    @rule(doomed=st.sets(st.integers(0, SIZE)))
    def delete_while_walking(self, doomed: set[int]) -> None:
        seen = []
        for number, key in enumerate(self.map):
            seen.append(key)
            if number in doomed:
                del self.map[key]
        assert sorted(seen) == sorted(self.model)
        for number in doomed:
            if number < len(seen):
                del self.model[seen[number]]

    @invariant()
    def they_are_the_same(self) -> None:
        assert dict(self.map.items()) == self.model


for model in (HashModel, NotPreallocated, PileModel, ArrayModel, TrieModel):
    model.TestCase.settings = STEPS

TestHash = HashModel.TestCase
TestNotPreallocated = NotPreallocated.TestCase
TestArray = ArrayModel.TestCase
TestTrie = pytest.mark.requires("BPF_MAP_TYPE_LPM_TRIE")(TrieModel.TestCase)
TestPile = pytest.mark.requires("BPF_MAP_TYPE_QUEUE")(PileModel.TestCase)
