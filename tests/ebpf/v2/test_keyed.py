"""Hash maps and tries as mappings, on the real kernel."""

from __future__ import annotations

import ctypes
import ipaddress
from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Any

import numpy
import pytest

from ebpf import errors, uapi, v2

pytestmark = pytest.mark.root


@pytest.fixture(params=[v2.HashMap, v2.LruHashMap], ids=["hash", "lru"])
def m(request: pytest.FixtureRequest) -> Any:
    if request.param is v2.LruHashMap:
        from ebpf import features

        features.check("BPF_MAP_TYPE_LRU_HASH") or pytest.skip("no LRU maps here")
    with request.param(key="u32", value="u64", max_entries=2000) as made:
        yield made


def test_one_entry(m: Any) -> None:
    assert isinstance(m, MutableMapping)
    m[1] = 2
    assert m[1] == 2
    assert 1 in m
    assert 2 not in m
    assert m.get(1) == 2
    assert m.get(2) is None
    assert m.get(2, 5) == 5
    del m[1]
    with pytest.raises(errors.KeyMissingError, match="has no entry under key 1"):
        m[1]
    with pytest.raises(KeyError):
        del m[1]


def test_all_entries(m: Any) -> None:
    assert not len(m)
    assert bool(m)
    squares = {number: number * number for number in range(1500)}
    m.update(squares)
    assert len(m) == 1500
    assert dict(m.items()) == dict(m) == m.to_dict() == squares == m
    assert sorted(m) == sorted(m.keys()) == list(range(1500))
    assert sorted(m.values()) == sorted(squares.values())
    assert (3, 9) in m.items()
    assert 10 not in m.values()
    assert 9 in m.values()
    m.clear()
    assert dict(m.items()) == {}


def test_taking_out(m: Any) -> None:
    m.update({1: 10, 2: 20, 3: 30})
    assert m.pop(1) == 10
    assert m.pop(1, None) is None
    with pytest.raises(KeyError):
        m.pop(1)
    assert m.lookup_and_delete(2) == 20
    assert m.popitem() == (3, 30)
    with pytest.raises(KeyError, match="the map is empty"):
        m.popitem()


def test_setdefault_and_flags(m: Any) -> None:
    assert m.setdefault(1, 5) == 5
    assert m.setdefault(1, 6) == 5
    with pytest.raises(errors.ArgumentError, match="needs a default"):
        m.setdefault(2)
    with pytest.raises(errors.KeyExistsError):
        m.set(1, 7, uapi.BPF_NOEXIST)
    with pytest.raises(errors.KeyMissingError):
        m.set(2, 7, uapi.BPF_EXIST)
    m.set(1, 7, uapi.BPF_EXIST)
    assert m[1] == 7


def test_deleting_while_walking(m: Any) -> None:
    m.update(dict.fromkeys(range(1500), 1))
    seen = []
    for key in m:
        seen.append(key)
        del m[key]
    assert sorted(seen) == list(range(1500))
    assert len(m) == 0


def test_a_full_map_says_so_also_in_a_batch() -> None:
    with v2.HashMap(key="u32", value="u64", max_entries=4) as small:
        small.update(dict.fromkeys(range(4), 0))
        small[0] = 1
        with pytest.raises(errors.MapFullError, match="made for max_entries = 4"):
            small[4] = 1
        with pytest.raises(errors.MapFullError):
            small.update({9: 1})
        assert len(small) == 4


@pytest.mark.parametrize("use", ["m['1']", "m[2**32]", "m[1] 'x'", "m[1] -1", "'x' in m", "m.get(-1)", "del m[None]"])
def test_what_is_not_of_its_type_is_named(m: Any, use: str) -> None:
    uses: dict[str, Any] = {
        "m['1']": lambda: m["1"],
        "m[2**32]": lambda: m[2**32],
        "m[1] 'x'": lambda: m.__setitem__(1, "x"),
        "m[1] -1": lambda: m.__setitem__(1, -1),
        "'x' in m": lambda: "x" in m,
        "m.get(-1)": lambda: m.get(-1),
        "del m[None]": lambda: m.__delitem__(None),
    }
    with pytest.raises(errors.ArgumentError, match=r"is not a u(32|64): give an integer from 0 to"):
        uses[use]()


class Pair(ctypes.Structure):
    _fields_ = (("a", ctypes.c_uint32), ("b", ctypes.c_uint32))


@dataclass(frozen=True)
class Flow:
    source: ipaddress.IPv4Address
    port: v2.u16


@pytest.mark.parametrize(
    ("key", "value", "entry"),
    [
        ("<IH", "char[16]", ((1, 2), "eth0")),
        (Flow, "s64", (Flow(ipaddress.IPv4Address("10.0.0.1"), 80), -1)),
        (ipaddress.IPv6Address, 3, (ipaddress.IPv6Address("::1"), b"abc")),
        (numpy.dtype("u4"), numpy.dtype("f8"), (7, 0.5)),
        (16, "d", (b"k" * 16, 2.5)),
    ],
)
def test_types(key: Any, value: Any, entry: tuple[Any, Any]) -> None:
    with v2.HashMap(key=key, value=value, max_entries=4) as m:
        m[entry[0]] = entry[1]
        assert m[entry[0]] == entry[1]
        assert dict(m.items()) == dict([entry])
        assert m.pop(entry[0]) == entry[1]


