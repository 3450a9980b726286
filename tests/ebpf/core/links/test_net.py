"""Programs on network devices and hooks, each seen running."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator

import pytest

from ebpf import errors, uapi
from ebpf.core.links import attach, netfilter, netkit, tc, tcx, xdp
from ebpf.core.links.base import Attempt
from ebpf.core.links.net import _filter, ifindex, xdp_without_link

from .counting import counting
from .places import need_classic_traffic_control, own_netns, run, send_to_self

pytestmark = [pytest.mark.root, pytest.mark.requires("BPF_PSEUDO_MAP_VALUE")]

XDP_PASS, TC_ACT_OK, TCX_NEXT = 2, 0, -1


@pytest.fixture
def netns() -> Iterator[None]:
    with own_netns():
        yield


@pytest.fixture
def classic() -> None:
    need_classic_traffic_control()


@pytest.mark.usefixtures("netns")
def test_xdp_generic() -> None:
    with counting("xdp", returns=XDP_PASS) as (program, counter):
        with xdp(program, "lo", mode="generic") as link:
            send_to_self()
            assert counter.value >= 1
            assert link.kind == "xdp"
            if not link.adaptations:
                assert link.info().details["ifindex"] == ifindex("lo")
            with pytest.raises(errors.AttachError, match="another XDP program is attached there already"):
                xdp(program, "lo", mode="generic")
        last = counter.value
        send_to_self()
        assert counter.value == last


@pytest.mark.usefixtures("netns")
@pytest.mark.requires("BPF_LINK_UPDATE")
def test_another_xdp_program_takes_its_place() -> None:
    with counting("xdp", returns=XDP_PASS) as (one, first), counting("xdp", returns=XDP_PASS) as (two, second):
        with xdp(one, "lo", mode="generic") as link:
            if link.adaptations:
                pytest.skip("XDP has no links here")
            send_to_self()
            link.update(two)
            last = first.value
            send_to_self()
        assert last >= 1
        assert first.value == last
        assert second.value >= 1


@pytest.mark.usefixtures("netns")
def test_xdp_native() -> None:
    run("link", "add", "one", "type", "veth", "peer", "name", "two")
    for device in ("one", "two"):
        run("link", "set", device, "up")
    run("addr", "add", "10.1.0.1/24", "dev", "one")
    run("neigh", "add", "10.1.0.2", "lladdr", "02:00:00:00:00:01", "dev", "one")
    with counting("xdp", returns=XDP_PASS) as (program, counter), xdp(program, "two", mode="native"):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"x", ("10.1.0.2", 9))
        assert counter.value >= 1


@pytest.mark.usefixtures("netns")
def test_xdp_by_netlink() -> None:
    pytest.importorskip("pyroute2")
    with counting("xdp", returns=XDP_PASS) as (program, counter):
        attempt = Attempt("xdp", "XDP of lo", program)
        with xdp_without_link(attempt, ifindex("lo"), uapi.XDP_FLAGS_SKB_MODE) as link:
            assert [row.name for row in link.adaptations] == ["xdp_netlink"]
            send_to_self()
            assert counter.value >= 1
            with pytest.raises(errors.AttachError, match="another XDP program is attached there already"):
                xdp_without_link(attempt, ifindex("lo"), uapi.XDP_FLAGS_SKB_MODE)
        last = counter.value
        send_to_self()
        assert counter.value == last


def test_interfaces_and_modes_that_are_not_there() -> None:
    with counting("xdp", returns=XDP_PASS) as (program, _):
        with pytest.raises(errors.ArgumentError, match=r"no network interface 'lo9'; there are .*lo"):
            xdp(program, "lo9")
        with pytest.raises(errors.ArgumentError, match="mode is 'fast'"):
            xdp(program, "lo", mode="fast")
    with counting("sched_cls") as (program, _), pytest.raises(errors.ArgumentError, match="direction is 'in'"):
        tcx(program, "lo", "in")


@pytest.mark.usefixtures("netns")
@pytest.mark.requires("tcx")
@pytest.mark.parametrize("direction", ["ingress", "egress"])
def test_tcx(direction: str) -> None:
    with counting("sched_cls", returns=TCX_NEXT) as (program, counter), counting("sched_cls") as (other, second):
        with tcx(program, "lo", direction) as link:
            send_to_self()
            assert counter.value >= 1
            assert link.info().kind == "tcx"
            with tcx(other, "lo", direction, flags=uapi.BPF_F_BEFORE):
                send_to_self()
                assert second.value >= 1
        last = counter.value
        send_to_self()
        assert counter.value == last


@pytest.mark.usefixtures("classic", "netns")
@pytest.mark.parametrize("direction", ["ingress", "egress"])
def test_classic_traffic_control(direction: str) -> None:
    with counting("sched_cls", returns=TC_ACT_OK) as (program, counter):
        with tc(program, "lo", direction) as link:
            send_to_self()
            assert counter.value >= 1
            assert link.adaptations == ()
            with pytest.raises(errors.UnsupportedFeatureError, match="has no descriptor"):
                link.fileno()
        last = counter.value
        send_to_self()
        assert counter.value == last
        assert not qdiscs()


def qdiscs() -> list[object]:
    from pyroute2 import IPRoute

    with IPRoute() as netlink:
        return [each for each in netlink.get_qdiscs(ifindex("lo")) if each.get_attr("TCA_KIND") == "clsact"]


@pytest.mark.usefixtures("classic", "netns")
def test_two_filters_share_a_qdisc() -> None:
    with (
        counting("sched_cls", returns=TCX_NEXT) as (one, first),
        counting("sched_cls", returns=TC_ACT_OK) as (two, second),
    ):
        with tc(one, "lo", priority=1):
            with tc(two, "lo", priority=2):
                send_to_self()
            assert first.value >= 1
            assert second.value >= 1
            assert qdiscs()
            last = first.value
            send_to_self()
            assert first.value > last
        assert not qdiscs()


@pytest.mark.usefixtures("classic", "netns")
def test_a_filter_in_place_of_tcx() -> None:
    with counting("sched_cls", returns=TC_ACT_OK) as (program, counter):
        attempt = Attempt("tcx", "ingress of lo", program)
        with _filter(attempt, ifindex("lo"), "ingress", 1, "tcx_netlink") as link:
            assert [row.name for row in link.adaptations] == ["tcx_netlink"]
            send_to_self()
            assert counter.value >= 1


def add_netkit(name: str) -> None:
    """By netlink: iproute2 knows the devices since 6.7 only."""
    pyroute2 = pytest.importorskip("pyroute2")
    with pyroute2.IPRoute() as netlink:
        netlink.link("add", ifname=name, kind="netkit")


@pytest.mark.usefixtures("netns")
@pytest.mark.requires("netkit")
@pytest.mark.parametrize("peer", [False, True])
def test_netkit(peer: bool) -> None:
    add_netkit("kit0")
    names = [name for _, name in socket.if_nameindex() if name.startswith(("kit", "nk"))]
    for name in names:
        run("link", "set", name, "up")
    run("addr", "add", "10.2.0.1/24", "dev", "kit0")
    kind = "BPF_NETKIT_PEER" if peer else "BPF_NETKIT_PRIMARY"
    with (
        counting("sched_cls", returns=-1, attach_type=kind) as (program, counter),
        netkit(program, "kit0", peer) as link,
    ):
        assert link.info().kind == "netkit"
        sender_device = next(name for name in names if (name == "kit0") != peer)
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sender, contextlib.suppress(OSError):
            sender.bind((sender_device, 0x0800))
            sender.send(bytes(64))
        assert counter.value >= 1


@pytest.mark.usefixtures("netns")
@pytest.mark.requires("netkit")
def test_netkit_of_another_device() -> None:
    kind = "BPF_NETKIT_PRIMARY"
    refused = pytest.raises(errors.AttachError, match="it is no netkit device")
    with counting("sched_cls", attach_type=kind) as (program, _), refused:
        netkit(program, "lo")


@pytest.mark.usefixtures("netns")
@pytest.mark.requires("netfilter_programs", "BPF_LINK_TYPE_NETFILTER")
def test_netfilter() -> None:
    with counting("netfilter", returns=1, attach_type="BPF_NETFILTER") as (program, counter):
        with netfilter(program, "output", priority=-128) as link:
            send_to_self()
            assert counter.value >= 1
            assert link.info().details["priority"] == -128
            with pytest.raises(errors.AttachError, match="another program has this priority"):
                netfilter(program, "output", priority=-128)
        last = counter.value
        send_to_self()
        assert counter.value == last
        with pytest.raises(errors.ArgumentError, match="give one of prerouting"):
            netfilter(program, "outputs")
    with (
        counting("netfilter", returns=0, attach_type="BPF_NETFILTER") as (program, _),
        attach(program, "netfilter", hook="output"),
        pytest.raises(PermissionError),
    ):
        send_to_self()


@pytest.mark.usefixtures("netns")
def test_by_the_names_of_sections() -> None:
    with counting("xdp", returns=XDP_PASS) as (program, counter):
        with attach(program, "xdp", interface="lo", mode="generic"):
            send_to_self()
        assert counter.value >= 1
        with pytest.raises(errors.ArgumentError, match="takes interface="):
            attach(program, "xdp")
        with pytest.raises(errors.ArgumentError, match="put it into a map"):
            attach(program, "xdp/devmap")
        with pytest.raises(errors.ArgumentError, match="no program type goes by"):
            attach(program, "xpd")
