"""Type information as older kernels take it."""

from __future__ import annotations

import pytest

from ebpf import elf, features
from ebpf.btf import Btf, kinds, sanitise
from ebpf.btf.types import Datasec, Func, Struct
from ebpf.core.btf import BtfCore
from tests.clang import compiled
from tests.ebpf.btf.test_build import everything

KINDS = {
    "btf_kind_func": kinds.FUNC,
    "btf_kind_func_proto": kinds.FUNC_PROTO,
    "btf_kind_var": kinds.VAR,
    "btf_kind_datasec": kinds.DATASEC,
    "btf_kind_float": kinds.FLOAT,
    "btf_kind_decl_tag": kinds.DECL_TAG,
    "btf_kind_type_tag": kinds.TYPE_TAG,
    "btf_kind_enum64": kinds.ENUM64,
}


@pytest.fixture(scope="module")
def whole() -> Btf:
    return Btf(everything().build())


def test_what_is_needed(whole: Btf) -> None:
    needed = sanitise.needs(whole)
    assert needed == {*KINDS, "btf_func_global", "btf_fwd_union", "btf_enum_signed", "btf_kind_flag"} | {
        "btf_decl_tag_on_func"
    }
    assert needed <= set(sanitise.ALL)


def test_nothing_is_lost_where_nothing_lacks(whole: Btf) -> None:
    again = Btf(sanitise.sanitise(whole))
    assert [(each.kind, each.name, each.flag) for each in again.types()] == [
        (each.kind, each.name, each.flag) for each in whole.types()
    ]
    assert sanitise.needs(again) == sanitise.needs(whole)
    assert Btf(sanitise.sanitise(Btf(everything(">").build()))).names_from("point") == ["point"]


@pytest.mark.parametrize("feature", sanitise.ALL)
def test_one_feature_after_another(whole: Btf, feature: str) -> None:
    data = sanitise.sanitise(whole, [feature])
    btf = Btf(data)
    assert feature not in sanitise.needs(btf)
    assert len(btf) == len(whole), "ids stay what they are"
    if feature in KINDS:
        assert all(each.kind != KINDS[feature] for each in btf.types())


@pytest.mark.root
@pytest.mark.requires("btf_load")
def test_the_kernel_takes_what_is_left(whole: Btf) -> None:
    here = {name for name in sanitise.needs(whole) if not features.supported(name)}
    for lacks in (sanitise.ALL, ("btf_kind_datasec", "btf_kind_var"), ("btf_kind_decl_tag",), ("btf_kind_flag",)):
        BtfCore.load(sanitise.sanitise(whole, here.union(lacks))).close()


def test_layout_and_what_only_loaders_read() -> None:
    found = elf.read(compiled("everything"))
    assert found.btf is not None
    layout = {
        spec.name: (spec.value_size, {each.name: each.offset for each in spec.variables})
        for spec in found.maps.values()
    }
    btf = Btf(sanitise.sanitise(found.btf, (), layout, ["shared"]))
    section = btf.find_type(".bss", kinds.DATASEC)
    assert isinstance(section, Datasec)
    assert section.size == found.maps[".bss"].value_size
    assert [each.offset for each in section.variables] == sorted(each.offset for each in found.maps[".bss"].variables)
    assert btf.find(".maps", kinds.DATASEC) is None
    assert btf.find(".ksyms", kinds.DATASEC) is None
    assert btf.find("bpf_rcu_read_lock", kinds.FUNC) is None
    shared = btf.find_type("shared", kinds.FUNC)
    assert isinstance(shared, Func)
    assert shared.linkage == 0
    old = Btf(sanitise.sanitise(found.btf, ["btf_kind_datasec", "btf_kind_var"], layout))
    record = old.type(section.id)
    assert isinstance(record, Struct)
    assert record.name == "_bss"
    assert {each.name for each in record.members} == {"zero", "hidden_total"}


@pytest.mark.root
@pytest.mark.requires("btf_kind_datasec", "btf_func_global")
def test_the_kernel_takes_an_objects() -> None:
    found = elf.read(compiled("everything"))
    assert found.btf is not None
    layout = {
        spec.name: (spec.value_size, {each.name: each.offset for each in spec.variables})
        for spec in found.maps.values()
    }
    BtfCore.load(sanitise.sanitise(found.btf, (), layout)).close()
    for lacks in (["btf_kind_datasec", "btf_kind_var"], ["btf_func_global"], sanitise.ALL):
        BtfCore.load(sanitise.sanitise(found.btf, lacks, layout)).close()
