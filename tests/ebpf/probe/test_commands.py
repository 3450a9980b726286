"""Commands: every one stops at something that does not exist."""

from __future__ import annotations

import errno
import struct

import pytest

from ebpf import syscall, uapi
from ebpf.probe import calls, commands


def test_every_command_has_a_trial() -> None:
    from ebpf.probe.maps import TABLE as map_types

    names = {name for name, row in commands.TABLE.items()} | set(commands.NAMES)
    assert len(names) == len(commands.NAMES) == 41
    assert not names & set(map_types)


@pytest.mark.parametrize("name", sorted(set(commands.TABLE) - {"BPF_COMMON_ATTRS"}))
def test_numbers(name: str) -> None:
    assert commands.TABLE[name].number == getattr(uapi, name)


def test_a_name_without_a_trial() -> None:
    assert commands.trial("BPF_NO_SUCH_COMMAND") is None


@pytest.mark.root
@pytest.mark.parametrize("attr", sorted({attr for row in commands.TABLE.values() for attr in row.attrs}))
def test_no_command_of_any_kernel_answers_einval(attr: bytes) -> None:
    """The negative control: the same attributes, under a number that no kernel has."""
    assert syscall.attempt(calls.NO_COMMAND, attr) == -errno.EINVAL


@pytest.mark.root
def test_a_command_of_no_kernel_is_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    row = commands.CommandTrial(calls.NO_COMMAND, bytes(16))
    monkeypatch.setitem(commands.TABLE, "BPF_NO_SUCH_COMMAND", row)
    outcome = commands.trial("BPF_NO_SUCH_COMMAND")
    assert outcome is not None
    assert (outcome.status, outcome.errno) == ("absent", errno.EINVAL)


@pytest.mark.root
def test_later_attributes_are_tried_where_the_first_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """An attach type of no kernel, then one that every kernel with the command has."""
    unknown = struct.pack("=IIII", calls.BAD_FD, calls.BAD_FD, 0x7FFF, 0)
    row = commands.TABLE["BPF_PROG_ATTACH"]
    again = commands.CommandTrial(row.number, unknown, *row.attrs, known=row.known, control=row.control)
    monkeypatch.setitem(commands.TABLE, "BPF_PROG_ATTACH", again)
    outcome = commands.trial("BPF_PROG_ATTACH")
    assert outcome is not None
    assert outcome.status == "supported"


@pytest.mark.root
def test_pinning_makes_no_file(tmp_path: object) -> None:
    outcome = commands.trial("BPF_OBJ_PIN")
    assert outcome is not None
    assert (outcome.status, outcome.errno) == ("supported", errno.EFAULT)
