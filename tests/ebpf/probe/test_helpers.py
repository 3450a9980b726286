"""Trials of helpers."""

from __future__ import annotations

import errno

import pytest

import featuredb
from ebpf.probe import context, helpers, kernel_btf
from ebpf.probe.load import Loader
from ebpf.probe.outcome import Outcome
from tests.ebpf.host.trees import become_nobody
from tests.privileges import CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON, changed, keep_only, unprivileged_may_use_bpf

XDP, KPROBE = "BPF_PROG_TYPE_XDP", "BPF_PROG_TYPE_KPROBE"


def status(name: str, program_type: str | None = None) -> str:
    outcome = helpers.trial(name, program_type)
    assert outcome is not None
    return outcome.status


@pytest.mark.root
@pytest.mark.parametrize(
    ("name", "program_type", "expected"),
    [
        ("bpf_map_lookup_elem", XDP, "supported"),
        ("bpf_map_lookup_elem", None, "supported"),
        ("BPF_FUNC_map_lookup_elem", XDP, "supported"),  # by its alias
        ("bpf_xdp_adjust_head", XDP, "supported"),
        ("bpf_xdp_adjust_head", "BPF_PROG_TYPE_SCHED_CLS", "absent"),
        ("bpf_get_stackid", XDP, "absent"),
        ("bpf_get_stackid", KPROBE, "supported"),
        ("bpf_skb_store_bytes", "BPF_PROG_TYPE_SOCKET_FILTER", "absent"),
    ],
)
def test_well_known_pairs(name: str, program_type: str | None, expected: str) -> None:
    assert status(name, program_type) == expected


def test_not_a_helper() -> None:
    assert helpers.trial("BPF_MAP_TYPE_HASH") is None
    assert helpers.trial("bpf_obj_new_impl") is None


@pytest.mark.root
def test_other_attach_types_are_tried_before_it_is_absent() -> None:
    """Open to BPF_CGROUP_DEVICE, closed to attach type 0 (since 6.0)."""
    if status("bpf_get_retval", "BPF_PROG_TYPE_CGROUP_SOCKOPT") != "supported":
        pytest.skip("this kernel does not have bpf_get_retval")
    table = helpers.Calls("BPF_PROG_TYPE_CGROUP_DEVICE")
    assert table.first() is None
    number = featuredb.get("bpf_get_retval").value
    assert number is not None
    assert table.status(number, deep=False).open is False
    assert table.status(number, deep=True).open is True


@pytest.mark.root
def test_a_number_that_no_kernel_has_is_refused_to_every_type() -> None:
    from ebpf.probe import programs, wordings

    tried = 0
    for name in programs.TABLE:
        table = helpers.Calls(name)
        if table.first() is None:
            answer = table.status(0x7FFFFF0, deep=True)
            assert answer.open is False, (name, answer.log)
            assert wordings.no_such(answer.log)
            tried += 1
    assert tried > 20


@pytest.mark.root
def test_what_stops_a_program_type_is_the_outcome_of_all_its_calls() -> None:
    for name in ("BPF_PROG_TYPE_LIRC_MODE2", "BPF_PROG_TYPE_LSM"):
        stopped = helpers.Calls(name).first()
        assert (stopped is None) == (status("bpf_map_lookup_elem", name) == "supported")
        if stopped is not None:
            assert helpers.trial("bpf_map_lookup_elem", name) == stopped


@pytest.mark.root
def test_helpers_that_only_what_is_refused_may_call_are_denied_not_absent() -> None:
    """bpf_get_func_arg is for fentry and its like; where those are refused, iterators say nothing of it."""
    known = kernel_btf.vmlinux()
    if known is None or "BPF_FUNC_get_func_arg" not in known.enumerators("bpf_func_id"):
        pytest.skip("this kernel does not have bpf_get_func_arg, or no BTF")
    assert status("bpf_get_func_arg", "BPF_PROG_TYPE_TRACING") in ("supported", "denied")


