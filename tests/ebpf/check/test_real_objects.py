"""Objects that others compiled: opensnitch's, and those in libbpf-tools and xdp-tools."""

from __future__ import annotations

import pytest

from ebpf import check
from ebpf.check import targets
from tests import embedded

pytestmark = pytest.mark.network


def test_opensnitch_is_as_old_as_it_looks() -> None:
    found = {path.name: check.requirements(path) for path in embedded.opensnitch()}
    procs = found["opensnitch-procs.o"]
    assert procs.minimum_kernel == "4.8"
    assert [finding.requirement.name for finding in procs.forced_by] == ["bpf_get_current_task"]
    assert any(note.rule == "legacy" for note in procs.notes)


@pytest.mark.slow
def test_every_object_of_the_tools_is_held_against_every_kernel() -> None:
    kernels = targets.everything()
    for name, data in embedded.others():
        found = check.requirements(data, name)
        assert found.requirements, name
        assert not any(note.level == "error" for note in found.notes), name
        statuses = [found.check(target).status for target in kernels]
        assert found.minimum_kernel is not None
        assert "no" in statuses
        assert {"yes", "adapted"} & set(statuses)
        for requirement in found.requirements:
            assert requirement.because
            assert requirement.grade != "optional" or requirement.guards, f"{name}: {requirement}"
