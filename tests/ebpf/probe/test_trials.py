"""All trials together: they agree with the kernel's own type information, and leave no trace."""

from __future__ import annotations

import errno
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import featuredb
from ebpf import host, probe, syscall
from ebpf.probe.outcome import Outcome
from tests.ebpf.probe import everything

pytestmark = pytest.mark.root

VMLINUX = Path("/sys/kernel/btf/vmlinux")

# Enumerators that the kernel knows and that it may have been built without, or that need what it was built without.
BUILT_WITHOUT = {
    "BPF_LIRC_MODE2": "CONFIG_BPF_LIRC_MODE2",
    "BPF_NETKIT_PRIMARY": "CONFIG_NETKIT",
    "BPF_NETKIT_PEER": "CONFIG_NETKIT",
    "BPF_LINK_TYPE_NETKIT": "CONFIG_NETKIT",
    "BPF_TRACE_KPROBE_MULTI": "CONFIG_FPROBE",
    "BPF_TRACE_KPROBE_SESSION": "CONFIG_FPROBE",
    "BPF_LINK_TYPE_KPROBE_MULTI": "CONFIG_FPROBE",
    "BPF_F_KPROBE_MULTI_RETURN": "CONFIG_FPROBE",
    "BPF_LINK_TYPE_NETFILTER": "CONFIG_NETFILTER_BPF_LINK",
    "BPF_NETFILTER": "CONFIG_NETFILTER_BPF_LINK",
    "BPF_F_NETFILTER_IP_DEFRAG": "CONFIG_NETFILTER_BPF_LINK",
    "BPF_MAP_TYPE_XSKMAP": "CONFIG_XDP_SOCKETS",
    "BPF_MAP_TYPE_INODE_STORAGE": "CONFIG_BPF_LSM",
}
# Enumerators that were given another name later: the number is older than the name.
RENAMED = {
    "BPF_PROG_RUN": "BPF_PROG_TEST_RUN",
    "BPF_MAP_TYPE_CGROUP_STORAGE_DEPRECATED": "BPF_MAP_TYPE_CGROUP_STORAGE",
    "BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE_DEPRECATED": "BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE",
}
# In the enumeration before anyone could use it.
NAMED_BEFORE_USE = frozenset(("BPF_LINK_TYPE_STRUCT_OPS",))
# Programs that need a trampoline: a sandbox's security module may refuse them to root.
TRAMPOLINES = frozenset(
    (
        "BPF_TRACE_FENTRY",
        "BPF_TRACE_FSESSION",
        "BPF_TRACE_FEXIT",
        "BPF_MODIFY_RETURN",
        "BPF_LSM_MAC",
        "BPF_LSM_CGROUP",
        "BPF_LINK_TYPE_TRACING",
    )
)


@pytest.fixture(scope="module")
def outcomes() -> dict[str, Outcome]:
    return everything.run()


@pytest.fixture(scope="module")
def words() -> frozenset[str]:
    """Every string of vmlinux BTF, enumerators among them."""
    if not VMLINUX.exists():
        pytest.skip("this kernel has no BTF")
    data = VMLINUX.read_bytes()
    header, offset, size = struct.unpack_from("=4xI8xII", data)
    strings = data[header + offset : header + offset + size]
    return frozenset(strings.decode("latin-1").split("\0"))


@pytest.mark.parametrize("kind", ["command", "map_type", "attach_type", "link_type", "flag"])
def test_agrees_with_the_kernels_enumerators(kind: str, outcomes: dict[str, Outcome], words: frozenset[str]) -> None:
    config = host.read().kconfig
    for name in everything.NAMES[kind]:
        outcome = outcomes[name]
        if name in ("BPF_ANY", "BPF_COMMON_ATTRS") or (kind == "flag" and name not in words):
            continue  # defined, not enumerated, in some releases
        if outcome.status == "supported":
            assert name in words or RENAMED[name] in words, outcome
        elif outcome.status in ("denied", "unknown"):
            assert name in TRAMPOLINES, outcome
        elif name in words and name not in NAMED_BEFORE_USE:
            assert config.get(BUILT_WITHOUT[name]) in ("n", None), outcome


def test_every_outcome_says_what_was_tried(outcomes: dict[str, Outcome]) -> None:
    for name, outcome in outcomes.items():
        assert outcome.text, name
        assert outcome.status in ("supported", "absent", "compiled_out", "denied", "unknown")
        assert "\n" not in outcome.text


def test_absent_stands_beside_a_control(outcomes: dict[str, Outcome]) -> None:
    for name, outcome in outcomes.items():
        if outcome.status == "absent":
            assert any(text in outcome.text for text in BESIDE), (name, outcome)


# How an absence names what was not refused.
BESIDE = (
    "succeeded",
    "knows",
    "accepts any attach type",
    "taken for plain data",
    "was refused under a memlock limit",
    "the kernel's BTF has no function",
)


def _objects() -> set[tuple[int, int]]:
    """The ids of all programs, maps, BTF blobs and links of the kernel."""
    found = set()
    for command in (11, 12, 23, 31):
        attr = bytearray(12)
        while syscall.attempt(command, attr) == 0:
            following = attr[4:8]
            found.add((command, struct.unpack("=I", following)[0]))
            attr = bytearray(following) + bytearray(8)
    return found


@contextmanager
def _kernel_log() -> Iterator[list[str]]:
    """What the kernel logs meanwhile."""
    lines: list[str] = []
    fd = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
    try:
        os.lseek(fd, 0, os.SEEK_END)
        yield lines
        while True:
            try:
                lines.append(os.read(fd, 8192).decode("utf-8", "replace"))
            except OSError as error:
                if error.errno == errno.EPIPE:  # overwritten before it was read
                    continue
                break
    finally:
        os.close(fd)


def test_nothing_in_the_kernel_log() -> None:
    if not os.access("/dev/kmsg", os.R_OK):
        pytest.skip("/dev/kmsg cannot be read")
    with _kernel_log() as lines:
        everything.run()
    assert [line for line in lines if "bpf" in line.lower() or "btf" in line.lower()] == []


def test_no_descriptor_left() -> None:
    everything.run()
    before = os.listdir("/proc/self/fd")
    everything.run()
    assert os.listdir("/proc/self/fd") == before


def test_no_object_left() -> None:
    import time

    before = _objects()
    everything.run()
    for _ in range(50):  # objects are freed in the background
        left = _objects() - before
        if not left:
            break
        time.sleep(0.05)
    assert left == set()


def test_run_time_statistics_stay_as_they_were() -> None:
    setting = Path("/proc/sys/kernel/bpf_stats_enabled")
    if not setting.exists():
        pytest.skip("this kernel has no kernel.bpf_stats_enabled")
    before = setting.read_text()
    outcome = everything.run("command")["BPF_ENABLE_STATS"]
    assert outcome.status == "supported"
    assert setting.read_text() == before


@pytest.mark.parametrize("kind", sorted(everything.NAMES))
def test_every_trial_is_of_a_feature(kind: str) -> None:
    """A trial whose name the database does not have would never be asked for."""
    if kind not in featuredb.kinds():
        pytest.skip(f"the database has no {kind} yet")
    assert set(everything.NAMES[kind]) - set(featuredb.names(kind)) == set()


def test_by_name() -> None:
    outcome = probe.trial("BPF_MAP_TYPE_HASH")
    assert outcome is not None
    assert outcome.status == "supported"
    assert probe.trial("no_such_feature") is None
