"""The kernel's BTF as the trials use it."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from ebpf import syscall
from ebpf.btf import Btf, kinds
from ebpf.probe import kernel_btf
from tests.ebpf.host.trees import become_nobody
from tests.privileges import changed

VMLINUX = Path("/sys/kernel/btf/vmlinux")

pytestmark = pytest.mark.skipif(not VMLINUX.exists(), reason="this kernel has no BTF")


def test_ids() -> None:
    btf = Btf.open(VMLINUX)
    found = kernel_btf.ids(["vfs_read", "no_such_function"])
    assert found == {"vfs_read": btf.find("vfs_read", kinds.FUNC)}
    assert kernel_btf.find("task_struct", kinds.STRUCT) == btf.find("task_struct", kinds.STRUCT)
    assert kernel_btf.find("no_such_struct", kinds.STRUCT) is None


def test_read_once() -> None:
    assert kernel_btf.vmlinux() is kernel_btf.vmlinux()


def test_nobody_reads_it_too() -> None:
    assert changed(become_nobody, lambda: sorted(kernel_btf.ids(["vfs_read"]))) == ["vfs_read"]


def test_functions_of_modules() -> None:
    """Each module's own functions are found in it, and can be looked up by its descriptor."""
    modules = [name for name in os.listdir(VMLINUX.parent) if name != "vmlinux"]
    if not modules:
        pytest.skip("no module with BTF is loaded")
    module = Btf.open(VMLINUX.parent / modules[0], kernel_btf.vmlinux())
    own = [name for name in module.functions() if not kernel_btf.ids([name])]
    found = kernel_btf.in_modules(own[:1])
    assert found
    assert kernel_btf.find(own[0], kinds.FUNC) is None


@pytest.mark.root
def test_descriptors_of_modules() -> None:
    before = os.listdir("/proc/self/fd")
    assert kernel_btf.module_fd("no_such_module") == -errno.ENOENT
    for name in os.listdir(VMLINUX.parent):
        if name != "vmlinux":
            fd = kernel_btf.module_fd(name)
            assert fd >= 0
            syscall.close(fd)
    assert os.listdir("/proc/self/fd") == before


def test_what_no_module_has() -> None:
    assert kernel_btf.in_modules(["no_such_function"]) == {}
