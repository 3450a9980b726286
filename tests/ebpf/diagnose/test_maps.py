"""Failures provoked for real, and what is said of them."""

from __future__ import annotations

import errno
import resource

import pytest

from ebpf import errors
from ebpf.core.map import MapCore
from ebpf.diagnose import map_demands

HASH, ARRAY = 1, 2


@pytest.mark.root
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((ARRAY, 8, 4, 1), "key_size is 8, an array's keys are indices of 4 bytes (u32)"),
        ((HASH, 4, 4, 1, 1 << 31), "flags 0x80000000"),
        ((HASH, 4, 4, 1, 1 << 10), "flags 0x400"),  # BPF_F_MMAPABLE is known, but not for a hash
    ],
)
def test_arguments_that_the_kernel_refuses(arguments: tuple[int, ...], said: str) -> None:
    with pytest.raises(errors.ArgumentError) as caught:
        MapCore(*arguments)
    assert said in str(caught.value)
    assert "EINVAL" in str(caught.value)


@pytest.mark.root
def test_a_map_type_that_no_kernel_has() -> None:
    with pytest.raises(errors.ArgumentError, match="map type 200"):
        MapCore(200, 4, 4, 1)


@pytest.mark.root
def test_too_many_open_files() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    # What the diagnosis reads must still be readable: one descriptor is kept in reserve.
    held: list[MapCore] = []

    def make_many() -> None:
        for _ in range(64):
            held.append(MapCore(HASH, 4, 4, 1))  # noqa: PERF401  # what was made before the failure is closed below

    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (32, hard))
        with pytest.raises(errors.SyscallError, match="too many open files") as caught:
            make_many()
        assert caught.value.errno == errno.EMFILE
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for each in held:
            each.close()


@pytest.mark.root
def test_deleting_from_an_array() -> None:
    with MapCore(ARRAY, 4, 4, 4) as array, pytest.raises(errors.ArgumentError, match="cannot be deleted"):
        array.delete(b"\0\0\0\0")


@pytest.mark.root
def test_a_descriptor_closed_behind_the_maps_back() -> None:
    import os

    core = MapCore(HASH, 4, 4, 4)
    os.close(core.fd)
    with pytest.raises(errors.SyscallError, match="closed behind its back"):
        core.lookup(b"\0\0\0\0")
    core._fd = -1


@pytest.mark.root
def test_a_map_that_userspace_may_not_write() -> None:
    read_only = 1 << 3  # BPF_F_RDONLY
    with MapCore(HASH, 4, 4, 4, read_only) as core, pytest.raises(PermissionError, match="read-only"):
        core.update(b"\0\0\0\0", b"\0\0\0\0")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((ARRAY, 8, 4, 1), "key_size is 8"),
        ((HASH, 4, 4, 0), "max_entries is 0"),
        ((HASH, 4, 1 << 23, 1), "value_size is 8388608"),
        ((HASH, 4, 4, 1), ""),
        ((ARRAY, 4, 4, 1, 1 << 10), ""),
        ((27, 0, 0, 5000), "max_entries is 5000"),
    ],
)
def test_demands_are_known_before_anything_is_asked(arguments: tuple[int, ...], said: str) -> None:
    found = map_demands(*arguments)
    assert found.startswith(said)
    assert bool(found) == bool(said)
