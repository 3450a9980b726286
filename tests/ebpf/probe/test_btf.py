"""BTF: the smallest blob of each kind."""

from __future__ import annotations

import errno
import struct

import pytest

from ebpf.probe import btf
from tests.ebpf.probe import everything


def test_a_name_without_a_trial() -> None:
    assert btf.trial("btf_no_such") is None


@pytest.mark.parametrize("name", sorted(btf.TABLE))
def test_blobs_are_whole(name: str) -> None:
    """Header, types, strings: each as long as the header says."""
    blob = btf.TABLE[name]
    magic, _version, _flags, header, types, types_size, strings, strings_size = struct.unpack_from("=HBB5I", blob)
    assert (magic, header, types, strings) == (0xEB9F, 24, 0, types_size)
    assert len(blob) == header + types_size + strings_size
    assert blob[-1] == 0


@pytest.mark.root
def test_a_kind_of_no_kernel_is_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(btf.TABLE, "btf_no_such", btf.blob(btf.record(3, 31, 1)))
    outcome = btf.trial("btf_no_such")
    assert outcome is not None
    assert (outcome.status, outcome.errno) == ("absent", errno.EINVAL)


@pytest.mark.root
def test_the_trials_blobs_are_not_refused_for_another_reason() -> None:
    """On a kernel of 6.15 or later every kind is there: what is refused would be a broken blob."""
    outcomes = everything.run("btf")
    if outcomes["btf_type_tag_attribute"].status != "supported":
        pytest.skip("an older kernel")
    assert {name for name, outcome in outcomes.items() if outcome.status != "supported"} == set()
