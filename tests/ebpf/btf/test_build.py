"""Type information made by hand: every kind, read back and accepted by the kernel."""

from __future__ import annotations

import pytest

from ebpf.btf import Btf, BtfBuilder, BtfError, types
from ebpf.core import objects
from ebpf.core.btf import BtfCore
from ebpf.errors import ArgumentError


def everything(order: str = "=") -> BtfBuilder:
    """One of every kind."""
    builder = BtfBuilder(order=order)
    number = builder.integer("int", 4, signed=True)  # 1
    byte = builder.integer("char", 1)  # 2
    builder.pointer(number)  # 3
    builder.array(byte, 16, number)  # 4
    builder.struct("point", 8, [("x", number, 0), ("y", number, 32)])  # 5
    builder.union("either", 4, [("number", number, 0), ("byte", byte, 0)])  # 6
    builder.enum("colour", {"RED": 0, "GREEN": -2})  # 7
    builder.forward("later")  # 8
    builder.typedef("number_t", number)  # 9
    builder.volatile(number)  # 10
    builder.const(number)  # 11
    builder.restrict(3)  # 12
    proto = builder.func_proto(number, [("first", number), ("second", 3)])  # 13
    function = builder.func("do_it", proto, 1)  # 14
    variable = builder.var("counter", number, 1)  # 15
    builder.datasec(".data", 4, [(variable, 0, 4)])  # 16
    builder.floating("float", 4)  # 17
    builder.decl_tag("tagged", function)  # 18
    builder.pointer(builder.type_tag("user", number))  # 19, 20
    builder.enum64("wide", {"HUGE": 5 << 32, "TINY": 1})  # 21
    builder.struct("bits", 4, [("low", number, 0, 3), ("high", number, 3, 5)])  # 22
    builder.forward("either_later", union=True)  # 23
    builder.decl_tag("of_argument", function, 1)  # 24
    return builder


@pytest.fixture(params=["<", ">"])
def btf(request: pytest.FixtureRequest) -> Btf:
    return Btf(everything(request.param).build())


def test_every_kind_is_an_object_of_its_class(btf: Btf) -> None:
    found = list(btf.types())
    assert [each.id for each in found] == list(range(1, 25))
    names = [type(each).__name__ for each in found]
    plain = "Int Int Pointer Array Struct Union Enum Fwd Typedef Volatile Const Restrict FuncProto Func Var Datasec"
    assert names[:17] == [*plain.split(), "Float"]
    assert names[17:21] == ["DeclTag", "TypeTag", "Pointer", "Enum64"]


def test_numbers(btf: Btf) -> None:
    number, byte = btf.type(1), btf.type(2)
    assert isinstance(number, types.Int)
    assert isinstance(byte, types.Int)
    assert (number.size, number.signed, number.bits, number.offset, number.boolean) == (4, True, 32, 0, False)
    assert (byte.size, byte.signed, byte.bits) == (1, False, 8)
    assert btf.type(17).size == 4


def test_references(btf: Btf) -> None:
    assert btf.type(3).size == 8
    for number in (9, 10, 11, 19):
        found = btf.type(number)
        assert isinstance(found, types.Reference)
        assert found.type.name == "int"
        assert found.resolve().id == 1
        assert found.size == 4
    assert btf.type(12).resolve().id == 3
    array = btf.type(4)
    assert isinstance(array, types.Array)
    assert (array.length, array.size, array.type.name, array.index_id) == (16, 16, "char", 1)
    void = btf.type(0)
    assert (void.name, void.id, void.kind) == ("void", 0, 0)
    with pytest.raises(BtfError, match="has no size"):
        assert void.size


def test_composites(btf: Btf) -> None:
    point, bits, either = btf.type(5), btf.type(22), btf.type(6)
    assert isinstance(point, types.Struct)
    assert isinstance(either, types.Union)
    assert isinstance(bits, types.Struct)
    assert [(each.name, each.offset, each.bits, each.type.name) for each in point.members] == [
        ("x", 0, 0, "int"),
        ("y", 32, 0, "int"),
    ]
    assert [(each.name, each.offset, each.bits) for each in bits.members] == [("low", 0, 3), ("high", 3, 5)]
    assert (point.size, either.size) == (8, 4)
    member = point.member("y")
    assert member is not None
    assert member.offset == 32
    assert point.member("z") is None


