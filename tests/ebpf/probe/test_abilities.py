"""What maps and programs can do once they are there."""

from __future__ import annotations

import errno

import pytest

from ebpf.probe import abilities, elements


def test_a_name_without_a_trial() -> None:
    assert abilities.trial("xdp_driver_mlx4") is None


@pytest.mark.root
def test_a_command_that_the_map_does_not_do_is_absent() -> None:
    row = abilities._on_map(lambda fd: -errno.EOPNOTSUPP, "it", absent=(errno.EOPNOTSUPP,))
    outcome = row("it")
    assert outcome is not None
    assert outcome.status == "absent"


@pytest.mark.root
def test_a_frozen_map_is_not_written() -> None:
    seen = []

    def use(fd: int) -> int:
        seen.append(elements.element(2, fd))
        result = abilities._freeze(fd)
        seen.append(elements.element(2, fd))
        return result

    outcome = abilities._on_map(use, "it", absent=(errno.EINVAL,))("it")
    assert outcome is not None
    if outcome.status == "supported":
        assert seen == [0, -errno.EPERM]
