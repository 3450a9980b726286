"""User namespaces, real ones too."""

from __future__ import annotations

import ctypes
import os

import pytest

from ebpf import host
from ebpf.host.namespaces import INITIAL_USER_INODE, UserNamespace
from tests.ebpf.host.trees import become_nobody, in_child

INITIAL_MAP = "         0          0 4294967295"
CLONE_NEWUSER = 0x10000000
PR_SET_DUMPABLE = 4


def unshare_user(uid: int, gid: int) -> None:
    """Enter a new user namespace as its root."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWUSER) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    for name, text in (("setgroups", "deny"), ("uid_map", f"0 {uid} 1"), ("gid_map", f"0 {gid} 1")):
        with open(f"/proc/self/{name}", "w") as stream:
            stream.write(text)


@pytest.mark.parametrize(
    ("uid_map", "inode", "initial"),
    [
        (INITIAL_MAP, INITIAL_USER_INODE, True),
        (INITIAL_MAP, None, True),
        (INITIAL_MAP, 4026532567, False),  # a container that maps everyone onto themselves
        ("0 1000 1", 4026532567, False),
        ("0 1000 1", None, False),
        ("", None, False),  # a namespace nobody has been mapped into yet
        (None, INITIAL_USER_INODE, True),
        (None, None, None),
        ("garbage here\n1 2", None, False),
    ],
)
def test_initial(uid_map: str | None, inode: int | None, initial: bool | None) -> None:
    assert UserNamespace(uid_map, inode).initial is initial


def test_rows() -> None:
    assert UserNamespace("0 1000 1\n1 100000 65536\n", 1).uid_map == ((0, 1000, 1), (1, 100000, 65536))


def test_this_process() -> None:
    found = host.read().namespaces
    for kind, inode in found.items():
        assert os.stat(f"/proc/self/ns/{kind}").st_ino == inode
    assert "user" in found or not os.path.exists("/proc/self/ns/user")


@pytest.mark.root
def test_a_real_user_namespace() -> None:
    def task() -> list[object]:
        machine = host.read()
        before = machine.user_namespace.initial
        become_nobody()
        # A process that changed its user is not dumpable, and its files in /proc belong to root.
        ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)
        try:
            unshare_user(65534, 65534)
        except OSError as error:
            return [str(error)]
        user, capabilities = machine.user_namespace, machine.capabilities
        return [
            before,
            user.initial,
            [list(row) for row in user.uid_map],
            sorted(capabilities.effective)[:1],
            capabilities.has("CAP_BPF"),
            capabilities.has_in_namespace("CAP_BPF"),
            machine.namespaces["user"] == INITIAL_USER_INODE,
            machine.memlock.needed(),
        ]

    found = in_child(task)
    if len(found) == 1:
        pytest.skip(f"user namespaces are not to be had here: {found[0]}")
    assert found[0] is True
    assert found[1] is False
    assert found[2] == [[0, 65534, 1]]
    assert found[3]  # root in there, to all appearances
    assert found[4] is False
    assert found[5] is True
    assert found[6] is False
    if host.read().sysctls.get("kernel.unprivileged_bpf_disabled"):
        assert found[7] is None  # bpf(2) is refused before the limit is looked at
