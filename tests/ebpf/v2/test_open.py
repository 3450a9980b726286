"""Maps that are there already: by path, id and name, typed by BTF or not, pinned, unpinned."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ebpf import errors, uapi, v2
from ebpf.core.btf import BtfCore
from ebpf.core.map import MapCore
from tests.bpffs import bpffs

pytestmark = pytest.mark.root


def described() -> MapCore:
    """A map with BTF: int -> struct point { int x; unsigned short y; }."""
    from ebpf.btf import BtfBuilder

    build = BtfBuilder()
    number = build.integer("int", 4, signed=True)
    short = build.integer("unsigned short", 2)
    point = build.struct("point", 8, [("x", number, 0), ("y", short, 32)])
    with BtfCore.load(build.build()) as btf:
        return MapCore(1, 4, 8, 10, btf_fd=btf.fd, btf_key_type_id=number, btf_value_type_id=point, name="points")


@pytest.mark.requires("object_ids")
def test_by_id_with_types_given() -> None:
    with v2.HashMap(key="u32", value="u64", max_entries=4) as made:
        made[1] = 2
        with v2.open_map(made.id, key="u32", value="u64") as opened:
            assert isinstance(opened, v2.HashMap)
            assert dict(opened.items()) == {1: 2}
            opened[3] = 4
        assert made[3] == 4
    with pytest.raises(errors.KeyMissingError, match="there is no such id, or no longer"):
        v2.open_map(2**31 - 2)


@pytest.mark.requires("object_ids")
def test_without_btf_keys_and_values_are_bytes() -> None:
    with v2.HashMap(key="u32", value="u64", max_entries=4) as made:
        made[1] = 2
        with v2.open_map(made.id) as opened:
            assert isinstance(opened, v2.HashMap)
            assert dict(opened.items()) == {(1).to_bytes(4, "little"): (2).to_bytes(8, "little")}
            assert [row.name for row in opened.adaptations] == ["no_btf"]
        with pytest.raises(errors.UnsupportedFeatureError, match="adapt=False refuses"):
            v2.open_map(made.id, adapt=False)


@pytest.mark.requires("object_ids", "bpf_attr.map_type.btf_fd")
def test_with_btf_they_are_typed() -> None:
    with described() as core, v2.open_map(core.info.id) as opened:
        assert isinstance(opened, v2.HashMap)
        opened[-1] = {"x": 5, "y": 6}
        assert (opened[-1].x, opened[-1].y) == (5, 6)
        assert dict(opened.items()) == {-1: (5, 6)}
        assert opened.adaptations == ()
        with v2.open_map("points", value=8) as again:
            assert isinstance(again, v2.HashMap)
            assert list(again) == [-1]


@pytest.mark.requires("object_ids", "map_syscall_access")
def test_for_reading_only() -> None:
    with v2.HashMap(key="u32", value="u64", max_entries=4) as made:
        made[1] = 2
        with v2.open_map(made.id, key="u32", value="u64", flags=uapi.BPF_F_RDONLY) as opened:
            assert isinstance(opened, v2.HashMap)
            assert opened[1] == 2
            with pytest.raises(errors.PermissionDeniedError):
                opened[1] = 3


@pytest.mark.requires("object_ids", "map_names")
def test_by_name() -> None:
    with v2.ArrayMap(value="u32", max_entries=3, name="only_one_of_it") as made:
        with v2.open_map("only_one_of_it", value="u32") as opened:
            assert isinstance(opened, v2.ArrayMap)
            assert opened.id == made.id
        assert made.id in [info.id for info in v2.maps()]
        with (
            v2.ArrayMap(value="u32", max_entries=3, name="only_one_of_it") as second,
            pytest.raises(
                errors.ArgumentError,
                match=f"2 maps are called 'only_one_of_it': give one of their ids, {made.id}, {second.id}",
            ),
        ):
            v2.open_map("only_one_of_it")
    with pytest.raises(errors.SyscallError, match="there is no map called 'only_one_of_it'"):
        v2.open_map("only_one_of_it")


def test_by_path_pinned_and_unpinned() -> None:
    with bpffs() as directory:
        path = directory / "map"
        with v2.HashMap(key="u32", value="u64", max_entries=4) as made:
            made[1] = 2
            made.pin(path)
        for where in (path, str(path)):
            with v2.open_map(where, key="u32", value="u64") as opened:
                assert isinstance(opened, v2.HashMap)
                assert opened[1] == 2
        with v2.HashMap.open(path, key="u32", value="u64") as opened:
            opened.unpin(path)
            assert not path.exists()
            with pytest.raises(FileNotFoundError):
                opened.unpin(path)
        with pytest.raises(errors.SyscallError, match="nothing is pinned there"):
            v2.open_map(path)


def test_pin_opens_what_is_there_or_makes_it() -> None:
    with bpffs() as directory:
        path = directory / "map"

        def make(**more: object) -> v2.HashMap:
            arguments: dict[str, object] = {"key": "u32", "value": "u64", "max_entries": 4, "pin": path, **more}
            return v2.HashMap(**arguments)  # type: ignore[arg-type]

        before = len(os.listdir("/proc/self/fd"))
        with make() as first:
            first[1] = 2
        with make() as second:
            assert second[1] == 2
            with (
                v2.HashMap(key="u32", value="u64", max_entries=4) as other,
                pytest.raises(errors.ArgumentError, match="not of this one"),
            ):
                other.unpin(path)
        for more, said in (
            ({"value": "u32"}, "its value_size is 8, not 4"),
            ({"max_entries": 5}, "its max_entries is 4, not 5"),
            ({"flags": uapi.BPF_F_NO_PREALLOC}, "its flags is 0, not 1"),
        ):
            with pytest.raises(errors.ArgumentError, match=said):
                make(**more)
        with pytest.raises(errors.ArgumentError, match="its type is 1, not 9"):
            v2.LruHashMap(key="u32", value="u64", max_entries=4, pin=path)
        assert len(os.listdir("/proc/self/fd")) == before


def test_pins_that_cannot_be(tmp_path: Path) -> None:
    with v2.HashMap(key="u32", value="u64", max_entries=4) as m:
        with pytest.raises(errors.EbpfError, match="BPF file system"):
            m.pin(tmp_path / "map")
        with bpffs() as directory, pytest.raises(errors.SyscallError, match="is not there"):
            m.pin(directory / "missing" / "map")
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(errors.EbpfError):
        v2.HashMap(key="u32", value="u64", max_entries=4, pin=tmp_path / "map")
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_descriptor_of_another_type_is_refused_and_closed() -> None:
    before = len(os.listdir("/proc/self/fd"))
    with v2.ArrayMap(value="u32", max_entries=3) as array:
        with pytest.raises(errors.ArgumentError, match="this map is a BPF_MAP_TYPE_ARRAY, not a BPF_MAP_TYPE_HASH"):
            v2.HashMap.from_fd(os.dup(array.fileno()), key="u32", value="u32")
        with pytest.raises(errors.ArgumentError, match="the values of this map have 4 bytes, the type given has 8"):
            v2.ArrayMap.from_fd(os.dup(array.fileno()), value="u64")
        with v2.ArrayMap.from_fd(os.dup(array.fileno()), value="u32") as same:
            array[0] = 5
            assert same[0] == 5
    with pytest.raises(errors.EbpfError):
        v2.HashMap.from_fd(os.open(os.devnull, os.O_RDONLY))
    assert len(os.listdir("/proc/self/fd")) == before
