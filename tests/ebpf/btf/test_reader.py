"""Looking things up in BTF: in blobs written by hand, in the running kernel's, and in damaged ones."""

from __future__ import annotations

import contextlib
import json
import shutil
import struct
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ebpf.btf import Btf, BtfError, kinds
from tests.ebpf.btf.blobs import Blob

VMLINUX = Path("/sys/kernel/btf/vmlinux")


def example(order: str = "=") -> bytes:
    """A little of everything."""
    blob = Blob(order)
    integer = blob.add("int", kinds.INT, 4, 1 << 24 | 32)  # 1
    blob.add("colour", kinds.ENUM, 4, blob.name("RED"), 0, blob.name("GREEN"), -2, vlen=2, flag=True)  # 2
    blob.add("mask", kinds.ENUM, 4, blob.name("TOP"), 1 << 31, vlen=1)  # 3
    blob.add("wide", kinds.ENUM64, 8, blob.name("HUGE"), 5, 1, blob.name("TINY"), 6, 0, vlen=2)  # 4
    inner = blob.add("", kinds.STRUCT, 8, blob.name("a"), integer, 0, blob.name("b"), integer, 32, vlen=2)  # 5
    named = blob.add("", kinds.UNION, 4, blob.name("x"), integer, 0, 0, inner, 0, vlen=2)  # 6
    constant = blob.add("", kinds.CONST, named)  # 7
    members = (0, inner, 0, blob.name("part"), constant, 64, blob.name("last"), integer, 128)
    blob.add("attr", kinds.UNION, 20, *members, vlen=3)  # 8
    blob.add(
        "bits",
        kinds.STRUCT,
        4,
        blob.name("low"),
        integer,
        3 << 24,
        blob.name("high"),
        integer,
        5 << 24 | 3,
        vlen=2,
        flag=True,
    )  # 9
    proto = blob.add("", kinds.FUNC_PROTO, integer, blob.name("n"), integer, vlen=1)  # 10
    function = blob.add("do_it", kinds.FUNC, proto, vlen=1)  # 11
    blob.add("bpf_kfunc", kinds.DECL_TAG, function, -1)  # 12
    blob.add("bpf_kfunc", kinds.DECL_TAG, function, 0)  # 13: of a parameter
    blob.add("not_it", kinds.FUNC, proto)  # 14
    blob.add("attr", kinds.TYPEDEF, integer)  # 15
    return blob.bytes()


@pytest.fixture(params=["<", ">"])
def btf(request: pytest.FixtureRequest) -> Btf:
    return Btf(example(request.param))


def test_enumerators(btf: Btf) -> None:
    assert btf.enumerators("colour") == {"RED": 0, "GREEN": -2}
    assert btf.enumerators("mask") == {"TOP": 1 << 31}
    assert btf.enumerators("wide") == {"HUGE": 5 | 1 << 32, "TINY": 6}
    assert btf.enumerators("attr") == {}
    assert btf.enumerators("") == {}


def test_struct_fields(btf: Btf) -> None:
    assert btf.struct_fields("attr") == {
        "a": 0,
        "b": 32,
        "part": 64,
        "part.x": 64,
        "part.a": 64,
        "part.b": 96,
        "last": 128,
    }
    assert btf.struct_fields("bits") == {"low": 0, "high": 3}
    assert btf.struct_fields("int") == {}


def test_members_are_numbered_as_they_stand(btf: Btf) -> None:
    assert btf.members(8) == ["", "part", "last"]
    with pytest.raises(BtfError, match="no struct"):
        btf.members(1)


def test_functions(btf: Btf) -> None:
    assert btf.functions() == {"do_it": 11, "not_it": 14}
    assert btf.functions(["do_it", "attr", "no"]) == {"do_it": 11}
    many = [f"no{number}" for number in range(20)]
    assert btf.functions([*many, "not_it"]) == {"not_it": 14}


