"""Every command on a map of every type, with good and bad arguments: whatever errno comes back has an explanation."""

from __future__ import annotations

import contextlib
import errno

import pytest

from ebpf import uapi
from ebpf.diagnose.failure import MapFailure
from ebpf.diagnose.maps import explain
from ebpf.probe import calls
from ebpf.probe.maps import TABLE
from tests.ebpf.diagnose.provoke import U32, Did, a_map, batch, element

_COMMANDS = ("LOOKUP_ELEM", "UPDATE_ELEM", "DELETE_ELEM", "GET_NEXT_KEY", "LOOKUP_AND_DELETE_ELEM")
_BATCHES = ("LOOKUP_BATCH", "LOOKUP_AND_DELETE_BATCH", "UPDATE_BATCH", "DELETE_BATCH")
_FLAGS = (0, 1, 2, 3, uapi.BPF_F_LOCK, 1 << 31)
# Nothing more to the point than these is known of what they are for: EINVAL for which no row has the reason.
_VAGUE = frozenset(("arguments", "element_arguments", "refused"))


def failures(kind: str) -> list[MapFailure]:
    found = []
    trial = TABLE["BPF_MAP_TYPE_" + kind]
    keys = (bytes(trial.key), U32(9).ljust(trial.key, b"\xff")) if trial.key else (b"", U32(0))
    values = (bytes(trial.value), U32(calls.BAD_FD).ljust(trial.value, b"\0")) if trial.value else (b"",)
    with a_map(kind) as fd:
        for command in _COMMANDS:
            for key in keys:
                for value in values if command == "UPDATE_ELEM" else values[:1]:
                    for flags in _FLAGS if command not in ("DELETE_ELEM", "GET_NEXT_KEY") else (0,):
                        with contextlib.suppress(Did):
                            found.append(element(command, fd, key, value, flags))
        for command in _BATCHES:
            for flags in (0, uapi.BPF_F_LOCK, 1 << 31):
                with contextlib.suppress(Did):
                    found.append(batch(command, fd, 1, flags))
        for failure in found:
            row, error = explain(failure)
            what = (failure.command, failure.error, failure.key, failure.value, failure.flags, str(error))
            assert row is not None, what
            assert row.name not in _VAGUE, what
            assert "{" not in str(error)
            if failure.errno == errno.ENOENT:
                assert isinstance(error, KeyError), what
    return found


@pytest.mark.root
@pytest.mark.parametrize("kind", sorted(name[len("BPF_MAP_TYPE_") :] for name in TABLE))
def test_no_errno_is_left_unexplained(kind: str) -> None:
    assert failures(kind)
