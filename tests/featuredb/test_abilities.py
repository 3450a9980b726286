"""What has no symbol: spot checks of the verifier's abilities, instructions, BTF, abilities, JITs and XDP drivers."""

from __future__ import annotations

import pytest

import featuredb

KINDS = ("verifier", "instruction", "btf", "ability", "jit", "xdp")


@pytest.mark.parametrize(
    ("name", "before", "since"),
    [
        ("bpf_to_bpf_calls", "4.15", "4.16"),
        ("bounded_loops", "5.2", "5.3"),
        ("instruction_limit_1m", "5.1", "5.2"),
        ("global_functions", "5.5", "5.6"),
        ("sleepable_programs", "5.9", "5.10"),
        ("kfunc_calls", "5.12", "5.13"),
        ("open_coded_iterators", "6.3", "6.4"),
        ("may_goto", "6.8", "6.9"),
        ("isa_v2", "4.13", "4.14"),
        ("isa_v4", "6.5", "6.6"),
        ("atomics", "5.11", "5.12"),
        ("load_acquire_store_release", "6.14", "6.15"),
        ("BPF_PSEUDO_MAP_VALUE", "5.1", "5.2"),
        ("btf_kind_datasec", "5.1", "5.2"),
        ("btf_kind_enum64", "5.19", "6.0"),
        ("vmlinux_btf", "5.3", "5.4"),
        ("module_btf", "5.10", "5.11"),
        ("tc_clsact", "4.4", "4.5"),
        ("memcg_accounting", "5.10", "5.11"),
        ("bpf_token", "6.8", "6.9"),
        ("jit_riscv64", "5.0", "5.1"),
        ("xdp_generic", "4.11", "4.12"),
        ("xdp_driver_ice", "5.4", "5.5"),
    ],
)
def test_the_release_before_does_not_have_it(name: str, before: str, since: str) -> None:
    feature = featuredb.get(name)
    assert feature.kind in KINDS
    assert feature.known_at(before) is False
    assert feature.known_at(since) is True


@pytest.mark.parametrize(
    ("architecture", "since"),
    [
        ("x86_64", "5.10"),
        ("aarch64", "6.0"),
        ("s390x", "6.3"),
        ("loongarch64", "6.4"),
        ("ppc64le", "7.0"),
        ("riscv64", "6.10"),
    ],
)
def test_tail_calls_below_functions_came_architecture_by_architecture(architecture: str, since: str) -> None:
    feature = featuredb.get("tail_calls_with_bpf_to_bpf_calls")
    assert feature.known_at("5.9", architecture) is False
    assert feature.known_at("5.10", architecture) is (since == "5.10")
    assert feature.known_at(since, architecture) is True
    assert feature.known_at("7.3", "sparc64") is False


def test_an_architecture_nobody_looked_at_is_unknown() -> None:
    assert featuredb.get("stack_arguments").known_at("7.3", "s390x") is None
    assert featuredb.get("stack_arguments").known_at("7.3", "x86_64") is True


@pytest.mark.parametrize(
    ("name", "last", "first_without"),
    [("bpf_tracepoints", "4.17", "4.18"), ("bpfilter", "6.8", "6.9")],
)
def test_what_was_taken_out(name: str, last: str, first_without: str) -> None:
    feature = featuredb.get(name)
    assert feature.known_at(last) is True
    assert feature.known_at(first_without) is False


def test_limits_state_their_number() -> None:
    """The complexity limit grew; each step has its own record, with the number as value."""
    names = [name for name in featuredb.names("verifier") if featuredb.get(name).group == "limit"]
    limits = [featuredb.get(name) for name in names]
    assert all(limit.value for limit in limits)
    steps = [(limit.since, limit.value) for limit in limits if limit.name.startswith("complexity_limit")]
    assert steps == [("3.18", 32768), ("4.7", 65536), ("4.12", 98304), ("4.14", 131072), ("5.2", 1_000_000)]


def test_every_kind_of_btf_has_its_number() -> None:
    kinds = {name: featuredb.get(name) for name in featuredb.names("btf") if name.startswith("btf_kind_")}
    del kinds["btf_kind_flag"]
    assert sorted(kind.value or 0 for kind in kinds.values()) == list(range(1, 20))
    assert all(featuredb.get(name.upper()).name == name for name in kinds)


def test_the_kernel_knows_no_name_for_it_so_ours_are_lower_snake() -> None:
    for kind in KINDS:
        for name in featuredb.names(kind):
            assert name == name.lower() or name.startswith("BPF_PSEUDO_"), name
            assert featuredb.get(name).summary, f"{name} has no summary"


def test_a_driver_names_its_option_and_the_mode_that_needs_none() -> None:
    for name in featuredb.names("xdp"):
        if name.startswith("xdp_driver_"):
            driver = featuredb.get(name)
            assert driver.kconfig_exist.startswith("CONFIG_"), name
            assert driver.depends_on == ("xdp",)
    assert featuredb.get("xdp_driver_ice").alternatives == ("xdp_generic",)
    veth = featuredb.get("xdp_driver_veth")
    assert [(each.since, each.partial) for each in veth.statements] == [("4.14", True), ("4.19", False)]


def test_the_jit_has_the_architectures_of_each_jit() -> None:
    jits = [
        name for name in featuredb.names("jit") if name.startswith("jit_") and featuredb.get(name).statements[0].arch
    ]
    together = {(each.since, each.arch) for each in featuredb.get("jit").statements}
    alone = {(jit.since, jit.statements[0].arch) for jit in map(featuredb.get, jits) if not jit.depends_on}
    assert together == alone
    assert featuredb.get("jit").known_at("4.1", "s390x") is True
    assert featuredb.get("jit").known_at("4.0", "s390x") is False


def test_every_ability_that_is_tried_has_a_record() -> None:
    """The tables of trials use the names of this database."""
    from ebpf.probe import abilities, btf, instructions, verifier

    tried = {*abilities.TABLE, *abilities.SAME_AS, *btf.NAMES, *instructions.NAMES, *verifier.TABLE}
    assert [name for name in sorted(tried) if featuredb.kind_of(name) is None] == []