@pytest.mark.parametrize("name", sorted(helpers.NOISY))
def test_what_would_write_into_the_kernel_log_is_not_loaded(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def load(*_: object) -> None:
        raise AssertionError("loaded")

    monkeypatch.setattr(helpers.Calls, "_try", load)
    outcome = helpers.trial(name, KPROBE)
    assert outcome is not None
    assert outcome.status in ("unknown", "denied")
    assert "not tried" in outcome.text or "EPERM" in outcome.text


@pytest.mark.root
def test_what_lockdown_takes_away_is_not_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each refusal would be a line in the kernel log."""
    monkeypatch.setattr("ebpf.host.machine.Host.lockdown", "confidentiality")
    monkeypatch.setattr(helpers.Calls, "_try", None)
    for name in ("bpf_probe_read_kernel", "bpf_probe_write_user"):
        outcome = helpers.trial(name, KPROBE)
        assert outcome is not None
        assert outcome.status == "denied"
        assert "locked down" in outcome.text
    monkeypatch.undo()
    monkeypatch.setattr("ebpf.host.machine.Host.lockdown", "integrity")
    assert status("bpf_probe_read_kernel", KPROBE) == "supported"
    assert status("bpf_probe_write_user", KPROBE) == "denied"
    monkeypatch.setattr("ebpf.host.machine.Host.lockdown", None)
    assert status("bpf_probe_write_user", KPROBE) == "unknown"


@pytest.mark.root
def test_a_missing_capability_is_no_absence() -> None:
    """Without CAP_PERFMON the verifier says "cannot use helper" of what it offers to others."""
    needing = [
        record
        for record in featuredb.features("helper")
        if "CAP_PERFMON" in getattr(record.program_types.get(XDP), "capabilities", ())
        and record.name not in helpers.NOISY
        and status(record.name, XDP) == "supported"
    ]
    if context.capable(perfmon=True) and not needing:
        pytest.skip("this kernel gives XDP programs no helper that needs CAP_PERFMON")
    names = [record.name for record in needing]

    def ask() -> dict[str, str]:
        return {name: status(name, XDP) for name in names}

    assert set(changed(keep_only(CAP_BPF, CAP_NET_ADMIN), ask).values()) == {"denied"}
    assert set(changed(keep_only(CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON), ask).values()) == {"supported"}


def test_nobody_is_denied() -> None:
    if unprivileged_may_use_bpf():
        pytest.skip("kernel.unprivileged_bpf_disabled is 0")
    names = ("bpf_map_lookup_elem", "bpf_trace_printk", "bpf_xdp_adjust_head")
    helpers.trial("bpf_map_lookup_elem", XDP)
    assert changed(become_nobody, lambda: [status(name) for name in names]) == ["denied"] * 3
    assert changed(become_nobody, lambda: status("bpf_map_lookup_elem", "BPF_PROG_TYPE_EXT")) == "denied"


def test_the_best_outcome_counts() -> None:
    record = featuredb.get("bpf_map_lookup_elem")
    outcomes = [Outcome(each, each) for each in ("absent", "unknown", "denied")]
    assert helpers.any_of(record, outcomes).status == "denied"
    assert helpers.any_of(record, outcomes[:2]).status == "unknown"
    assert helpers.any_of(record, [*outcomes, Outcome("supported", "")]).status == "supported"
    assert helpers.any_of(record, []).status == "unknown"
    noisy = featuredb.get("bpf_trace_printk")
    assert helpers.any_of(noisy, outcomes).status == "unknown", "that others are denied says nothing of it"


@pytest.mark.root
def test_agrees_with_the_helpers_in_the_kernels_btf() -> None:
    """What the kernel's own enum does not have cannot be called, and what the trial finds is in it, by its number."""
    btf = kernel_btf.vmlinux()
    known = btf.enumerators("bpf_func_id") if btf is not None else {}
    if not known:
        pytest.skip("this kernel has no BTF")
    numbers = {number: name for name, number in known.items()}
    for record in featuredb.features("helper"):
        if record.name in helpers.NOISY or not record.value:
            continue
        found = status(record.name)
        spelt = numbers.get(record.value)
        if spelt is None or spelt.startswith("__"):
            assert found == "absent", record.name
        elif found == "supported":
            assert spelt in (record.name, *record.aliases), record.name


@pytest.mark.root
def test_many_at_once_are_answered_as_one_by_one() -> None:
    one, many = helpers.Calls(KPROBE), helpers.Calls(KPROBE)
    assert one.first() is None
    assert many.first() is None
    numbers = {
        record.value: KPROBE in record.program_types
        for record in featuredb.features("helper")[::3]
        if record.value and record.name not in helpers.NOISY
    }
    answers = many.answers(numbers)
    assert list(numbers) == sorted(answers)
    for number, expected in numbers.items():
        alone = one.status(number, deep=expected)
        assert (answers[number].open, answers[number].errno) == (alone.open, alone.errno), number
    assert many.answers({}) == {}


@pytest.mark.root
def test_a_prototype_without_a_function_is_no_helper(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bare call of a helper without arguments goes through, as that of a prototype that is all zeroes does."""
    loads: list[int] = []

    def returns(loader: Loader, number: int) -> int:
        loads.append(number)
        return -errno.EFAULT

    if status("bpf_get_current_cgroup_id", KPROBE) != "supported":
        pytest.skip("this kernel does not have bpf_get_current_cgroup_id")
    monkeypatch.setattr(helpers, "_doubtful", [])
    monkeypatch.setattr(Loader, "returns", returns)
    outcome = helpers.trial("bpf_get_current_cgroup_id", KPROBE)
    assert outcome is not None
    assert (outcome.status, outcome.errno) == ("absent", errno.EFAULT)
    assert "built without" in outcome.text
    assert set(loads) == {featuredb.get("bpf_get_current_cgroup_id").value}
    if status("bpf_probe_read_kernel", KPROBE) == "supported":
        assert status("bpf_snprintf_btf", KPROBE) == "supported", "it is asked for its arguments"
    assert len(set(loads)) == 1


@pytest.mark.root
def test_an_errno_is_kept() -> None:
    outcome = helpers.trial("bpf_get_stackid", XDP)
    assert outcome is not None
    assert outcome.errno == errno.EINVAL
    assert "bpf_get_stackid" in outcome.text
