"""What maps do without: on the real kernel, with the calls refused that an older one does not have."""

from __future__ import annotations

import errno
import resource
from collections.abc import Callable
from typing import Any

import pytest

from ebpf import errors, features, uapi, v2
from tests.privileges import changed, refuse_commands, refuse_long_attributes

pytestmark = pytest.mark.root

BATCH = (
    uapi.BPF_MAP_LOOKUP_BATCH,
    uapi.BPF_MAP_LOOKUP_AND_DELETE_BATCH,
    uapi.BPF_MAP_UPDATE_BATCH,
    uapi.BPF_MAP_DELETE_BATCH,
)
_BASIC = 20  # bytes of the attribute of BPF_MAP_CREATE up to map_flags


def without(commands: tuple[int, ...], task: Callable[[], Any], answer: int = errno.EINVAL) -> Any:
    return changed(refuse_commands(answer, *commands), task)


def hash_map(**more: Any) -> v2.HashMap:
    return v2.HashMap(key="u32", value="u64", max_entries=100, **more)


def told(m: v2.Map) -> list[str]:
    return [row.name for row in m.adaptations]


@pytest.mark.requires("map_batch_operations", "lookup_and_delete_hash", "map_names")
def test_nothing_is_adapted_where_nothing_is_missing() -> None:
    with hash_map(name="whole") as m:
        m.update({1: 2, 3: 4})
        assert dict(m.items()) == {1: 2, 3: 4}
        m.pop(1)
        m.batch.delete([3])
        m.clear()
        assert m.adaptations == ()


def test_without_batches_there_is_one_call_for_each() -> None:
    def task() -> Any:
        with hash_map() as m:
            before = told(m)
            m.update({number: number for number in range(50)})
            after = told(m)
            arrays = [part.tolist() for part in m.batch.arrays()]
            deleted = m.batch.delete([1, 2, 999])
            rest = len(m)
            taken = m.batch.lookup_and_delete()
            m.clear()
            return before, after, sorted(arrays[0]), deleted, rest, len(taken[0]), len(m), told(m)

    found = without(BATCH, task)
    assert found == [[], ["batch"], list(range(50)), 2, 48, 48, 0, ["batch"]]


def test_a_walk_without_batches_may_delete() -> None:
    def task() -> Any:
        with hash_map() as m:
            m.update({number: number for number in range(80)})
            seen = []
            for key in m:
                seen.append(key)
                del m[key]
            return sorted(seen), len(m)

    assert without(BATCH, task) == [list(range(80)), 0]


def test_arrays_without_batches() -> None:
    def task() -> Any:
        with v2.ArrayMap(value="u32", max_entries=10) as array:
            array[2:5] = [2, 3, 4]
            return array[:], told(array)

    assert without(BATCH, task) == [[0, 0, 2, 3, 4, 0, 0, 0, 0, 0], ["batch"]]


def test_lookup_and_delete_in_two_calls() -> None:
    def task() -> Any:
        with hash_map() as m:
            m[1] = 5
            found = m.pop(1), m.pop(1, "none"), len(m)
            return found, told(m)

    for answer in (errno.EINVAL, 524):
        assert without((uapi.BPF_MAP_LOOKUP_AND_DELETE_ELEM,), task, answer) == [[5, "none", 0], ["lookup_and_delete"]]


@pytest.mark.requires("BPF_MAP_TYPE_QUEUE")
def test_a_queue_is_refused_rather_than_emulated() -> None:
    def task() -> Any:
        with v2.Queue(value="u32", max_entries=4) as queue:
            queue.push(1)
            try:
                queue.pop()
            except errors.EbpfError as error:
                return type(error).__name__, queue.peek(), told(queue)  # nothing was taken
            return "popped"

    name, left, adapted = without((uapi.BPF_MAP_LOOKUP_AND_DELETE_ELEM,), task)
    assert (left, adapted) == (1, [])
    assert issubclass(getattr(errors, name), errors.EbpfError)


