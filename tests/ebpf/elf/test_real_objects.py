"""Object files that others compiled are read whole: opensnitch's, and those in libbpf-tools and xdp-tools."""

from __future__ import annotations

import pytest

from ebpf import elf
from tests import embedded

pytestmark = pytest.mark.network


def test_opensnitch() -> None:
    found = {path.name: elf.read(path) for path in embedded.opensnitch()}
    assert set(found) == {"opensnitch.o", "opensnitch-dns.o", "opensnitch-procs.o"}
    connections = found["opensnitch.o"]
    assert {spec.kind for spec in connections.maps.values()} == {"legacy"}
    assert connections.maps["tcpMap"].max_entries > 0
    assert connections.programs["kprobe__tcp_v4_connect"].section == "kprobe/tcp_v4_connect"
    assert found["opensnitch-procs.o"].maps["events"].map_type == 4


@pytest.mark.slow
def test_every_object_of_the_tools() -> None:
    objects = embedded.others()
    assert len(objects) > 60
    for name, data in objects:
        found = elf.read(data, name)
        assert found.programs, name
        assert found.btf is not None, name
        for program in found.programs.values():
            assert program.definition is not None, f"{name}: {program.section}"
            linked = program.linked
            assert len(linked.insns) >= program.size
            for relocation in linked.relocations:
                assert relocation.target in found.maps or relocation.target in found.externs
            for need in linked.core_relocations:
                assert linked.line_of(need.instruction) is not None
