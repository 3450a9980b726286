"""Iterators and struct_ops: by the kernel's own BTF."""

from __future__ import annotations

from pathlib import Path

import pytest

from ebpf.probe import targets

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(not Path("/sys/kernel/btf/vmlinux").exists(), reason="this kernel has no BTF"),
]


def test_what_btf_does_not_name_has_no_trial() -> None:
    assert targets.iterator("no_such") is None
    assert targets.struct_ops("no_such_ops") is None


def test_the_first_iterators() -> None:
    for name in ("bpf_map", "task", "task_file"):
        outcome = targets.iterator(name)
        if outcome is None:
            pytest.skip("a kernel before 5.8")
        assert outcome.status == "supported"


def test_congestion_control() -> None:
    outcome = targets.struct_ops("tcp_congestion_ops")
    if outcome is None:
        pytest.skip("a kernel without struct_ops, or with it in a module")
    assert outcome.status == "supported"


def test_a_structure_that_is_no_struct_ops() -> None:
    """`struct bpf_struct_ops_common_value` has the name of one and is none."""
    outcome = targets.struct_ops("common_value")
    assert outcome is None or outcome.status == "absent"
