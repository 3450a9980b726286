"""CO-RE relocations on types made by hand: what matches what, and what comes of it."""

from __future__ import annotations

import contextlib
import struct
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ebpf import uapi
from ebpf.btf import Btf, BtfBuilder, BtfError, core
from ebpf.btf.ext import CoreRelocation
from ebpf.errors import ObjectFileError

OFFSET, SIZE, EXISTS, SIGNED, LSHIFT, RSHIFT = range(6)


def local() -> Btf:
    return Btf(_local())


def _local() -> bytes:
    """The object's types: a struct that the kernel has another version of."""
    builder = BtfBuilder()
    number = builder.integer("int", 4, signed=True)  # 1
    pointer = builder.pointer(number)  # 2
    array = builder.array(number, 4, number)  # 3
    builder.struct(  # 4
        "task",
        48,
        [
            ("pid", number, 0),
            ("next", pointer, 64),
            ("ids", array, 128),
            ("flag", number, 256, 1),
            ("last", number, 288),
        ],
    )
    builder.struct("task___old", 4, [("state", number, 0)])  # 5
    builder.enum("mode___x", {"FAST___x": 1, "SLOW": 2})  # 6
    builder.struct("gone", 4, [("field", number, 0)])  # 7
    builder.typedef("task_t", 4)  # 8
    builder.struct("", 4, [("x", number, 0)])  # 9
    unsigned = builder.integer("unsigned int", 4)  # 10
    builder.struct("sized", 4, [("value", unsigned, 0)])  # 11
    builder.struct("flexible", 4, [("count", number, 0), ("rows", builder.array(number, 0, number), 32)])  # 12: 13
    return builder.build()


def target(**changes: bool) -> Btf:
    return Btf(_target(**changes))


def _target(**changes: bool) -> bytes:
    """The kernel's: other offsets, a member in an anonymous union, larger integers."""
    builder = BtfBuilder()
    long = builder.integer("long", 8, signed=True)  # 1
    number = builder.integer("int", 4, signed=True)  # 2
    pointer = builder.pointer(long)  # 3
    array = builder.array(number, 8, number)  # 4
    inner = builder.union("", 8, [("pid", number, 0), ("tgid", long, 0)])  # 5
    members: list[tuple[str, int, int] | tuple[str, int, int, int]] = [
        ("before", long, 0),
        ("", inner, 64),
        ("next", pointer, 128),
        ("ids", array, 192),
        ("flag", number, 450, 3),
    ]
    builder.struct("task", 64, members)  # 6
    if changes.get("again"):
        builder.struct("task", 64, [("", inner, 64), ("next", pointer, 128)])
    if changes.get("different"):
        builder.struct("task___other", 64, [("pid", number, 0)])
    builder.enum64("mode", {"SLOW": 7, "FAST": 1 << 40})
    builder.typedef("task_t", 6)
    unsigned = builder.integer("unsigned long", 8)
    builder.struct("sized", 8, [("value", unsigned, 0)])
    builder.struct("flexible", 8, [("count", long, 0), ("rows", builder.array(number, 0, number), 64)])
    return builder.build()


LOCAL, TARGET = _local(), _target()


def resolve(type_id: int, access: str, kind: int, **changes: bool) -> core.Resolution:
    return core.resolve(local(), CoreRelocation(0, type_id, access, kind), [target(**changes)])


@pytest.mark.parametrize(
    ("access", "kind", "value"),
    [
        ("0:0", OFFSET, 8),  # in an anonymous union
        ("0:1", OFFSET, 16),
        ("0:2", OFFSET, 24),
        ("0:2:3", OFFSET, 36),
        ("0:2", SIZE, 32),
        ("1:0", OFFSET, 72),  # of the second element behind the pointer
        ("0:0", SIZE, 4),
        ("0:0", EXISTS, 1),
        ("0:4", EXISTS, 0),
        ("0:0", SIGNED, 1),
        ("0:1", SIGNED, 0),
        ("0:3", OFFSET, 56),
        ("0:3", SIZE, 4),
        ("0:3", RSHIFT, 61),
    ],
)
def test_fields(access: str, kind: int, value: int) -> None:
    found = resolve(4, access, kind)
    assert found.value == value
    assert not found.poisoned


def test_what_is_not_there() -> None:
    missing = resolve(4, "0:4", OFFSET)
    assert missing.value is None
    assert missing.poisoned
    assert missing.problem == "struct task.last: the kernel's 'task' has no such field, or one of another type"
    assert resolve(7, "0:0", OFFSET).problem == "struct gone.field: the kernel has no type 'gone'"
    assert resolve(5, "0:0", EXISTS).value == 0
    assert resolve(4, "0:0", EXISTS).found
    assert not resolve(7, "0:0", EXISTS).found


