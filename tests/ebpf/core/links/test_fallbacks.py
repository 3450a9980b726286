"""What stands in for links on older kernels, tried on this one: it has the old ways as well."""

from __future__ import annotations

import ctypes
import os
import socket
from pathlib import Path

import pytest

from ebpf import errors, uapi
from ebpf.core.adaptation import ADAPTATIONS
from ebpf.core.links import perf, probes, tracefs
from ebpf.core.links.base import Attempt, LinkCore
from ebpf.core.links.cgroups import flow_dissector_without_link, without_link

from .counting import counting
from .places import own_cgroup, own_netns

pytestmark = [pytest.mark.root, pytest.mark.requires("BPF_PSEUDO_MAP_VALUE")]
LIBC = "libc.so.6"


def names(link: LinkCore) -> list[str]:
    return [row.name for row in link.adaptations]


def make_socket() -> None:
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).close()


@pytest.mark.requires("BPF_PROG_TYPE_CGROUP_SOCK")
def test_a_cgroup_by_prog_attach() -> None:
    before = len(os.listdir("/proc/self/fd"))
    with own_cgroup() as group, counting("cgroup_sock", returns=1) as (program, counter):
        attempt = Attempt("cgroup", str(group), program)
        directory = os.open(group, os.O_RDONLY)
        link = without_link(attempt, directory, uapi.BPF_CGROUP_INET_SOCK_CREATE, uapi.BPF_F_ALLOW_MULTI)
        assert names(link) == ["prog_attach"]
        program.close()  # the attachment holds the program, as a link does
        make_socket()
        assert counter.value == 1
        link.close()
        assert link.closed
        make_socket()
        assert counter.value == 1
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.requires("BPF_PROG_TYPE_CGROUP_SOCK")
def test_refusing_the_fallback_leaves_nothing() -> None:
    with own_cgroup() as group, counting("cgroup_sock", returns=1) as (program, counter):
        attempt = Attempt("cgroup", str(group), program, adapt=False)
        directory = os.open(group, os.O_RDONLY)
        with pytest.raises(errors.UnsupportedFeatureError, match="adapt=False refuses"):
            without_link(attempt, directory, uapi.BPF_CGROUP_INET_SOCK_CREATE, 0)
        make_socket()
        assert counter.value == 0


@pytest.mark.requires("BPF_PROG_TYPE_CGROUP_SOCK")
def test_a_child_does_not_undo_what_its_parent_did() -> None:
    with own_cgroup() as group, counting("cgroup_sock", returns=1) as (program, counter):
        attempt = Attempt("cgroup", str(group), program)
        directory = os.open(group, os.O_RDONLY)
        with without_link(attempt, directory, uapi.BPF_CGROUP_INET_SOCK_CREATE, 0) as link:
            child = os.fork()
            if not child:
                link.close()
                os._exit(0)
            os.waitpid(child, 0)
            make_socket()
            assert counter.value == 1


@pytest.mark.requires("BPF_FLOW_DISSECTOR")
def test_a_flow_dissector_by_prog_attach() -> None:
    with counting("flow_dissector", attach_type="BPF_FLOW_DISSECTOR") as (program, _), own_netns():
        attempt = Attempt("netns", "this network namespace", program)
        with flow_dissector_without_link(attempt) as link:
            assert names(link) == ["netns_attach"]
            with pytest.raises(errors.AttachError):
                flow_dissector_without_link(attempt)
        flow_dissector_without_link(attempt).close()


@pytest.mark.requires("BPF_PROG_TYPE_KPROBE", "perf_uprobe_pmu")
def test_a_uprobe_by_ioctl() -> None:
    from ebpf.elf.executable import find_file, function_offset

    libc = ctypes.CDLL(LIBC)
    file = find_file(LIBC)
    path = ctypes.create_string_buffer(file.encode())
    event_type = tracefs.pmu_type("uprobe")
    assert event_type is not None
    with counting("kprobe") as (program, counter):
        fd = perf.open_event(
            event_type,
            0,
            config1=ctypes.addressof(path),
            config2=function_offset(file, "toupper"),
            pid=os.getpid(),
            cpu=-1,
        )
        assert fd >= 0
        with perf.without_link(Attempt("uprobe", "toupper", program), fd) as link:
            assert names(link) == ["perf_ioctl"]
            libc.toupper(97)
            assert counter.value == 1
            with pytest.raises(errors.UnsupportedFeatureError, match="by an ioctl"):
                link.pin("/sys/fs/bpf/none")
        libc.toupper(97)
        assert counter.value == 1


@pytest.mark.requires("BPF_PROG_TYPE_KPROBE", "uprobe_programs")
def test_a_uprobe_by_tracefs(tracefs: None) -> None:
    from ebpf.elf.executable import find_file, function_offset

    events = Path("/sys/kernel/tracing/uprobe_events")
    libc = ctypes.CDLL(LIBC)
    file = find_file(LIBC)
    with counting("kprobe") as (program, counter):
        attempt = Attempt("uprobe", "toupper", program)
        definition = f"{file}:{function_offset(file, 'toupper'):#x}"
        with probes._by_tracefs(attempt, "uprobe", definition, False, 0, os.getpid()) as link:
            assert "uprobe_tracefs" in names(link)
            assert "ebpf/ebpf_" in events.read_text()
            libc.toupper(97)
            assert counter.value == 1
        assert "ebpf/ebpf_" not in events.read_text()
        libc.toupper(97)
        assert counter.value == 1


@pytest.mark.requires("BPF_PROG_TYPE_KPROBE", "perf_kprobe_pmu")
def test_a_kprobe_by_tracefs(tracefs: None) -> None:
    from ebpf.core.links.symbols import syscall_function

    events = Path("/sys/kernel/tracing/kprobe_events")
    with counting("kprobe") as (program, counter):
        attempt = Attempt("kprobe", "getppid", program)
        with probes._by_tracefs(attempt, "kprobe", f"{syscall_function('getppid')}+0", False, 0, -1) as link:
            assert "kprobe_tracefs" in names(link)
            os.getppid()
            assert counter.value >= 1
        assert "ebpf/ebpf_" not in events.read_text()


def test_every_adaptation_that_links_name_is_in_the_table() -> None:
    known = set(ADAPTATIONS)
    links = Path(probes.__file__).parent
    text = "".join(path.read_text() for path in links.glob("*.py"))
    used = {name for name in known if f'"{name}"' in text}
    assert {"perf_ioctl", "prog_attach", "xdp_netlink", "tcx_netlink", "netns_attach", "sockmap_attach"} <= used
