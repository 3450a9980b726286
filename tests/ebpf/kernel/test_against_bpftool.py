"""The running kernel's report against an independent probe: every map and program type, every helper pair it can try.

bpftool before 7.5 does not know the wordings of 6.9 and calls every helper available, so a newer one is fetched.
"""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest

from ebpf import kernel
from ebpf.kernel.base import Report
from ebpf.verdict import ABSENT, COMPILED_OUT, DENIED, SUPPORTED
from tests.debian import bpftool

pytestmark = [pytest.mark.root, pytest.mark.network]

# bpftool says plain yes or no; these are the places where our five words say something else, and why.
NOT_LOADED_BY_BPFTOOL = {
    "bpf_trace_printk": "loading it writes a warning into the kernel log; decided from BTF and the release instead",
    "bpf_trace_vprintk": "the same",
    "bpf_probe_write_user": "the same",
}

# Pairs that a bare call of bpftool's decides otherwise, with the helper's program type or for every one ("").
DECIDED_OTHERWISE = {
    # ENOTSUPP, "func bpf_get_func_ip#173 not supported for program type 5": only EINVAL is a no to bpftool.
    ("", "bpf_get_func_ip", False): "refused to the program type by name",
    # cg_sockopt_func_proto() in kernel/bpf/cgroup.c: for BPF_CGROUP_SETSOCKOPT; bpftool tries the other attach type.
    ("BPF_PROG_TYPE_CGROUP_SOCKOPT", "bpf_setsockopt", True): "open to one attach type of two",
    ("BPF_PROG_TYPE_CGROUP_SOCKOPT", "bpf_getsockopt", True): "open to one attach type of two",
    # cgroup_current_func_proto() there: not for BPF_CGROUP_INET_INGRESS, which is 0, what bpftool leaves it at.
    **{
        (program_type, helper, True): "closed to the attach type 0"
        for program_type in ("BPF_PROG_TYPE_CGROUP_DEVICE", "BPF_PROG_TYPE_CGROUP_SYSCTL")
        for helper in ("bpf_get_retval", "bpf_set_retval")
    },
    # "helper call is not allowed in probe": each asks for a target (.allowed of its prototype) that such a program has
    # not.
    **{
        ("BPF_PROG_TYPE_SYSCALL", helper, False): "known, but never allowed"
        for helper in ("bpf_sk_storage_get", "bpf_sk_storage_delete", "bpf_d_path")
    },
}


@pytest.fixture(scope="module")
def theirs() -> dict[str, Any]:
    done = subprocess.run(
        [str(bpftool()), "-j", "feature", "probe", "full"], capture_output=True, text=True, check=True
    )
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


@pytest.fixture(scope="module")
def ours() -> Report:
    return kernel.running().report(["map_type", "program_type", "helper"])


def _disagreements(ours: Report, answers: dict[str, bool], prefix: str, suffix: str) -> dict[str, tuple[str, bool]]:
    found = {}
    for key, yes in answers.items():
        name = prefix + key[len("have_") : -len(suffix)].upper()
        verdict = ours.features[name]
        if (verdict.status == SUPPORTED) != yes:
            found[name] = (verdict.status, yes)
    return found


def test_map_types(ours: Report, theirs: dict[str, Any]) -> None:
    assert _disagreements(ours, theirs["map_types"], "BPF_MAP_TYPE_", "_map_type") == {}


def test_program_types(ours: Report, theirs: dict[str, Any]) -> None:
    different = _disagreements(ours, theirs["program_types"], "BPF_PROG_TYPE_", "_prog_type")
    # bpftool calls what the kernel refuses to this process NOT available; that is `denied`, whoever it is refused to.
    # It tries tracing programs as fentry alone: where that is refused, iterators may be loaded still.
    if kernel.running().check("BPF_TRACE_FENTRY").status == DENIED:
        assert different.pop("BPF_PROG_TYPE_TRACING", (SUPPORTED, False)) == (SUPPORTED, False)
    assert all((status, yes) == (DENIED, False) for status, yes in different.values()), different


def test_helpers_by_program_type(ours: Report, theirs: dict[str, Any]) -> None:
    unexplained = []
    pairs = 0
    for key, names in theirs["helpers"].items():
        program_type = "BPF_PROG_TYPE_" + key[: -len("_available_helpers")].upper()
        if ours.features[program_type].status in (DENIED, ABSENT, COMPILED_OUT):
            assert names == [], program_type  # neither of us can load a program of this type
            continue
        if program_type in ("BPF_PROG_TYPE_TRACING", "BPF_PROG_TYPE_STRUCT_OPS", "BPF_PROG_TYPE_EXT") and not names:
            continue  # which helpers they get depends on what they are attached to: bpftool does not try
        row = ours.helpers[program_type]
        available = set(names)
        for helper, status in row.items():
            pairs += 1
            ours_says = status == SUPPORTED
            if ours_says == (helper in available) or helper in NOT_LOADED_BY_BPFTOOL:
                continue
            if {(program_type, helper, ours_says), ("", helper, ours_says)}.isdisjoint(DECIDED_OTHERWISE):
                unexplained.append((program_type, helper, status, helper in available))
        assert available <= set(row), program_type
    assert unexplained == []
    assert pairs > 2000, "the comparison was not made"


def test_what_is_not_loaded_is_decided_all_the_same(ours: Report) -> None:
    for name in NOT_LOADED_BY_BPFTOOL:
        assert ours.features[name].status != "unknown", ours.features[name].explain()
