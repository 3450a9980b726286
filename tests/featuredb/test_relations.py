"""Which program type may call what, and since when: spot checks, and rules every pair keeps."""

from __future__ import annotations

import pytest

import featuredb
from featuredb import version_key

NEWEST = featuredb.releases()[-1].version


@pytest.mark.parametrize(
    ("helper", "program_type", "since"),
    [
        ("bpf_map_lookup_elem", "BPF_PROG_TYPE_SOCKET_FILTER", "3.19"),
        ("bpf_map_lookup_elem", "BPF_PROG_TYPE_KPROBE", "4.1"),
        ("bpf_probe_read", "BPF_PROG_TYPE_KPROBE", "4.1"),
        ("bpf_clone_redirect", "BPF_PROG_TYPE_SCHED_CLS", "4.2"),
        ("bpf_redirect", "BPF_PROG_TYPE_SCHED_CLS", "4.4"),
        ("bpf_redirect_map", "BPF_PROG_TYPE_XDP", "4.14"),
        ("bpf_fib_lookup", "BPF_PROG_TYPE_XDP", "4.18"),
        ("bpf_skb_load_bytes", "BPF_PROG_TYPE_SCHED_CLS", "4.5"),
        ("bpf_skb_load_bytes", "BPF_PROG_TYPE_SOCKET_FILTER", "4.11"),
        ("bpf_spin_lock", "BPF_PROG_TYPE_XDP", "5.1"),
        ("bpf_sk_storage_get", "BPF_PROG_TYPE_SCHED_CLS", "5.2"),
        ("bpf_probe_read_kernel", "BPF_PROG_TYPE_KPROBE", "5.5"),
        ("bpf_ringbuf_output", "BPF_PROG_TYPE_XDP", "5.8"),
        ("bpf_seq_printf", "BPF_PROG_TYPE_TRACING", "5.8"),
        ("bpf_task_storage_get", "BPF_PROG_TYPE_LSM", "5.11"),
        ("bpf_task_storage_get", "BPF_PROG_TYPE_KPROBE", "5.13"),
        ("bpf_for_each_map_elem", "BPF_PROG_TYPE_SOCKET_FILTER", "5.13"),
        ("bpf_sys_bpf", "BPF_PROG_TYPE_SYSCALL", "5.14"),
        ("bpf_loop", "BPF_PROG_TYPE_XDP", "5.17"),
        ("bpf_get_attach_cookie", "BPF_PROG_TYPE_TRACING", "5.19"),
        ("bpf_map_lookup_elem", "BPF_PROG_TYPE_NETFILTER", "6.4"),
        ("bpf_tcp_send_ack", "BPF_PROG_TYPE_STRUCT_OPS", "5.6"),
        ("bpf_get_current_comm", "BPF_PROG_TYPE_XDP", "6.16"),
    ],
)
def test_well_known_pairs(helper: str, program_type: str, since: str) -> None:
    assert featuredb.get(helper).program_types[program_type].since == since


@pytest.mark.parametrize(
    ("helper", "program_type"),
    [
        ("bpf_skb_store_bytes", "BPF_PROG_TYPE_XDP"),
        ("bpf_xdp_adjust_head", "BPF_PROG_TYPE_SCHED_CLS"),
        ("bpf_override_return", "BPF_PROG_TYPE_TRACEPOINT"),
        # The case labels name these, the kernel refuses them whatever the attach type.
        ("bpf_set_retval", "BPF_PROG_TYPE_CGROUP_SKB"),
        ("bpf_get_func_ip", "BPF_PROG_TYPE_TRACEPOINT"),
        ("bpf_seq_printf", "BPF_PROG_TYPE_SYSCALL"),
        ("bpf_sk_storage_get", "BPF_PROG_TYPE_SYSCALL"),
        ("bpf_map_lookup_elem", "BPF_PROG_TYPE_UNSPEC"),
    ],
)
def test_pairs_that_never_were(helper: str, program_type: str) -> None:
    assert program_type not in featuredb.get(helper).program_types


def test_helper_ids_are_dense() -> None:
    assert [helper.value for helper in featuredb.features("helper")] == list(range(1, 212))


