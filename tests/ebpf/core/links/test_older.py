"""Newer commands and fields refused as by an older kernel: programs are loaded and attached all the same."""

from __future__ import annotations

import ctypes
import errno
import os
import socket
from collections.abc import Callable

import pytest

from ebpf import errors, uapi
from ebpf.asm import R0, exit_, mov
from ebpf.core.links import cgroup, flow_dissector, sockmap, tcx, uprobe, xdp
from ebpf.core.links.base import LinkCore
from ebpf.core.map import MapCore
from ebpf.v2 import Program
from tests.privileges import changed, refuse_commands, refuse_long_attributes

from .counting import counting
from .places import need_classic_traffic_control, own_cgroup, own_netns, send_to_self

pytestmark = [pytest.mark.root, pytest.mark.requires("BPF_PSEUDO_MAP_VALUE")]
LIBC = "libc.so.6"
XDP_PASS = 2

without_links = refuse_commands(errno.EINVAL, uapi.BPF_LINK_CREATE)


def names(thing: LinkCore | Program) -> list[str]:
    return [row.name for row in thing.adaptations]


def by_cgroup() -> list[object]:
    with own_cgroup() as group, counting("cgroup_sock", returns=1) as (program, counter):
        with cgroup(program, str(group)) as link:
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM).close()
            found = names(link)
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM).close()
        return [found, counter.value]


def by_uprobe() -> list[object]:
    libc = ctypes.CDLL(LIBC)
    with counting("kprobe") as (program, counter):
        with uprobe(program, LIBC, "toupper", pid=os.getpid()) as link:
            libc.toupper(97)
            found = names(link)
        libc.toupper(97)
        return [found, counter.value]


def by_xdp() -> list[object]:
    with own_netns(), counting("xdp", returns=XDP_PASS) as (program, counter):
        with xdp(program, "lo", mode="generic") as link:
            send_to_self()
            found, seen = names(link), counter.value
        send_to_self()
        return [found, min(seen, 1) if counter.value == seen else -1]


def by_tcx() -> list[object]:
    with own_netns(), counting("sched_cls") as (program, counter), tcx(program, "lo") as link:
        send_to_self()
        return [names(link), min(counter.value, 1)]


def by_flow_dissector() -> list[object]:
    counted = counting("flow_dissector", attach_type="BPF_FLOW_DISSECTOR")
    with own_netns(), counted as (program, _), flow_dissector(program) as link:
        return [names(link), 1]


def by_sockmap() -> list[object]:
    counted = counting("sk_msg", returns=1, attach_type="BPF_SK_MSG_VERDICT")
    made = MapCore(uapi.BPF_MAP_TYPE_SOCKMAP, 4, 4, 1)
    with made as sockets, counted as (program, _), sockmap(program, sockets) as link:
        return [names(link), 1]


@pytest.mark.parametrize(
    ("attach", "name"),
    [
        (by_cgroup, "prog_attach"),
        pytest.param(by_uprobe, "perf_ioctl", marks=pytest.mark.requires("perf_uprobe_pmu")),
        (by_xdp, "xdp_netlink"),
        (by_tcx, "tcx_netlink"),
        (by_flow_dissector, "netns_attach"),
        pytest.param(by_sockmap, "sockmap_attach", marks=pytest.mark.requires("BPF_SK_MSG_VERDICT")),
    ],
)
def test_without_link_create(attach: Callable[[], list[object]], name: str) -> None:
    if "netlink" in name:
        pytest.importorskip("pyroute2")
    if attach is by_tcx:
        need_classic_traffic_control()
    assert changed(without_links, attach) == [[name], 1]


def test_without_link_create_and_without_adapting() -> None:
    def act() -> str:
        with own_cgroup() as group, counting("cgroup_sock", returns=1) as (program, _):
            try:
                cgroup(program, str(group), adapt=False)
            except errors.UnsupportedFeatureError as error:
                return str(error)
        return ""

    before = len(os.listdir("/proc/self/fd"))
    assert "adapt=False refuses" in changed(without_links, act)
    assert len(os.listdir("/proc/self/fd")) == before


PROG_FLAGS_END = 48  # the attribute of 4.12 to 4.14 ends before prog_name


def test_a_program_without_its_name() -> None:
    def act() -> list[object]:
        with Program("xdp", [mov(R0, XDP_PASS), exit_()], name="called") as program:
            return [names(program), program.name, program.info().name, program.test_run(bytes(64)).retval]

    older = refuse_long_attributes(errno.E2BIG, uapi.BPF_PROG_LOAD, PROG_FLAGS_END)
    assert changed(older, act) == [["unnamed_program"], "called", "", XDP_PASS]


def test_a_program_that_may_not_do_without_its_name() -> None:
    def act() -> str:
        try:
            Program("xdp", [mov(R0, XDP_PASS), exit_()], name="called", adapt=False)
        except errors.UnsupportedFeatureError as error:
            return str(error)
        return ""

    older = refuse_long_attributes(errno.E2BIG, uapi.BPF_PROG_LOAD, PROG_FLAGS_END)
    assert "the program is loaded without its name" in changed(older, act)
