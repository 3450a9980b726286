"""Each bpf(2) command on maps, over bytes."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator

import pytest

from ebpf import errors, uapi
from ebpf.v1 import lowlevel
from tests.bpffs import bpffs

pytestmark = pytest.mark.root

HASH, QUEUE, ARRAY = uapi.BPF_MAP_TYPE_HASH, uapi.BPF_MAP_TYPE_QUEUE, uapi.BPF_MAP_TYPE_ARRAY


def u32(number: int) -> bytes:
    return struct.pack("=I", number)


def u64(number: int) -> bytes:
    return struct.pack("=Q", number)


@pytest.fixture
def fd() -> Iterator[int]:
    made = lowlevel.map_create(HASH, 4, 8, 16)
    yield made
    os.close(made)


def test_one_element(fd: int) -> None:
    assert not os.get_inheritable(fd)
    lowlevel.map_update_elem(fd, u32(1), u64(10), uapi.BPF_NOEXIST)
    assert lowlevel.map_lookup_elem(fd, u32(1), 8) == u64(10)
    with pytest.raises(errors.KeyExistsError):
        lowlevel.map_update_elem(fd, u32(1), u64(10), uapi.BPF_NOEXIST)
    lowlevel.map_delete_elem(fd, u32(1))
    for use in (
        lambda: lowlevel.map_lookup_elem(fd, u32(1), 8),
        lambda: lowlevel.map_delete_elem(fd, u32(1)),
        lambda: lowlevel.map_update_elem(fd, u32(1), u64(1), uapi.BPF_EXIST),
    ):
        with pytest.raises(errors.KeyMissingError):
            use()


@pytest.mark.requires("get_next_key_null")
def test_walking(fd: int) -> None:
    assert lowlevel.map_get_next_key(fd, None, 4) is None
    for number in range(5):
        lowlevel.map_update_elem(fd, u32(number), u64(number))
    seen = []
    key = lowlevel.map_get_next_key(fd, None, 4)
    while key is not None:
        seen.append(key)
        key = lowlevel.map_get_next_key(fd, key, 4)
    assert sorted(seen) == sorted(map(u32, range(5)))


@pytest.mark.requires("lookup_and_delete_hash")
def test_taking_out(fd: int) -> None:
    lowlevel.map_update_elem(fd, u32(1), u64(10))
    assert lowlevel.map_lookup_and_delete_elem(fd, u32(1), 8) == u64(10)
    with pytest.raises(errors.KeyMissingError):
        lowlevel.map_lookup_and_delete_elem(fd, u32(1), 8)


@pytest.mark.requires("BPF_MAP_TYPE_QUEUE")
def test_queues_have_no_key() -> None:
    fd = lowlevel.map_create(QUEUE, 0, 4, 4, name="queue")
    try:
        lowlevel.map_update_elem(fd, b"", u32(5))
        assert lowlevel.map_lookup_elem(fd, b"", 4) == u32(5)
        assert lowlevel.map_lookup_and_delete_elem(fd, b"", 4) == u32(5)
    finally:
        os.close(fd)


@pytest.mark.requires("map_batch_operations")
def test_many_elements(fd: int) -> None:
    keys = b"".join(map(u32, range(10)))
    values = b"".join(map(u64, range(10)))
    assert lowlevel.map_update_batch(fd, keys, values, 10) == 10
    got: dict[bytes, bytes] = {}
    token: bytes | None = None
    while True:
        some_keys, some_values, count, token = lowlevel.map_lookup_batch(fd, 8, 4, 8, token)
        for index in range(count):
            got[some_keys[4 * index : 4 * index + 4]] = some_values[8 * index : 8 * index + 8]
        if token is None:
            break
    assert got == {u32(number): u64(number) for number in range(10)}
    assert lowlevel.map_delete_batch(fd, keys, 4) == 4
    with pytest.raises(errors.KeyMissingError):
        lowlevel.map_delete_batch(fd, keys, 1)
    taken = lowlevel.map_lookup_and_delete_batch(fd, 16, 4, 8)
    assert (taken[2], taken[3]) == (6, None)
    assert lowlevel.map_lookup_batch(fd, 16, 4, 8)[2:] == (0, None)


@pytest.mark.requires("BPF_MAP_FREEZE")
def test_freezing(fd: int) -> None:
    lowlevel.map_freeze(fd)
    with pytest.raises(errors.PermissionDeniedError, match="frozen"):
        lowlevel.map_update_elem(fd, u32(1), u64(1))


@pytest.mark.requires("object_ids", "map_names")
def test_ids_and_info() -> None:
    fd = lowlevel.map_create(ARRAY, 4, 8, 3, name="my_array")
    try:
        info = lowlevel.obj_get_info_by_fd(fd)
        map_type, number, key_size, value_size, max_entries, _, name = struct.unpack_from("=6I16s", info)
        assert (map_type, key_size, value_size, max_entries) == (ARRAY, 4, 8, 3)
        assert name.rstrip(b"\0") == b"my_array"
        assert len(lowlevel.obj_get_info_by_fd(fd, 24)) == 24
        assert lowlevel.map_get_next_id(number - 1) == number
        other = lowlevel.map_get_fd_by_id(number)
        assert lowlevel.obj_get_info_by_fd(other) == info
        os.close(other)
        with pytest.raises(errors.EbpfError):
            lowlevel.map_get_fd_by_id(2**31 - 1)
        assert lowlevel.map_get_next_id(2**31 - 2) is None
    finally:
        os.close(fd)


def test_pins(fd: int) -> None:
    lowlevel.map_update_elem(fd, u32(1), u64(10))
    with bpffs() as directory:
        lowlevel.obj_pin(directory / "map", fd)
        other = lowlevel.obj_get(directory / "map")
        assert lowlevel.map_lookup_elem(other, u32(1), 8) == u64(10)
        os.close(other)
        with pytest.raises(errors.SyscallError, match="taken"):
            lowlevel.obj_pin(str(directory / "map"), fd)
        with pytest.raises(errors.SyscallError, match="nothing is pinned"):
            lowlevel.obj_get(directory / "other")


@pytest.mark.requires("map_syscall_access")
def test_pins_opened_for_reading(fd: int) -> None:
    with bpffs() as directory:
        lowlevel.obj_pin(directory / "map", fd)
        other = lowlevel.obj_get(directory / "map", uapi.BPF_F_RDONLY)
        try:
            with pytest.raises(errors.PermissionDeniedError):
                lowlevel.map_update_elem(other, u32(1), u64(1))
        finally:
            os.close(other)


def test_what_is_wrong_is_named(fd: int) -> None:
    with pytest.raises(errors.ArgumentError, match="max_entries is 0"):
        lowlevel.map_create(HASH, 4, 8, 0)
    with pytest.raises(errors.ArgumentError, match="too large for its field"):
        lowlevel.map_lookup_elem(fd, u32(1), 8, 2**64)
    with pytest.raises(errors.EbpfError, match="EBADF"):
        lowlevel.map_lookup_elem(2**30, u32(1), 8)