def test_enums(btf: Btf) -> None:
    colour, wide = btf.type(7), btf.type(21)
    assert isinstance(colour, types.Enum)
    assert isinstance(wide, types.Enum64)
    assert colour.values == {"RED": 0, "GREEN": -2}
    assert (colour.signed, wide.signed) == (True, False)
    assert wide.enumerators == (("HUGE", 5 << 32), ("TINY", 1))
    assert (colour.size, wide.size) == (4, 8)


def test_declarations(btf: Btf) -> None:
    function, proto, variable, section = btf.type(14), btf.type(13), btf.type(15), btf.type(16)
    assert isinstance(function, types.Func)
    assert isinstance(proto, types.FuncProto)
    assert isinstance(variable, types.Var)
    assert isinstance(section, types.Datasec)
    assert types.LINKAGES[function.linkage] == "global"
    assert function.type == proto
    assert [(each.name, each.type_id) for each in proto.parameters] == [("first", 1), ("second", 3)]
    assert (variable.linkage, variable.size) == (1, 4)
    assert [(each.type, each.offset, each.size) for each in section.variables] == [(variable, 0, 4)]
    tag, argument = btf.type(18), btf.type(24)
    assert isinstance(tag, types.DeclTag)
    assert isinstance(argument, types.DeclTag)
    assert (tag.name, tag.type, tag.component) == ("tagged", function, -1)
    assert argument.component == 1
    later, either = btf.type(8), btf.type(23)
    assert isinstance(later, types.Fwd)
    assert isinstance(either, types.Fwd)
    assert (later.union, either.union) == (False, True)


def test_types_that_never_end() -> None:
    builder = BtfBuilder()
    builder.typedef("a", 2)
    builder.typedef("b", 1)
    builder.array(4, 2, 0)
    builder.array(3, 2, 0)
    btf = Btf(builder.build())
    with pytest.raises(BtfError, match="more than 32"):
        btf.type(1).resolve()
    with pytest.raises(BtfError, match="dimensions"):
        assert btf.type(3).size


def test_split() -> None:
    base = Btf(everything().build())
    builder = BtfBuilder(base)
    extended = builder.struct("extended", 16, [("point", 5, 0), ("more", builder.typedef("more_t", 1), 64)])
    btf = Btf(builder.build(), base)
    found = btf.type(extended)
    assert isinstance(found, types.Struct)
    assert [each.type.name for each in found.members] == ["point", "more_t"]
    assert [each.name for each in btf.types()] == ["more_t", "extended"]
    point = btf.find_type("point")
    assert point is not None
    assert point.id == 5


def test_what_cannot_be_built() -> None:
    builder = BtfBuilder()
    with pytest.raises(ArgumentError, match="zero byte"):
        builder.integer("a\0b", 4)
    with pytest.raises(ArgumentError, match="integers"):
        builder.struct("s", 4, [("x", "int", 0)])  # type: ignore[list-item]  # what the test is about


@pytest.mark.root
@pytest.mark.requires("btf_kind_enum64", "btf_kind_float")
def test_the_kernel_takes_it_and_gives_it_back() -> None:
    data = everything().build()
    with BtfCore.load(data) as loaded:
        back = Btf(objects.btf_data(loaded.fd))
        assert [each.name for each in back.types()] == [each.name for each in Btf(data).types()]


@pytest.mark.root
@pytest.mark.requires("btf_load")
def test_what_the_kernel_refuses() -> None:
    builder = BtfBuilder()
    builder.pointer(77)
    with pytest.raises(ArgumentError, match=r"BPF_BTF_LOAD failed \(EINVAL\): .*Invalid type_id"):
        BtfCore.load(builder.build())
