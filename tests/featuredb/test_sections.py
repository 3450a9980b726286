"""Section names, as libbpf reads them."""

from __future__ import annotations

import pytest

import featuredb
from featuredb import sections


@pytest.mark.parametrize(
    ("name", "program_type", "attach_type", "target"),
    [
        ("xdp", "BPF_PROG_TYPE_XDP", "BPF_XDP", ""),
        ("xdp.frags/devmap", "BPF_PROG_TYPE_XDP", "BPF_XDP_DEVMAP", ""),
        ("kprobe/do_unlinkat", "BPF_PROG_TYPE_KPROBE", None, "do_unlinkat"),
        ("kprobe", "BPF_PROG_TYPE_KPROBE", None, ""),
        ("kprobe.multi/tcp_*", "BPF_PROG_TYPE_KPROBE", "BPF_TRACE_KPROBE_MULTI", "tcp_*"),
        ("tp/syscalls/sys_enter_openat", "BPF_PROG_TYPE_TRACEPOINT", None, "syscalls/sys_enter_openat"),
        ("tc", "BPF_PROG_TYPE_SCHED_CLS", None, ""),
        ("tc/egress", "BPF_PROG_TYPE_SCHED_CLS", "BPF_TCX_EGRESS", ""),
        ("fexit.s/bpf_fentry_test1", "BPF_PROG_TYPE_TRACING", "BPF_TRACE_FEXIT", "bpf_fentry_test1"),
        ("lsm_cgroup/socket_bind", "BPF_PROG_TYPE_LSM", "BPF_LSM_CGROUP", "socket_bind"),
        ("cgroup/bind4", "BPF_PROG_TYPE_CGROUP_SOCK_ADDR", "BPF_CGROUP_INET4_BIND", ""),
        ("struct_ops/dctcp_init", "BPF_PROG_TYPE_STRUCT_OPS", None, "dctcp_init"),
        ("usdt/libc.so.6:libc:setjmp", "BPF_PROG_TYPE_KPROBE", None, "libc.so.6:libc:setjmp"),
    ],
)
def test_a_name_says_type_and_target(name: str, program_type: str, attach_type: str | None, target: str) -> None:
    section = sections.lookup(name)
    assert section is not None
    assert (section.program_type, section.attach_type, section.target) == (program_type, attach_type, target)
    assert not section.legacy
    assert not section.optional


@pytest.mark.parametrize("name", ["", ".text", "license", "maps", "filter", "kprobes/x", "fentry_x", "xd"])
def test_a_name_that_is_no_program(name: str) -> None:
    assert sections.lookup(name) is None


def test_flags() -> None:
    sleepable, frags, plain = (sections.lookup(name) for name in ("lsm.s/file_open", "xdp.frags", "xdp"))
    assert sleepable is not None
    assert frags is not None
    assert plain is not None
    assert (sleepable.sleepable, sleepable.attach_btf, sleepable.flags) == (True, True, ("BPF_F_SLEEPABLE",))
    assert (frags.sleepable, frags.flags) == (False, ("BPF_F_XDP_HAS_FRAGS",))
    assert (plain.flags, plain.attach_type_optional, frags.attach_type_optional) == ((), True, False)


def test_a_question_mark_makes_it_optional() -> None:
    section = sections.lookup("?kprobe/x")
    assert section is not None
    assert (section.optional, section.name, section.target) == (True, "kprobe", "x")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("xdp_prog", "xdp"),
        ("xdp/pass", "xdp"),
        ("xdp_devmap/x", "xdp_devmap"),
        ("classifier/ingress", "classifier"),
        ("socket1", "socket"),
        ("sk_reuseport/migrate/x", "sk_reuseport/migrate"),
    ],
)
def test_names_of_old_objects_are_understood_and_marked(name: str, kind: str) -> None:
    section = sections.lookup(name)
    assert section is not None
    assert (section.name, section.legacy) == (kind, True)


def test_every_name_is_found_by_itself() -> None:
    for name in sections.names():
        section = sections.lookup(name)
        assert section is not None
        assert section.name == name or section.legacy
        assert featuredb.get(section.program_type).kind == "program_type"