def test_every_helper_says_what_it_is() -> None:
    for helper in featuredb.features("helper"):
        assert helper.aliases == ("BPF_FUNC_" + helper.name[len("bpf_") :],)
        assert helper.enum == "bpf_func_id"
        assert 0 < len(helper.summary) < 90, helper.name
        assert helper.program_types, helper.name
        assert isinstance(helper.extra["gpl_only"], bool)


@pytest.mark.parametrize(
    ("helper", "gpl_only"),
    [
        ("bpf_map_lookup_elem", False),
        ("bpf_ktime_get_ns", False),
        ("bpf_probe_read_kernel", True),
        ("bpf_timer_init", True),
    ],
)
def test_licence(helper: str, gpl_only: bool) -> None:
    assert featuredb.get(helper).extra["gpl_only"] is gpl_only


@pytest.mark.parametrize("kind", ["helper", "kfunc_set"])
def test_no_pair_is_older_than_its_sides(kind: str) -> None:
    wrong = []
    for feature in featuredb.features(kind):
        for program_type, relation in feature.program_types.items():
            sides = [feature.since, featuredb.get(program_type).since]
            if relation.since == "unknown":
                continue
            if any(version_key(relation.since) < version_key(side) for side in sides):
                wrong.append((feature.name, program_type, relation.since, sides))
            if relation.until and version_key(relation.until) <= version_key(relation.since):
                wrong.append((feature.name, program_type, relation.since, ["until " + relation.until]))
            if version_key(relation.since) > version_key(NEWEST):
                wrong.append((feature.name, program_type, relation.since, ["newer than " + NEWEST]))
    assert not wrong


def test_inexact_pairs_say_why() -> None:
    for helper in featuredb.features("helper"):
        for program_type, relation in helper.program_types.items():
            assert relation.exact or relation.notes, (helper.name, program_type)


def test_conditions() -> None:
    kprobe = featuredb.get("bpf_probe_read_kernel").program_types["BPF_PROG_TYPE_KPROBE"]
    assert kprobe.lockdown == "confidentiality"
    write = featuredb.get("bpf_probe_write_user").program_types["BPF_PROG_TYPE_KPROBE"]
    assert (write.lockdown, write.capabilities) == ("integrity", ("CAP_SYS_ADMIN",))
    override = featuredb.get("bpf_override_return").program_types["BPF_PROG_TYPE_KPROBE"]
    assert override.kconfig == "CONFIG_BPF_KPROBE_OVERRIDE"
    xdp = featuredb.get("bpf_trace_printk").program_types["BPF_PROG_TYPE_XDP"]
    assert set(xdp.capabilities) == {"CAP_BPF", "CAP_PERFMON"}
    assert featuredb.get("bpf_ktime_get_coarse_ns").program_types["BPF_PROG_TYPE_KPROBE"].until == "5.16"


@pytest.mark.parametrize(
    ("helper", "alternative"),
    [
        ("bpf_probe_read_kernel", "bpf_probe_read"),
        ("bpf_ringbuf_output", "bpf_perf_event_output"),
        ("bpf_get_current_task_btf", "bpf_get_current_task"),
        ("bpf_ktime_get_boot_ns", "bpf_ktime_get_ns"),
    ],
)
def test_alternatives(helper: str, alternative: str) -> None:
    assert featuredb.get(helper).alternatives[0] == alternative


def test_loop_has_no_alternative() -> None:
    assert featuredb.get("bpf_loop").alternatives == ()