def test_declaration_tags(btf: Btf) -> None:
    assert btf.decl_tagged("bpf_kfunc") == {"do_it": 11}
    assert btf.decl_tagged("other") == {}


def test_find(btf: Btf) -> None:
    assert btf.ids("attr") == [8, 15]
    assert btf.find("attr") == 8
    assert btf.find("attr", kinds.TYPEDEF) == 15
    assert btf.find("attr", kinds.FUNC) is None
    assert btf.find("tr") is None, "the end of a string, which no type's name begins at"


def test_look_up_gives_what_a_search_gives(btf: Btf) -> None:
    names = ["attr", "do_it", "colour", "nothing", *(f"no{number}" for number in range(20))]
    before = {name: btf.ids(name) for name in names}
    btf.look_up(names)
    assert {name: btf.ids(name) for name in names} == before
    assert btf.find("attr", kinds.TYPEDEF) == 15


def test_types(btf: Btf) -> None:
    assert (btf.kind(8), btf.name(8), btf.size_or_type(8)) == (kinds.UNION, "attr", 20)
    assert btf.kind(15) == kinds.TYPEDEF
    assert len(btf) == 15
    for number in (0, 16, 1 << 31):
        with pytest.raises(BtfError, match="no type"):
            btf.kind(number)
    with pytest.raises(BtfError, match="no enum"):
        btf.values(1)
    with pytest.raises(BtfError, match="past the end"):
        btf.string(1 << 20)


def test_records_are_found_in_any_order() -> None:
    assert Btf(example()).kind(15) == kinds.TYPEDEF
    lazy = Btf(example())
    assert lazy.find("colour") == 2
    assert lazy.find("not_it") == 14
    assert lazy.kind(1) == kinds.INT


def test_bytes_that_look_like_a_record_are_none() -> None:
    """The values of an enum spell the record of an enum of that name."""
    blob = Blob()
    wanted = blob.name("wanted")
    blob.add("bait", kinds.ENUM, 4, wanted, kinds.ENUM << 24 | 1, blob.name("x"), 0, vlen=2)
    assert Btf(blob.bytes()).enumerators("wanted") == {}
    assert Btf(blob.bytes()).find("wanted") is None


def test_a_module_continues_the_kernels() -> None:
    kernel = Btf(example())
    blob = Blob(first_id=len(kernel) + 1, first_offset=len(kernel._strings))
    blob.add("do_more", kinds.FUNC, 10, vlen=1)
    blob.add("mine", kinds.STRUCT, 4, kernel._strings.index(b"last\0"), 1, 0, vlen=1)
    module = Btf(blob.bytes(), kernel)
    assert module.functions() == {"do_more": 16}
    assert module.find("do_it", kinds.FUNC) == 11
    assert module.ids("do_it") == []
    assert module.struct_fields("mine") == {"last": 0}
    assert module.kind(11) == kinds.FUNC
    assert (module.kind(16), module.name(16)) == (kinds.FUNC, "do_more")


def test_a_type_that_is_cut_off() -> None:
    blob = Blob()
    blob.add("ok", kinds.PTR, 0)
    blob.add("cut", kinds.STRUCT, 4, 0, 0, 0, vlen=2)
    with pytest.raises(BtfError, match="cut off") as caught:
        len(Btf(blob.bytes()))
    assert caught.value.offset == 24 + 12


def test_structs_that_hold_each_other_end() -> None:
    blob = Blob()
    for number in range(1, 41):
        blob.add("", kinds.STRUCT, 4, *(0, number % 40 + 1, 0) * 8, vlen=8)
    blob.add("outer", kinds.STRUCT, 4, 0, 1, 0, vlen=1)
    started = time.monotonic()
    with pytest.raises(BtfError, match="more fields than any"):
        Btf(blob.bytes()).struct_fields("outer")
    assert time.monotonic() - started < 5