@pytest.mark.parametrize(
    ("type_id", "kind", "value"),
    [
        (4, uapi.BPF_CORE_TYPE_EXISTS, 1),
        (7, uapi.BPF_CORE_TYPE_EXISTS, 0),
        (8, uapi.BPF_CORE_TYPE_EXISTS, 1),
        (4, uapi.BPF_CORE_TYPE_SIZE, 64),
        (7, uapi.BPF_CORE_TYPE_SIZE, 0),
        (4, uapi.BPF_CORE_TYPE_ID_TARGET, 6),
        (7, uapi.BPF_CORE_TYPE_ID_TARGET, 0),
        (7, uapi.BPF_CORE_TYPE_ID_LOCAL, 7),
        (9, uapi.BPF_CORE_TYPE_ID_LOCAL, 9),
        (4, uapi.BPF_CORE_TYPE_MATCHES, 0),  # the kernel's has no member 'last'
        (5, uapi.BPF_CORE_TYPE_EXISTS, 1),
    ],
)
def test_types(type_id: int, kind: int, value: int) -> None:
    assert resolve(type_id, "0", kind).value == value


def test_enumerators() -> None:
    assert resolve(6, "0", uapi.BPF_CORE_ENUMVAL_VALUE).value == 1 << 40
    assert resolve(6, "1", uapi.BPF_CORE_ENUMVAL_VALUE).value == 7
    assert resolve(6, "0", uapi.BPF_CORE_ENUMVAL_EXISTS).value == 1
    assert resolve(6, "0", uapi.BPF_CORE_ENUMVAL_VALUE).text == "enum mode___x::FAST___x"


def test_candidates_that_agree_and_those_that_do_not() -> None:
    agreed = resolve(4, "0:0", OFFSET, again=True)
    assert (agreed.candidates, agreed.value) == (2, 8)
    ambiguous = resolve(4, "0:0", OFFSET, different=True)
    assert ambiguous.ambiguous
    assert ambiguous.value is None
    assert "do not agree" in ambiguous.problem
    assert resolve(4, "0:1", OFFSET, different=True).value == 16, "only one has that field"


def test_modules_are_asked_when_the_kernel_has_no_such_type() -> None:
    kernel = target()
    builder = BtfBuilder(kernel)
    builder.struct("gone", 8, [("before", 2, 0), ("field", 2, 32)])
    builder.struct("task", 8, [("pid", 2, 0)])
    module = Btf(builder.build(), kernel)
    found = core.resolve(local(), CoreRelocation(0, 7, "0:0", OFFSET), [kernel, module])
    assert found.value == 4
    own = core.resolve(local(), CoreRelocation(0, 4, "0:0", OFFSET), [kernel, module])
    assert own.value == 8, "the kernel's own come first"


def test_flexible_arrays_have_any_element() -> None:
    assert local().type(13).name == "flexible"
    assert resolve(13, "0:1:5", OFFSET).value == 28


def test_types_that_match_in_everything() -> None:
    builder = BtfBuilder()
    number = builder.integer("int", 4, signed=True)
    forward = builder.forward("other")
    callback = builder.func_proto(number, [("argument", builder.pointer(forward))])
    builder.struct("ops", 16, [("call", builder.pointer(callback), 0), ("mode", builder.enum("m", {"A": 1}), 64)])
    ours = Btf(builder.build())
    builder = BtfBuilder()
    number = builder.integer("int", 4, signed=True)
    other = builder.struct("other", 4, [("x", number, 0)])
    callback = builder.func_proto(number, [("argument", builder.pointer(other))])
    mode = builder.enum("m", {"A": 5, "B": 6})
    builder.struct("ops", 24, [("more", number, 0), ("mode", mode, 32), ("call", builder.pointer(callback), 64)])
    theirs = Btf(builder.build())
    root = ours.find("ops")
    assert root is not None
    relocation = CoreRelocation(0, root, "0", uapi.BPF_CORE_TYPE_MATCHES)
    assert core.resolve(ours, relocation, [theirs]).value == 1
    back = theirs.find("ops")
    assert back is not None
    assert core.resolve(theirs, CoreRelocation(0, back, "0", uapi.BPF_CORE_TYPE_MATCHES), [ours]).value == 0


@pytest.mark.parametrize(
    ("type_id", "access", "kind", "message"),
    [
        (4, "", OFFSET, "no list of numbers"),
        (4, "0:x", OFFSET, "no list of numbers"),
        (4, "0:-1", OFFSET, "no list of numbers"),
        (4, ":".join(["0"] * 65), OFFSET, "no list of numbers"),
        (4, "0:9", OFFSET, "no member 9"),
        (4, "0:0:1", OFFSET, "no parts"),
        (4, "0:2:4", OFFSET, "no element 4"),
        (4, "1", uapi.BPF_CORE_TYPE_EXISTS, "no fields to choose"),
        (6, "2", uapi.BPF_CORE_ENUMVAL_VALUE, "no enumerator"),
        (4, "0", uapi.BPF_CORE_ENUMVAL_VALUE, "no enumerator"),
        (4, "0", 77, "kind 77"),
        (9, "0:0", OFFSET, "no name"),
        (999, "0", OFFSET, "no type 999"),
        (4, "0:2:1", SIGNED, "of an array's element"),
    ],
)
def test_relocations_that_make_no_sense(type_id: int, access: str, kind: int, message: str) -> None:
    with pytest.raises(BtfError, match=message):
        resolve(type_id, access, kind)