def test_unnamed_where_names_are_refused() -> None:
    def task() -> Any:
        with hash_map(name="my_name") as m:
            return m.name, m.info.name, told(m)

    refused = refuse_long_attributes(errno.EINVAL, uapi.BPF_MAP_CREATE, _BASIC)
    assert changed(refused, task) == ["my_name", "", ["unnamed"]]


def test_without_mmap_there_are_calls() -> None:
    """The flag alone cannot be refused here: the same course is taken for a flag that no kernel has for a hash map."""
    if not features.supported("map_mmap"):
        with v2.ArrayMap(value="u32", max_entries=4, mmap=True) as array:
            assert told(array) == ["mmap"]
            array[0] = 1
            assert array[:] == [1, 0, 0, 0]
            with pytest.raises(errors.UnsupportedFeatureError):
                array.memory  # noqa: B018


@pytest.mark.requires("BPF_OBJ_GET_INFO_BY_FD")
def test_info_from_fdinfo() -> None:
    def task() -> Any:
        with hash_map(name="named") as m:
            info = m.info
            return info.type_name, info.key_size, info.value_size, info.max_entries, info.name, told(m)

    found = without((uapi.BPF_OBJ_GET_INFO_BY_FD,), task)
    assert found == ["BPF_MAP_TYPE_HASH", 4, 8, 100, "named", ["info"]]


def test_a_walk_that_cannot_begin_with_nothing() -> None:
    """Kernels before 4.12 answer EFAULT to a lookup of the first key; a filter cannot tell it from the others."""
    from ebpf.core.walk import _guesses

    guesses = list(_guesses(4))
    assert guesses[0] == b"\xff" * 4
    assert all(len(guess) == 4 for guess in guesses)


def test_memlock_is_raised_only_when_the_kernel_refuses() -> None:
    before = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    with hash_map() as m:
        if features.supported("memcg_accounting"):
            assert told(m) == []
            assert resource.getrlimit(resource.RLIMIT_MEMLOCK) == before


def test_memlock_is_as_it_was_when_that_did_not_help() -> None:
    def task() -> Any:
        soft, hard = resource.getrlimit(resource.RLIMIT_MEMLOCK)
        resource.setrlimit(resource.RLIMIT_MEMLOCK, (min(soft, 4096) if soft >= 0 else 4096, hard))
        before = resource.getrlimit(resource.RLIMIT_MEMLOCK)
        try:
            hash_map()
        except errors.PermissionDeniedError:
            return list(before) == list(resource.getrlimit(resource.RLIMIT_MEMLOCK))
        return "made"

    assert without((uapi.BPF_MAP_CREATE,), task, errno.EPERM) is True


@pytest.mark.parametrize(
    ("commands", "use"),
    [
        (BATCH, lambda m: m.update({1: 2})),
        (BATCH, lambda m: list(m)),
        ((uapi.BPF_MAP_LOOKUP_AND_DELETE_ELEM,), lambda m: m.pop(1)),
        ((uapi.BPF_OBJ_GET_INFO_BY_FD,), lambda m: m.info),
    ],
)
def test_each_can_be_refused(commands: tuple[int, ...], use: Callable[[Any], Any]) -> None:
    def task() -> Any:
        with hash_map(adapt=False) as m:
            m[1] = 5
            try:
                use(m)
            except errors.UnsupportedFeatureError as error:
                return str(error), told(m), m[1]
            return "done"

    message, adapted, left = without(commands, task)
    assert "adapt=False refuses what would be done instead" in message
    assert (adapted, left) == ([], 5)


def test_a_name_that_is_refused_leaves_no_map() -> None:
    def task() -> Any:
        import os

        before = len(os.listdir("/proc/self/fd"))
        try:
            hash_map(name="x", adapt=False)
        except errors.UnsupportedFeatureError:
            return len(os.listdir("/proc/self/fd")) - before
        return "made"

    assert changed(refuse_long_attributes(errno.EINVAL, uapi.BPF_MAP_CREATE, _BASIC), task) == 0
