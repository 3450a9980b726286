"""Attach types: asked of their subsystem, with a target that does not exist."""

from __future__ import annotations

import errno

import pytest

from ebpf import uapi
from ebpf.probe import attach
from ebpf.probe.attach import AttachTrial


def test_every_attach_type_has_a_trial() -> None:
    numbers = sorted(row.number for row in attach.TABLE.values())
    assert numbers == list(range(len(numbers)))


@pytest.mark.parametrize("name", sorted(attach.TABLE))
def test_numbers(name: str) -> None:
    assert attach.TABLE[name].number == getattr(uapi, name)


def test_a_name_without_a_trial() -> None:
    assert attach.trial("BPF_NO_SUCH_ATTACH_TYPE") is None


@pytest.mark.root
@pytest.mark.parametrize(
    "row",
    [
        AttachTrial(0x7FFF, "query"),
        AttachTrial(0x7FFF, "detach"),
        AttachTrial(0x7FFF, "load", uapi.BPF_PROG_TYPE_SK_REUSEPORT),
        AttachTrial(0x7FFF, "tracing", uapi.BPF_PROG_TYPE_TRACING),
    ],
    ids=lambda row: row.how,
)
def test_an_attach_type_of_no_kernel_is_absent(row: AttachTrial, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(attach.TABLE, "BPF_NO_SUCH", row)
    outcome = attach.trial("BPF_NO_SUCH")
    assert outcome is not None
    if row.how == "tracing" and outcome.status == "unknown":
        pytest.skip("no control: raw tracepoints with BTF cannot be loaded here")
    assert outcome.status == "absent", outcome
    assert outcome.errno == errno.EINVAL or "accepts any attach type" in outcome.text


@pytest.mark.root
def test_an_attach_type_that_the_load_does_not_look_at_is_not_believed() -> None:
    """Socket filters have none: a load with any is accepted, which shows nothing."""
    row = AttachTrial(uapi.BPF_SK_REUSEPORT_SELECT, "load", uapi.BPF_PROG_TYPE_SOCKET_FILTER)
    assert attach._load("it", row).status == "absent"


@pytest.mark.root
def test_only_devmap_programs_read_the_egress_interface() -> None:
    row = AttachTrial(uapi.BPF_XDP, "devmap", uapi.BPF_PROG_TYPE_XDP)
    outcome = attach._devmap("it", row)
    assert outcome.status == "absent"
