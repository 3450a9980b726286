"""Trials of kfuncs."""

from __future__ import annotations

from pathlib import Path

import pytest

import featuredb
from ebpf import host
from ebpf.probe import helpers, kernel_btf, kfuncs, programs
from ebpf.probe.outcome import Outcome
from tests.ebpf.host.trees import become_nobody
from tests.privileges import CAP_BPF, CAP_NET_ADMIN, changed, keep_only, unprivileged_may_use_bpf

VMLINUX = Path("/sys/kernel/btf/vmlinux")

pytestmark = pytest.mark.skipif(not VMLINUX.exists(), reason="this kernel has no BTF")


def tagged() -> set[str]:
    """The kfuncs that the kernel's own BTF names as such (6.9 and later)."""
    btf = kernel_btf.vmlinux()
    return set(btf.decl_tagged("bpf_kfunc")) if btf is not None else set()


def status(name: str, program_type: str | None = None) -> str:
    outcome = kfuncs.trial(name, program_type)
    assert outcome is not None
    return outcome.status


def kfunc_records() -> list[featuredb.Feature]:
    """Kfuncs to be called, those of the kernel's tests left out."""
    return [each for each in featuredb.features("kfunc") if not each.extra.get("category")]


def test_not_a_kfunc() -> None:
    assert kfuncs.trial("bpf_map_lookup_elem") is None


@pytest.mark.root
def test_what_the_btf_does_not_have_is_absent_or_in_a_module() -> None:
    for record in kfunc_records():
        if record.name not in kernel_btf.ids([record.name]):
            outcome = kfuncs.trial(record.name)
            assert outcome is not None
            if outcome.status == "absent":
                assert outcome.text == f"the kernel's BTF has no function {record.name}"
            else:
                assert (outcome.status, "module" in outcome.text) == ("unknown", True), outcome


@pytest.mark.root
def test_what_can_be_called_is_a_kfunc_by_the_kernels_own_tags() -> None:
    marked = tagged()
    if not marked:
        pytest.skip("this kernel's BTF does not tag kfuncs")
    found = {record.name: status(record.name) for record in kfunc_records()}
    unmarked = {name for name, each in found.items() if each == "supported" and name not in marked}
    # Functions of the kernel proper that were made kfuncs by a set alone, without the macro that tags them.
    assert all("tcp" in name or name.startswith(("bbr_", "cubictcp_", "dctcp_")) for name in unmarked), unmarked
    assert sum(each == "supported" for each in found.values()) > 50


@pytest.mark.root
def test_a_function_that_is_no_kfunc_is_refused_to_every_type() -> None:
    number = kernel_btf.ids(["vfs_read"])["vfs_read"]
    tried = 0
    for name in programs.TABLE:
        table = kfuncs.Calls(name)
        if table.first() is None:
            assert table.status(number, deep=True).open is False, name
            tried += 1
    if tried == 0:
        pytest.skip("no program type can call kernel functions here")


@pytest.mark.root
@pytest.mark.slow
def test_what_a_type_without_a_hook_may_call_every_type_may() -> None:
    """Why one row in the tables stands for all program types."""
    tables = {name: kfuncs.Calls(name) for name in programs.TABLE}
    usable = {name: table for name, table in tables.items() if table.first() is None}
    if kfuncs.NO_HOOK not in usable:
        pytest.skip(f"{kfuncs.NO_HOOK} cannot be loaded here")
    pairs = 0
    for record in kfunc_records():
        number = kernel_btf.ids([record.name]).get(record.name)
        if number is None or not usable[kfuncs.NO_HOOK].status(number, deep=True).open:
            continue
        for name, table in usable.items():
            assert table.status(number, deep=True).open is not False, (record.name, name)
            pairs += 1
    assert pairs == 0 or pairs > 200


@pytest.mark.root
def test_per_program_type() -> None:
    if status("bpf_xdp_metadata_rx_hash", "BPF_PROG_TYPE_XDP") == "unknown":
        assert status("bpf_xdp_metadata_rx_hash", "BPF_PROG_TYPE_SCHED_CLS") in ("absent", "unknown")
    if status("bpf_dynptr_from_xdp") == "supported":
        assert status("bpf_dynptr_from_xdp", "BPF_PROG_TYPE_XDP") == "supported"
        assert status("bpf_dynptr_from_xdp", "BPF_PROG_TYPE_SCHED_CLS") == "absent"


@pytest.mark.root
def test_targets_are_attached_to_not_called(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(helpers.Calls, "_try", None)
    targets = [record for record in featuredb.features("kfunc") if kfuncs.is_target(record)]
    assert targets
    for record in targets:
        outcome = kfuncs.trial(record.name)
        assert outcome is not None
        assert outcome.status in ("supported", "denied", "absent", "unknown")
        if outcome.errno:
            assert "BPF_MODIFY_RETURN" in outcome.text


def test_modules_that_are_not_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A kfunc of code that is built as a module is not absent for not being loaded."""
    optional = ("bpf_skb_ct_lookup", "bpf_skb_get_fou_encap", "bpf_skb_get_xfrm_info", "hid_bpf_get_data")
    missing = [name for name in optional if not kernel_btf.ids([name]) and not kernel_btf.in_modules([name])]
    if not missing:
        pytest.skip("all are there")
    record = featuredb.get(missing[0])

    class Config:
        def __init__(self, status: str, value: str | None) -> None:
            self.status = status
            self.value = value

        def get(self, name: str) -> str | None:
            return self.value

    answers = {}
    for status_, value in (("read", "m"), ("read", "y"), ("unreadable", None), ("missing", "n")):
        monkeypatch.setattr(kfuncs, "_kconfig", lambda status_=status_, value=value: Config(status_, value))
        outcome = kfuncs.function(record)
        assert isinstance(outcome, Outcome)
        answers[status_, value] = outcome.status
    assert answers == {
        ("read", "m"): "unknown",
        ("read", "y"): "absent",
        ("unreadable", None): "unknown",
        ("missing", "n"): "absent",
    }


def test_nobody_is_denied_or_told_that_it_is_not_there() -> None:
    if unprivileged_may_use_bpf():
        pytest.skip("kernel.unprivileged_bpf_disabled is 0")
    names = [record.name for record in kfunc_records()][::8]
    here = set(kernel_btf.ids(names))
    host.read()

    def ask() -> dict[str, str]:
        return {name: status(name) for name in names}

    for name, each in changed(become_nobody, ask).items():
        assert each == "denied" if name in here else each in ("absent", "unknown"), (name, each)


@pytest.mark.root
def test_fewer_capabilities_deny_or_agree() -> None:
    names = [record.name for record in kfunc_records() if record.name in kernel_btf.ids([record.name])][::5]

    def ask() -> dict[str, str]:
        return {name: status(name) for name in names}

    by_root = ask()
    for capabilities in ((CAP_BPF,), (CAP_BPF, CAP_NET_ADMIN)):
        for name, each in changed(keep_only(*capabilities), ask).items():
            assert each in (by_root[name], "denied"), (name, each, by_root[name])
