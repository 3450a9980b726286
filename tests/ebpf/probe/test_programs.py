"""Trials of program types."""

from __future__ import annotations

import errno

import pytest

import featuredb
from ebpf import host, uapi
from ebpf.probe import calls, programs
from ebpf.probe.outcome import Outcome
from tests.ebpf.host.trees import become_nobody
from tests.privileges import (
    CAP_BPF,
    CAP_NET_ADMIN,
    CAP_PERFMON,
    changed,
    keep_only,
    refuse_bpf,
    unprivileged_may_use_bpf,
)


def status(name: str) -> str:
    outcome = programs.trial(name)
    assert outcome is not None
    return outcome.status


def statuses() -> dict[str, str]:
    return {name: status(name) for name in programs.NAMES}


def test_every_program_type_has_a_trial() -> None:
    assert set(programs.NAMES) == set(featuredb.names("program_type")) - {"BPF_PROG_TYPE_UNSPEC"}
    assert programs.trial("BPF_PROG_TYPE_UNSPEC") is None
    assert programs.trial("BPF_MAP_TYPE_HASH") is None


def test_attach_types_belong_to_their_program_types() -> None:
    for name, row in programs.TABLE.items():
        for shape in row:
            if shape.attach_type and shape.attach_type not in (uapi.BPF_XDP_DEVMAP,):
                known = {getattr(uapi, each) for each in featuredb.get(name).extra["attach_types"]}
                assert shape.attach_type in known, (name, shape.attach_type)


@pytest.mark.root
def test_a_type_that_no_kernel_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(programs.TABLE, "BPF_PROG_TYPE_XDP", (programs.Shape(),))
    monkeypatch.setattr(uapi, "BPF_PROG_TYPE_XDP", 0x7FFF)
    outcome = programs.trial("BPF_PROG_TYPE_XDP")
    assert outcome is not None
    assert (outcome.status, outcome.errno) == ("absent", errno.EINVAL)
    assert "succeeded" in outcome.text, "the control"


@pytest.mark.root
def test_agrees_with_the_enum_in_the_kernels_btf() -> None:
    from ebpf.probe import kernel_btf

    btf = kernel_btf.vmlinux()
    if btf is None:
        pytest.skip("this kernel has no BTF")
    known = btf.enumerators("bpf_prog_type")
    for name, found in statuses().items():
        if name not in known:
            assert found == "absent", name
        elif found == "absent":
            assert name == "BPF_PROG_TYPE_LIRC_MODE2", name
            assert host.read().kconfig.get("CONFIG_BPF_LIRC_MODE2") in ("n", None)


@pytest.mark.root
def test_where_it_was_refused_is_told() -> None:
    """Programs that root is refused although it has every capability for them: not for lack of one."""
    for name in ("BPF_PROG_TYPE_LSM", "BPF_PROG_TYPE_EXT"):
        outcome = programs.trial(name)
        assert outcome is not None
        if outcome.status == "denied":
            assert "instructions were read" in outcome.text


def test_nobody_is_denied_every_type() -> None:
    if unprivileged_may_use_bpf():
        pytest.skip("kernel.unprivileged_bpf_disabled is 0")
    programs.trial("BPF_PROG_TYPE_TRACING")
    assert set(changed(become_nobody, statuses).values()) == {"denied"}


@pytest.mark.root
@pytest.mark.parametrize("answer", [errno.EPERM, errno.ENOSYS])
def test_a_seccomp_filter_is_no_absence(answer: int) -> None:
    statuses()
    assert set(changed(refuse_bpf(answer), statuses).values()) == {"denied"}


@pytest.mark.root
@pytest.mark.parametrize("capabilities", [(CAP_BPF,), (CAP_BPF, CAP_NET_ADMIN), (CAP_BPF, CAP_PERFMON)])
def test_fewer_capabilities_deny_or_agree(capabilities: tuple[int, ...]) -> None:
    by_root = statuses()
    found = changed(keep_only(*capabilities), statuses)
    for name, each in found.items():
        assert each in (by_root[name], "denied"), name
    names = {CAP_BPF: "CAP_BPF", CAP_NET_ADMIN: "CAP_NET_ADMIN", CAP_PERFMON: "CAP_PERFMON"}
    held = {names[each] for each in capabilities}
    for name in programs.NAMES:
        lacking = set(featuredb.get(name).capabilities) - held
        if by_root[name] == "supported":
            assert found[name] == ("denied" if lacking else "supported"), (name, lacking)


def test_the_version_code_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ebpf.host.machine.Host.version", "4.4.302")
    assert programs.version_code() == 4 << 16 | 4 << 8 | 255
    monkeypatch.setattr("ebpf.host.machine.Host.version", "5.10")
    assert programs.version_code() == 5 << 16 | 10 << 8
    monkeypatch.setattr("ebpf.host.machine.Host.version", None)
    assert programs.version_code() == 0


@pytest.mark.root
def test_an_address_that_cannot_be_read() -> None:
    assert calls.load_from(8, uapi.BPF_PROG_TYPE_XDP) == -errno.EFAULT


def test_not_a_single_outcome_without_words() -> None:
    for name in programs.NAMES:
        outcome = programs.trial(name)
        assert isinstance(outcome, Outcome)
        assert name in outcome.text