def _ask(data: bytes) -> None:
    """Everything that can be asked; BtfError is an answer."""
    for question in (
        lambda: len(Btf(data)),
        lambda: Btf(data).enumerators("colour"),
        lambda: Btf(data).struct_fields("attr"),
        lambda: Btf(data).functions(),
        lambda: Btf(data).functions(["do_it"]),
        lambda: Btf(data).decl_tagged("bpf_kfunc"),
        lambda: Btf(data).find("attr", kinds.TYPEDEF),
        lambda: Btf(data).look_up([str(number) for number in range(9)]),
    ):
        with contextlib.suppress(BtfError):
            question()


@pytest.mark.parametrize("end", range(0, len(example()), 3))
def test_truncated(end: int) -> None:
    with pytest.raises(BtfError):
        len(Btf(example()[:end]))
    _ask(example()[:end])


@given(st.lists(st.tuples(st.integers(0, len(example()) - 1), st.integers(0, 255)), min_size=1, max_size=8))
@settings(max_examples=300, deadline=None)
def test_damaged(changes: list[tuple[int, int]]) -> None:
    data = bytearray(example())
    for place, value in changes:
        data[place] = value
    _ask(bytes(data))


@given(st.binary(max_size=200))
@settings(max_examples=200, deadline=None)
def test_noise(tail: bytes) -> None:
    size = len(tail) // 8 * 4
    _ask(struct.pack("=HBBI4I", 0xEB9F, 1, 0, 24, 0, size, size, len(tail) - size) + tail)


# The running kernel's own


@pytest.fixture(scope="module")
def vmlinux() -> Btf:
    if not VMLINUX.exists():
        pytest.skip("this kernel has no BTF")
    return Btf.open(VMLINUX)


@pytest.fixture(scope="module")
def dumped() -> list[dict[str, Any]]:
    """The same as bpftool reads it."""
    if shutil.which("bpftool") is None:
        pytest.skip("no bpftool here")
    done = subprocess.run(["bpftool", "-j", "btf", "dump", "file", str(VMLINUX)], capture_output=True, check=False)
    if done.returncode:
        pytest.skip("bpftool cannot read this kernel's BTF")
    types: list[dict[str, Any]] = json.loads(done.stdout)["types"]
    return types


def test_agrees_with_bpftool(vmlinux: Btf, dumped: list[dict[str, Any]]) -> None:
    assert len(vmlinux) == len(dumped)
    functions: dict[str, int] = {}
    for each in dumped:
        if each["kind"] == "FUNC":
            functions.setdefault(each["name"], each["id"])
    assert vmlinux.functions() == functions
    enum = next(each for each in dumped if each["kind"] == "ENUM" and each["name"] == "bpf_map_type")
    assert vmlinux.enumerators("bpf_map_type") == {each["name"]: each["val"] for each in enum["values"]}
    tags = {
        dumped[each["type_id"] - 1]["name"]: each["type_id"]
        for each in dumped
        if each["kind"] == "DECL_TAG" and each["name"] == "bpf_kfunc" and each["component_idx"] in (-1, 0xFFFFFFFF)
    }
    assert vmlinux.decl_tagged("bpf_kfunc") == tags
    for each in dumped[:: len(dumped) // 500]:
        assert vmlinux.name(each["id"]) == each["name"].replace("(anon)", "")


def test_the_attributes_fields(vmlinux: Btf) -> None:
    fields = vmlinux.struct_fields("bpf_attr")
    assert fields["map_type"] == fields["prog_type"] == fields["link_create.prog_fd"] == 0
    assert fields["map_name"] == 28 * 8
    assert fields["batch.map_fd"] == 36 * 8


def test_many_names_at_once(vmlinux: Btf) -> None:
    names = [
        "bpf_check",
        "vfs_read",
        "task_struct",
        "bpf_cmd",
        "btf_trace_sched_switch",
        "no_such_name",
        *map(str, range(9)),
    ]
    fresh = Btf.open(VMLINUX)
    fresh.look_up(names)
    assert {name: fresh.ids(name) for name in names} == {name: vmlinux.ids(name) for name in names}
