"""Permission controls, and what an answer depends on."""

from __future__ import annotations

import errno
import os
import struct
from pathlib import Path

import pytest

from ebpf import syscall
from ebpf.probe import context
from tests.ebpf.host.trees import become_nobody, in_child


def test_credentials_hold_still() -> None:
    assert context.credentials() == context.credentials()


def test_credentials_are_those_of_the_process() -> None:
    mine = context.credentials()
    pid = in_child(lambda: [context.credentials()[0], context.credentials() == mine])
    assert pid[0] != os.getpid()
    assert pid[1] is False


@pytest.mark.root
def test_credentials_change_with_the_capabilities() -> None:
    def drop() -> bool:
        before = context.credentials()
        become_nobody()
        return before == context.credentials()

    assert in_child(drop) is False


@pytest.mark.root
def test_root_may() -> None:
    for control in (context.can_create_map(), context.can_load(), context.can_load(5), context.can_load_btf()):
        assert control.status == "supported", control
    assert context.capable()
    assert context.capable(perfmon=True)


@pytest.mark.root
def test_nobody_may_not_even_after_root_did() -> None:
    """What root was granted is not remembered for who it became."""
    context.can_create_map()

    def become_and_ask() -> list[str]:
        context.can_create_map()
        become_nobody()
        asked = (context.can_create_map(), context.can_load(), context.can_load_btf())
        return [outcome.status for outcome in asked] + [str(context.capable())]

    if Path("/proc/sys/kernel/unprivileged_bpf_disabled").read_text().strip() == "0":
        pytest.skip("kernel.unprivileged_bpf_disabled is 0: nobody may")
    assert in_child(become_and_ask) == ["denied"] * 3 + ["False"]


@pytest.mark.root
def test_refusals_are_not_remembered() -> None:
    """An impossible program type is refused, and asked for again."""
    assert context.can_load(0x7FFF).status == "unknown"
    assert not [key for key in context._granted if key[1] == 0x7FFF << 16]


@pytest.mark.root
def test_attr_size_is_where_bytes_begin_to_matter() -> None:
    size = context.attr_size()
    assert size is not None
    assert size % 8 == 0
    assert size >= 48  # that of 3.18
    assert syscall.attempt(0x7FFF, bytes(size) + b"\1") == -errno.E2BIG
    assert syscall.attempt(0x7FFF, bytes(size - 1) + b"\1") == -errno.EINVAL


def test_refusal() -> None:
    denied = context.refusal(-errno.EPERM, "the call")
    assert denied is not None
    assert (denied.status, denied.errno) == ("denied", errno.EPERM)
    assert context.refusal(-errno.EINVAL, "the call") is None
    assert context.refusal(3, "the call") is None


def test_enosys_without_a_filter_is_a_kernel_without_bpf() -> None:
    if context.seccomp_mode() != 0:
        pytest.skip("a seccomp filter is active")
    absent = context.refusal(-errno.ENOSYS, "the call")
    assert absent is not None
    assert absent.status == "absent"


def test_the_smallest_btf() -> None:
    magic, version, _flags, header = struct.unpack_from("=HBBI", context.INT_BTF)
    assert (magic, version, header) == (0xEB9F, 1, 24)