@pytest.mark.parametrize(
    ("name", "present", "absent"),
    [
        ("bpf_list_push_front", ["6.2", "6.3", "7.1", "7.3"], ["6.1", "6.4", "6.12", "7.0"]),
        ("bpf_list_push_front_impl", ["6.4", "6.12", "7.0", "7.3"], ["6.3"]),
        ("bpf_rbtree_add", ["6.3", "7.1"], ["6.2", "6.4", "7.0"]),
        ("bpf_stream_vprintk", ["6.17", "7.0"], ["6.14", "6.18", "6.19"]),
        ("bpf_stream_vprintk_impl", ["6.18", "6.19"], ["6.17", "7.0"]),
        ("bpf_wq_set_callback_impl", ["6.10", "6.19"], ["6.9", "7.0"]),
        ("cgroup_rstat_flush", ["6.1"], ["6.0", "6.17"]),
        ("bpf_dynptr_is_rdonly", ["6.5"], ["6.4"]),
        ("bpf_sk_assign_tcp_reqsk", ["6.9"], ["6.8"]),
        ("scx_bpf_cpu_curr", ["6.18"], ["6.17"]),
    ],
)
def test_renamed_kfuncs(name: str, present: list[str], absent: list[str]) -> None:
    kfunc = featuredb.get(name)
    assert [kfunc.known_at(version) for version in present] == [True] * len(present)
    assert [kfunc.known_at(version) for version in absent] == [False] * len(absent)


def test_renames_name_each_other() -> None:
    names = set(featuredb.names("kfunc"))
    for name in names:
        if name + "_impl" in names:
            assert name + "_impl" in featuredb.get(name).alternatives
            old = featuredb.get(name + "_impl")
            assert name in (*old.alternatives, *old.extra.get("superseded_by", ()))


def test_kfuncs_belong_to_known_sets() -> None:
    sets = set(featuredb.names("kfunc_set"))
    used = set()
    for kfunc in featuredb.features("kfunc"):
        own = kfunc.extra.get("sets") or ()
        assert own or kfunc.extra.get("category") == "prologue", kfunc.name
        assert set(own) <= sets, kfunc.name
        used |= set(own)
        assert all(flag.startswith("KF_") for flag in kfunc.extra.get("flags") or ())
        for program_type, relation in kfunc.program_types.items():
            assert version_key(relation.since) >= version_key(kfunc.since), (kfunc.name, program_type)
    assert used == sets


def test_categories() -> None:
    kfuncs = featuredb.features("kfunc")
    assert featuredb.get("update_socket_protocol").extra["category"] == "fmod_ret_target"
    assert featuredb.get("bpf_kfunc_call_test1").extra["category"] == "test"
    assert {kfunc.extra.get("category") for kfunc in kfuncs} == {None, "test", "fmod_ret_target", "prologue"}
    assert "category" not in featuredb.get("bpf_task_acquire").extra


@pytest.mark.parametrize(
    ("kfunc", "program_type", "since"),
    [
        ("bpf_xdp_ct_lookup", "BPF_PROG_TYPE_XDP", "5.18"),
        ("tcp_slow_start", "BPF_PROG_TYPE_STRUCT_OPS", "5.13"),
        ("bpf_task_acquire", "BPF_PROG_TYPE_TRACING", "6.2"),
        ("scx_bpf_kick_cpu", "BPF_PROG_TYPE_STRUCT_OPS", "6.12"),
        ("bpf_dynptr_slice", "BPF_PROG_TYPE_UNSPEC", "6.4"),
    ],
)
def test_kfunc_program_types(kfunc: str, program_type: str, since: str) -> None:
    assert featuredb.get(kfunc).program_types[program_type].since == since


@pytest.mark.parametrize(
    ("name", "since"),
    [
        ("iter_task", "5.8"),
        ("iter_tcp", "5.9"),
        ("iter_task_vma", "5.12"),
        ("iter_unix", "5.15"),
        ("iter_cgroup", "6.1"),
    ],
)
def test_iterators(name: str, since: str) -> None:
    iterator = featuredb.get(name)
    assert (iterator.kind, iterator.since) == ("iterator", since)
    assert featuredb.get(name[len("iter_") :]) is iterator


@pytest.mark.parametrize(
    ("name", "since"),
    [("tcp_congestion_ops", "5.6"), ("bpf_dummy_ops", "5.16"), ("sched_ext_ops", "6.12"), ("Qdisc_ops", "6.16")],
)
def test_struct_ops(name: str, since: str) -> None:
    assert (featuredb.get(name).kind, featuredb.get(name).since) == ("struct_ops", since)


def test_a_set_of_every_program_type() -> None:
    assert set(featuredb.get("common_btf_ids").program_types) == {"BPF_PROG_TYPE_UNSPEC"}
