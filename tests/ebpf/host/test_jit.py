"""The JIT's settings, and what is known of them when they cannot be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from ebpf import host
from tests.ebpf.host.trees import plant

RELEASE = {"proc/sys/kernel/osrelease": "6.1.0"}
CORE = "proc/sys/net/core/bpf_jit_"


def test_readable(tmp_path: Path) -> None:
    files = {CORE + "enable": "2", CORE + "harden": "1", CORE + "kallsyms": "0", CORE + "limit": "264241152"}
    jit = host.read(plant(tmp_path, {**RELEASE, **files, "boot/config-6.1.0": "CONFIG_BPF_JIT=y\n"})).jit
    assert (jit.enabled, jit.harden, jit.kallsyms, jit.limit) == (2, 1, 0, 264241152)
    assert jit.always_on is False
    assert jit.built is True


@pytest.mark.parametrize(
    ("config", "enabled"),
    [
        ("CONFIG_BPF_JIT=y\nCONFIG_BPF_JIT_ALWAYS_ON=y\n", 1),
        ("CONFIG_BPF_JIT=y\n", None),
        ("CONFIG_BPF=y\n# CONFIG_BPF_JIT is not set\n", 0),
        ("", None),
    ],
)
def test_what_the_configuration_tells(tmp_path: Path, config: str, enabled: int | None) -> None:
    jit = host.read(plant(tmp_path, {**RELEASE, "boot/config-6.1.0": config})).jit
    assert jit.enabled == enabled
    assert jit.harden is jit.limit is None
