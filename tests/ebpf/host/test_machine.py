"""The machine as a whole: live, as nobody, out of a tree, and what it costs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ebpf import host
from tests.ebpf.host.trees import become_nobody, in_child, plant

PROPERTIES = sorted(name for name, value in vars(host.Host).items() if isinstance(value, property) and name[0] != "_")


def test_json() -> None:
    found = json.loads(json.dumps(host.read().as_dict()))
    for key in ("release", "version", "distribution", "architecture"):
        assert isinstance(found[key], str), key
    assert found["release"] == os.uname().release
    assert found["architecture"] == os.uname().machine
    assert found["boot_id"]


@pytest.mark.root
def test_as_root() -> None:
    machine = host.read()
    assert machine.kconfig.status in ("read", "missing")
    if machine.user_namespace.initial and "CAP_SYS_ADMIN" in machine.capabilities.effective:
        assert machine.capabilities.has("CAP_BPF")
        assert machine.memlock.needed() is not None


@pytest.mark.root
def test_as_nobody() -> None:
    """The machine is the same; only what belongs to the process differs, also for a `Host` that was read before."""

    def task() -> list[object]:
        machine = host.read()
        before = machine.as_dict()
        become_nobody()
        return [before, machine.as_dict(), host.read().as_dict(), machine.capabilities.has("CAP_BPF")]

    before, after, fresh, has_bpf = in_child(task)
    assert has_bpf is False
    assert after["capabilities"]["effective"] == fresh["capabilities"]["effective"] == []
    assert before["capabilities"]["effective"] != []
    for key in ("release", "build", "version", "version_source", "distribution", "architecture", "boot_id", "btf"):
        assert before[key] == after[key] == fresh[key], key
    assert fresh["user_namespace"] == before["user_namespace"]
    assert fresh["mounts"] == before["mounts"]


def test_an_empty_tree(tmp_path: Path) -> None:
    """Nothing there, nothing known, nothing raised."""
    machine = host.read(str(tmp_path))
    for name in PROPERTIES:
        getattr(machine, name)
    assert (machine.release, machine.version, machine.architecture, machine.distribution) == ("", None, "", "")
    assert machine.kconfig.status == machine.btf_status == "missing"
    assert machine.user_namespace.initial is None
    assert not machine.capabilities.effective
    json.dumps(machine.as_dict())


def test_a_tree_of_garbage(tmp_path: Path) -> None:
    garbage = bytes(range(256)) * 8
    names = (
        "proc/version_signature",
        "proc/self/status",
        "proc/self/mountinfo",
        "proc/self/limits",
        "proc/self/uid_map",
        "proc/cmdline",
        "proc/config.gz",
        "proc/sys/kernel/cap_last_cap",
        "proc/sys/kernel/unprivileged_bpf_disabled",
        "proc/sys/kernel/version",
        "sys/kernel/security/lockdown",
        "sys/kernel/security/lsm",
        "sys/kernel/btf/vmlinux",
        "etc/os-release",
    )
    root = plant(tmp_path, {**dict.fromkeys(names, garbage), "proc/sys/kernel/osrelease": "not-a-version"})
    machine = host.read(root)
    for name in PROPERTIES:
        getattr(machine, name)
    assert machine.version is None
    assert machine.kconfig.status == machine.btf_status == "unreadable"
    json.dumps(machine.as_dict())


def test_an_ubuntu(tmp_path: Path) -> None:
    root = plant(
        tmp_path,
        {
            "proc/sys/kernel/osrelease": "5.4.0-150-generic\n",
            "proc/sys/kernel/version": "#167~18.04.1-Ubuntu SMP Wed May 24 00:51:42 UTC 2023\n",
            "proc/version_signature": "Ubuntu 5.4.0-150.167~18.04.1-generic 5.4.233\n",
            "etc/os-release": 'ID=ubuntu\nVERSION_ID="18.04"\n',
            "boot/config-5.4.0-150-generic": "CONFIG_BPF=y\n# CONFIG_BPF_LSM is not set\n",
        },
    )
    machine = host.read(root)
    assert (machine.version, machine.version_source) == ("5.4.233", "/proc/version_signature")
    assert (machine.distribution, machine.distribution_release) == ("ubuntu", "18.04")
    assert machine.kconfig.get("CONFIG_BPF_LSM") == "n"
    assert repr(machine) == "Host(5.4.0-150-generic)"


def test_nothing_is_read_before_it_is_asked_for() -> None:
    code = (
        "import sys; from ebpf import host; m = host.read(); m.release;"
        "print(sorted(n for n in sys.modules if n.startswith('ebpf.host.')));"
        "m.version; m.kconfig.get('CONFIG_BPF'); m.capabilities.has('CAP_BPF'); m.seccomp; m.sysctls.get('a.b');"
        "m.lockdown; m.mounts; m.jit; m.btf; m.distribution; m.user_namespace;"
        "heavy = ('typing', 'dataclasses', 'enum', 're', 'json', 'pathlib', 'tempfile', 'subprocess', 'threading');"
        "print([n for n in heavy if n in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-S", "-E", "-c", code], capture_output=True, text=True, check=True, cwd=_ROOT
    )
    modules, heavy = result.stdout.splitlines()
    assert modules == "['ebpf.host.files', 'ebpf.host.machine']"
    assert heavy == "[]"


_ROOT = Path(__file__).resolve().parents[3]
