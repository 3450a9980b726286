"""Every row of the table of errors, provoked on the running kernel, or with the reason why it cannot be here."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Callable

import pytest

from ebpf import errors, uapi
from ebpf.diagnose.maps import MAP_ERRORS, explain
from tests.ebpf.diagnose import provoke_creation, provoke_elements, provoke_objects, provoke_references
from tests.ebpf.diagnose.provoke import Did, Provocation
from tests.ebpf.host.trees import in_child
from tests.privileges import CAP_BPF, keep_only, refuse_bpf

_MODULES = (provoke_creation, provoke_elements, provoke_objects, provoke_references)

PROVOKED: dict[str, Provocation] = {name: how for module in _MODULES for name, how in module.PROVOKED.items()}
NOT_HERE: dict[str, str] = {name: why for module in _MODULES for name, why in module.NOT_HERE.items()}
ROWS = {row.name: row for row in MAP_ERRORS}

# What takes a process that may do less: how it gives up its privileges, and what it is refused then.
# The last is what the message must name.
_HASH = provoke_creation.sized("HASH", 4, 4, 1)
DENIED: dict[str, tuple[Callable[[], None], Provocation, str]] = {
    "denied": (keep_only(), _HASH, "CAP_BPF"),
    "denied ": (keep_only(CAP_BPF), provoke_creation.sized("SOCKMAP", 4, 4, 1), "CAP_NET_ADMIN"),
    "denied  ": (refuse_bpf(errno.EPERM), _HASH, "seccomp"),
    "zero_seed": (
        keep_only(CAP_BPF),
        provoke_creation.sized("HASH", 4, 4, 1, uapi.BPF_F_ZERO_SEED),
        "CAP_SYS_ADMIN",
    ),
    "ids_need_admin": (keep_only(CAP_BPF), provoke_objects.numbered(1), "CAP_SYS_ADMIN"),
    "security_module": (refuse_bpf(errno.EACCES), _HASH, "security module"),
    "no_bpf": (refuse_bpf(errno.ENOSYS), _HASH, "CONFIG_BPF_SYSCALL"),
}


def test_every_row_is_provoked_or_says_why_not() -> None:
    assert len(ROWS) == len(MAP_ERRORS)
    assert set(PROVOKED) & set(NOT_HERE) == set()
    assert set(PROVOKED) | set(NOT_HERE) | {name.strip() for name in DENIED} == set(ROWS)
    assert all(NOT_HERE.values())


@pytest.mark.root
@pytest.mark.parametrize("name", sorted(PROVOKED))
def test_provoked(name: str) -> None:
    with contextlib.ExitStack() as stack:
        try:
            failure = stack.enter_context(PROVOKED[name]())
        except Did as accepted:
            pytest.skip(f"this kernel does not refuse it: {accepted}")
        row, error = explain(failure)
    assert row is not None, (failure.error, str(error))
    assert row.name in (name, f"{name}_older"), (failure.error, str(error))
    assert isinstance(error, row.raises)
    assert "{" not in str(error)
    assert getattr(error, "errno", failure.errno) == failure.errno
    if isinstance(error, errors.KeyMissingError):
        assert isinstance(error, KeyError)


@pytest.mark.root
@pytest.mark.parametrize("name", sorted(DENIED))
def test_denied(name: str) -> None:
    give_up, provocation, named = DENIED[name]

    def task() -> list[str]:
        give_up()
        with provocation() as failure:
            row, error = explain(failure)
        return [row.name if row is not None else failure.error, str(error)]

    found, message = in_child(task)
    assert found == name.strip(), message
    assert "{" not in message
    assert named in message