# Patching


def code(opcode: int, off: int = 0, imm: int = 0, high: int | None = None) -> bytearray:
    found = struct.pack("=BBhi", opcode, 0, off, imm)
    return bytearray(found if high is None else found + struct.pack("=BBhi", 0, 0, 0, high))


def test_patching_each_form_of_instruction() -> None:
    field = resolve(4, "0:1", OFFSET)
    assert field.expected == 8
    load, store, add = code(0x79, off=8), code(0x7B, off=8), code(0x07, imm=8)
    for each in (load, store, add):
        assert core.apply(each, field) == ""
    assert struct.unpack("=BBhi", load) == (0x79, 0, 16, 0)
    assert struct.unpack("=BBhi", store) == (0x7B, 0, 16, 0)
    assert struct.unpack("=BBhi", add) == (0x07, 0, 0, 16)
    wide = code(0x18, imm=1, high=0)
    assert core.apply(wide, resolve(6, "0", uapi.BPF_CORE_ENUMVAL_VALUE)) == ""
    assert struct.unpack("=BBhiBBhi", wide) == (0x18, 0, 0, 0, 0, 0, 0, 1 << 8)


def test_loads_change_their_size_where_that_changes_no_value() -> None:
    sized = resolve(11, "0:0", OFFSET)
    assert (sized.old_size, sized.new_size, sized.resizable) == (4, 8, True)
    load = code(0x61)
    assert core.apply(load, sized) == ""
    assert load[0] == 0x79, "from 4 to 8 bytes"
    signed = core.resolve(local(), CoreRelocation(0, 13, "0:0", OFFSET), [target()])
    assert not signed.resizable
    load = code(0x61)
    assert core.apply(load, signed) == ""
    assert load[0] == 0x85, "poisoned"
    assert core.apply(code(0x69), sized) != "", "the load is not of the field's size to begin with"


def test_poison_and_what_does_not_fit() -> None:
    missing = resolve(4, "0:4", OFFSET)
    for each in (code(0x61), code(0x18, high=0)):
        assert core.apply(each, missing) == ""
        assert [struct.unpack("=BBhi", each[at : at + 8]) for at in range(0, len(each), 8)] == [
            (0x85, 0, 0, core.POISON)
        ] * (len(each) // 8)
    field = resolve(4, "0:1", OFFSET)
    assert "holds 9" in core.apply(code(0x79, off=9), field)
    assert "holds 9" in core.apply(code(0x07, imm=9), field)
    assert "holds" in core.apply(code(0x18, imm=9, high=1), field)
    assert "none that" in core.apply(code(0x95), field)
    assert "not there" in core.apply(code(0x79), field, at=3)


# Hostile types


def test_types_that_refer_to_each_other_in_every_way_end() -> None:
    """Structs of structs, each member of the next one: 16 to the 30th comparisons for who follows each."""
    builder = BtfBuilder()
    for number in range(30):
        builder.struct("s", 8, [(f"m{each}", number + 2, 0) for each in range(16)])
    builder.integer("s", 4)
    types = Btf(builder.build())
    started = time.monotonic()
    with pytest.raises(BtfError, match=r"comparisons|deep"):
        core.resolve(types, CoreRelocation(0, 1, "0", uapi.BPF_CORE_TYPE_MATCHES), [types])
    builder = BtfBuilder()
    for number in range(40):
        builder.struct("t" if not number else "", 8, [("", number + 2, 0)] * 16)
    builder.struct("", 4, [("x", 0, 0)])
    nested = Btf(builder.build())
    own = BtfBuilder()
    own.struct("t", 4, [("wanted", own.integer("int", 4) + 1, 0)])
    with contextlib.suppress(BtfError):
        core.resolve(Btf(own.build()), CoreRelocation(0, 2, "0:0", OFFSET), [nested])
    assert time.monotonic() - started < 10


@pytest.mark.slow
@settings(max_examples=1500)
@given(
    st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=8),
    st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=8),
    st.integers(0, 15),
    st.one_of(st.from_regex(r"\A[0-3](:[0-5]){0,3}\Z"), st.text(max_size=6)),
    st.integers(0, 14),
)
def test_damaged_types(
    ours: list[tuple[int, int]], theirs: list[tuple[int, int]], type_id: int, access: str, kind: int
) -> None:
    blobs = []
    for original, changes in ((LOCAL, ours), (TARGET, theirs)):
        data = bytearray(original)
        for place, value in changes:
            if place + 24 < len(data):
                data[place + 24] = value
        blobs.append(bytes(data))
    with contextlib.suppress(ObjectFileError):
        found = core.resolve(Btf(blobs[0]), CoreRelocation(0, type_id, access, kind), [Btf(blobs[1])])
        assert isinstance(core.apply(code(0x61, off=0), found), str)
