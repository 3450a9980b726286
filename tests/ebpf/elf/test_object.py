"""What is read of an object file that clang has made."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import pytest

from ebpf import elf, uapi
from ebpf.errors import EbpfError, ObjectFileError
from tests.clang import compiled


@pytest.fixture(scope="module", params=["bpf", "bpfeb"])
def everything(request: pytest.FixtureRequest) -> elf.ObjectFile:
    return elf.read(compiled("everything", request.param))


def test_the_file(everything: elf.ObjectFile) -> None:
    assert everything.license == "GPL"
    assert everything.kern_version == 0
    assert everything.machine == 247
    assert everything.byteorder in ("little", "big")
    assert everything.btf is not None
    assert ".maps" in everything.sections
    assert Path(everything.name).name.startswith("everything")


def test_read_takes_a_path_bytes_and_a_file() -> None:
    path = compiled("everything")
    data = path.read_bytes()
    for source in (path, str(path), data, bytearray(data), memoryview(data), io.BytesIO(data)):
        assert set(elf.read(source).programs) == {"tail", "entry", "jump", "kernel_functions", "pass"}
    assert elf.read(data, "some.o").name == "some.o"


def test_maps_by_their_types(everything: elf.ObjectFile) -> None:
    pairs = everything.maps["pairs"]
    assert (pairs.kind, pairs.map_type) == ("btf", uapi.BPF_MAP_TYPE_HASH)
    assert (pairs.key_size, pairs.value_size, pairs.max_entries, pairs.flags) == (4, 16, 16, uapi.BPF_F_NO_PREALLOC)
    assert everything.btf is not None
    assert everything.btf.type(pairs.value_type_id).name == "pair"
    assert everything.btf.type(pairs.key_type_id).name == "__u32"


def test_maps_of_maps_and_programs(everything: elf.ObjectFile) -> None:
    outer = everything.maps["outer"]
    assert outer.inner is not None
    assert (outer.inner.map_type, outer.inner.key_size, outer.inner.value_size) == (uapi.BPF_MAP_TYPE_ARRAY, 4, 4)
    assert outer.value_size == 4
    assert [(each.index, each.kind, each.target) for each in outer.initial_values] == [(1, "map", "first")]
    jumps = everything.maps["jumps"]
    assert [(each.index, each.kind, each.target) for each in jumps.initial_values] == [(2, "program", "tail")]


def test_sections_of_variables(everything: elf.ObjectFile) -> None:
    order = "<" if everything.byteorder == "little" else ">"
    data = everything.maps[".data"]
    assert data.data is not None
    assert struct.unpack(order + "i", data.data) == (7,)
    assert data.flags == uapi.BPF_F_MMAPABLE
    constants = everything.maps[".rodata"]
    assert constants.flags == uapi.BPF_F_MMAPABLE | uapi.BPF_F_RDONLY_PROG
    assert [each.name for each in constants.variables] == ["factor"]
    zeros = everything.maps[".bss"]
    assert zeros.data is None
    assert {each.name: (each.size, each.is_static) for each in zeros.variables} == {
        "zero": (4, False),
        "hidden_total": (8, True),
    }
    assert len({each.offset for each in zeros.variables}) == 2
    own = everything.maps[".data.own"]
    assert own.data is not None
    assert struct.unpack(order + "3i", own.data) == (1, 2, 3)


def test_externs(everything: elf.ObjectFile) -> None:
    found = {each.name: (each.kind, each.weak) for each in everything.externs.values()}
    assert found == {
        "LINUX_KERNEL_VERSION": ("kconfig", False),
        "CONFIG_BPF": ("kconfig", True),
        "bpf_rcu_read_lock": ("ksym_func", True),
        "bpf_rcu_read_unlock": ("ksym_func", True),
        "no_such_symbol_anywhere": ("ksym_var", True),
    }
    version, option = everything.externs["LINUX_KERNEL_VERSION"], everything.externs["CONFIG_BPF"]
    assert (version.value_kind, version.size, version.offset) == ("int", 4, 0)
    assert (option.value_kind, option.size, option.offset) == ("bool", 1, 4)
    assert everything.maps[".kconfig"].value_size == 5


def test_programs_and_the_functions_they_call(everything: elf.ObjectFile) -> None:
    assert {each.name for each in everything.functions} - set(everything.programs) == {"add", "shared", "callback"}
    entry = everything.programs["entry"]
    assert entry.section == "socket"
    assert entry.program_type == "BPF_PROG_TYPE_SOCKET_FILTER"
    assert not entry.optional
    assert {(each.kind, each.target) for each in entry.relocations} == {
        ("map", "pairs"),
        ("extern", "LINUX_KERNEL_VERSION"),
        ("extern", "CONFIG_BPF"),
        ("data", ".data.own"),
        ("function", "callback"),
        ("call", "add"),
    }
    (own,) = (each for each in entry.relocations if each.target == ".data.own")
    assert own.addend in (0, 4)  # of the array, or of its second element
    optional = everything.programs["pass"]
    assert optional.optional
    assert (optional.section, optional.program_type) == ("xdp", "BPF_PROG_TYPE_XDP")
    assert len(everything.programs["pass"].insns) == 16
    assert everything.programs["pass"].insns[0] == 0xB4 or everything.programs["pass"].insns[0] == 0xB7


def test_linked_programs_hold_every_function_once(everything: elf.ObjectFile) -> None:
    linked = everything.programs["entry"].linked
    names = [function.name for _, function in linked.parts]
    assert names[0] == "entry"
    assert sorted(names) == ["add", "callback", "entry", "shared"]
    assert len(linked.insns) == sum(function.size for _, function in linked.parts)
    assert {each.kind for each in linked.relocations} == {"map", "extern", "data"}
    for each in linked.relocations:
        assert linked.insns[each.instruction * 8] in (0x18, 0x85)
    origin = linked.origin(linked.parts[1][0])
    assert (origin.function, origin.instruction) == (linked.parts[1][1], 0)
    assert len(linked.origins) == len(linked.insns) // 8
    with pytest.raises(IndexError):
        linked.origin(len(linked.insns) // 8)


def test_calls_point_to_functions(everything: elf.ObjectFile) -> None:
    """Every call and every address of a function leads to the first instruction of what it named."""
    from ebpf.asm import disassemble

    linked = everything.programs["entry"].linked
    starts = {start: function.name for start, function in linked.parts}
    targets, at = [], 0
    for instruction in disassemble(linked.insns):
        if (instruction.code == 0x85 and instruction.src == 1) or (instruction.code == 0x18 and instruction.src == 4):
            targets.append(starts[at + instruction.imm + 1])
        at += 2 if instruction.wide else 1
    assert sorted(targets) == ["add", "add", "callback", "shared"]


def test_source_lines_and_types(everything: elf.ObjectFile) -> None:
    linked = everything.programs["entry"].linked
    line = linked.line_of(0)
    assert line is not None
    assert line.file.endswith("everything.bpf.c")
    assert "entry" in line.text
    assert [each.instruction for each in linked.func_info] == [start for start, _ in linked.parts]
    assert everything.btf is not None
    for (_, function), info in zip(linked.parts, linked.func_info):
        assert everything.btf.type(info.type_id).name == function.name
    assert [each.instruction for each in linked.line_info] == sorted(each.instruction for each in linked.line_info)


def test_both_byte_orders_give_the_same_instructions() -> None:
    little, big = elf.read(compiled("everything")), elf.read(compiled("everything", "bpfeb"))
    for name in ("tail", "pass", "entry"):
        assert little.programs[name].linked.insns[::8] == big.programs[name].linked.insns[::8]
    assert little.programs["pass"].linked.insns == big.programs["pass"].linked.insns


def test_an_object_without_debug_information() -> None:
    with pytest.raises(ObjectFileError, match="no BTF describes it") as caught:
        elf.read(compiled("everything", "bpf", "-g0"))
    assert caught.value.section == ".maps"
    assert isinstance(caught.value, EbpfError)
    assert isinstance(caught.value, ValueError)


def test_maps_from_before_btf() -> None:
    legacy = elf.read(compiled("legacy", "bpf", "-g0"))
    assert legacy.kern_version == 0x041300
    assert {
        name: (each.kind, each.map_type, each.max_entries) for name, each in legacy.maps.items() if each.kind != "data"
    } == {
        "counts": ("legacy", uapi.BPF_MAP_TYPE_ARRAY, 8),
        "names": ("legacy", uapi.BPF_MAP_TYPE_HASH, 4),
    }
    assert [each.target for each in legacy.programs["count"].relocations] == ["counts", "names"]
    assert legacy.programs["count"].line_of(0) is None


def test_exception_callbacks_are_linked_though_nobody_calls_them() -> None:
    linked = elf.read(compiled("exceptions")).programs["thrower"].linked
    assert [function.name for _, function in linked.parts] == ["thrower", "handler"]