def test_values_of_ctypes() -> None:
    with v2.HashMap(key="u32", value=Pair, max_entries=4) as m:
        m[1] = (2, 3)
        assert (m[1].a, m[1].b) == (2, 3)
        m[2] = m[1]
        assert [pair.b for pair in m.values()] == [3, 3]


def test_names_info_and_repr() -> None:
    with v2.HashMap(key="u32", value="u64", max_entries=4, name="my_map.x", flags=uapi.BPF_F_NO_PREALLOC) as m:
        assert m.info.name == m.name == "my_map.x"
        assert m.id == m.info.id > 0
        assert m.info.key_size == 4
        assert m.info.flags == m.flags == uapi.BPF_F_NO_PREALLOC
        assert repr(m) == f"<HashMap 'my_map.x' u32 -> u64, max_entries 4, fd {m.fileno()}>"
        assert "my_map.x" in repr(m.info)
    assert "closed" in repr(m)


@pytest.mark.parametrize("name", ["x" * 16, "a b", "ä", "a/b"])
def test_names_that_no_kernel_takes(name: str) -> None:
    with pytest.raises(errors.ArgumentError, match="give at most 15 letters, digits"):
        v2.HashMap(key="u32", value="u64", max_entries=4, name=name)


def test_equality_is_that_of_mappings() -> None:
    with (
        v2.HashMap(key="u32", value="u64", max_entries=4) as one,
        v2.HashMap(key="u32", value="u64", max_entries=8) as two,
    ):
        one[1] = two[1] = 5
        assert one == two
        assert one == {1: 5}
        assert one != {1: 6}
        assert one != 5
        with pytest.raises(TypeError):
            hash(one)


@pytest.mark.requires("BPF_MAP_FREEZE")
def test_a_frozen_map_can_be_read_only() -> None:
    with v2.HashMap(key="u32", value="u64", max_entries=4) as m:
        m[1] = 2
        m.freeze()
        assert m[1] == 2
        with pytest.raises(errors.PermissionDeniedError, match="the map is frozen"):
            m[1] = 3


def test_tries_find_the_longest_prefix() -> None:
    with v2.LpmTrie(key=ipaddress.IPv4Network, value="u32", max_entries=100) as trie:
        trie["0.0.0.0/0"] = 0
        trie["10.0.0.0/8"] = 8
        trie[ipaddress.IPv4Network("10.1.0.0/16")] = 16
        trie["10.1.2.3"] = 32
        assert [trie[a] for a in ("10.1.2.3", "10.1.2.4", "10.2.0.0", "11.0.0.0")] == [32, 16, 8, 0]
        assert len(trie) == 4
        assert {str(network) for network in trie} == {"0.0.0.0/0", "10.0.0.0/8", "10.1.0.0/16", "10.1.2.3/32"}
        assert trie.pop("10.1.0.0/16") == 16
        with pytest.raises(KeyError):
            trie.pop("10.1.0.0/16")
        assert trie["10.1.2.4"] == 8
        trie.clear()
        assert dict(trie.items()) == {}
    with v2.LpmTrie(key=ipaddress.IPv6Network, value="u32", max_entries=4) as trie:
        trie["2001:db8::/32"] = 1
        assert "2001:db8::1" in trie
        assert "2001:db9::1" not in trie


def test_entries_of_a_trie_deleted_while_it_is_walked() -> None:
    """Kernels before 6.13 lose their way in a trie whose keys go: each is handed out all the same, and once."""
    with v2.LpmTrie(key=ipaddress.IPv4Network, value="u32", max_entries=1000) as trie:
        networks = {ipaddress.IPv4Network((number << 24, length)) for number in range(64) for length in (8, 16, 24)}
        trie.update(dict.fromkeys(networks, 1))
        seen = []
        for network in trie:
            seen.append(network)
            del trie[network]
        assert len(seen) == len(networks)
        assert set(seen) == networks


def test_per_cpu_values() -> None:
    from ebpf.core.percpu import possible_cpus

    cpus = possible_cpus()
    with v2.PerCpuHashMap(key="u32", value="u32", max_entries=8) as m:
        m[1] = list(range(cpus))
        m[2] = 7
        assert m[1] == list(range(cpus))
        assert m.total(2) == 7 * cpus
        assert dict(m.items()) == {1: list(range(cpus)), 2: [7] * cpus}
        m.update({1: [1] * cpus, 3: 3})
        assert (m[1], m[3]) == ([1] * cpus, [3] * cpus)
        with pytest.raises(errors.ArgumentError, match=f"one for each of the {cpus} possible CPUs"):
            m[1] = [0] * (cpus + 1)
    with v2.PerCpuHashMap(key="u32", value=numpy.dtype("u8"), max_entries=8) as m:
        m[1] = 5
        assert m[1].tolist() == [5] * cpus
        assert m[1].sum() == m.total(1) == 5 * cpus
