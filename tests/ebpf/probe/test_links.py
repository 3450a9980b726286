"""Link types: a real program, a target that does not exist."""

from __future__ import annotations

import errno

import pytest

from ebpf import uapi
from ebpf.probe import links
from ebpf.probe.links import LinkTrial


def test_every_link_type_has_a_trial() -> None:
    names = {name for name in vars(uapi) if name.startswith("BPF_LINK_TYPE_")} - {"BPF_LINK_TYPE_UNSPEC"}
    assert names == set(links.NAMES)


def test_a_name_without_a_trial() -> None:
    assert links.trial("BPF_LINK_TYPE_UNSPEC") is None


@pytest.mark.root
def test_a_link_of_no_kernel_is_absent() -> None:
    """No kernel links programs of this type by this attach type."""
    row = LinkTrial(uapi.BPF_PROG_TYPE_CGROUP_SKB, 0x7FFF)
    outcome = links.try_link(row, "it")
    assert (outcome.status, outcome.errno) == ("absent", errno.EINVAL)


@pytest.mark.root
def test_xdp_in_doubt_is_unknown() -> None:
    """A missing interface and an unknown attach type both answer EINVAL."""
    row = links.TABLE["BPF_LINK_TYPE_XDP"]
    nowhere = LinkTrial(row.program_type, row.attach_type, known=row.known, target=0x7FFFFFFF, expected=True)
    assert links.try_link(nowhere, "it").status == "unknown"


@pytest.mark.root
@pytest.mark.parametrize("name", ["BPF_LINK_TYPE_UPROBE_MULTI", "BPF_LINK_TYPE_KPROBE_MULTI"])
def test_an_unknown_flag_of_a_multi_link_is_absent(name: str) -> None:
    plain = links.trial(name)
    assert plain is not None
    if plain.status != "supported":
        pytest.skip(plain.text)
    make = links._multi_uprobe if "UPROBE" in name else links._multi_kprobe
    assert links.try_link(make(flags=1 << 31), "it").status == "absent"


@pytest.mark.root
def test_the_tracing_programs_type_is_looked_at_first() -> None:
    outcome = links.tracing_load(uapi.BPF_PROG_TYPE_TRACING, uapi.BPF_TRACE_ITER, "BPF_TRACE_ITER")
    assert outcome.status in ("supported", "denied", "unknown")
    assert outcome.status != "supported" or outcome.errno == errno.EINVAL
