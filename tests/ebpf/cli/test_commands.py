"""explain, kernels, diff, doctor, completion."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest

from tests.ebpf.cli.run import ebpf


def test_explain_shows_record_verdict_and_alternatives() -> None:
    done = ebpf("explain", "BPF_MAP_TYPE_LRU_HASH", "--kernel", "4.4")
    assert done.returncode == 0, done.stderr
    for said in ("map type 9", "Linux 4.10, commit 29ba732acbee", "absent on 4.4", "BPF_MAP_TYPE_HASH", "source"):
        assert said in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_explain_knows_a_helper_by_program_type() -> None:
    done = ebpf("explain", "bpf_fib_lookup", "--kernel", "5.10", "--program-type", "BPF_PROG_TYPE_XDP")
    assert "BPF_PROG_TYPE_XDP since 4.18" in done.stdout
    assert "supported on 5.10 for BPF_PROG_TYPE_XDP" in done.stdout


def test_kernels_lists_releases_and_distributions() -> None:
    done = ebpf("kernels")
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert "7.3" in done.stdout
    data = json.loads(ebpf("kernels", "--json").stdout)
    assert data["releases"][0]["version"] == "3.15"
    assert {"rhel8.6", "debian-12", "ubuntu-20.04"} <= {item["name"] for item in data["platforms"]}


def test_diff_shows_what_came() -> None:
    done = ebpf("diff", "4.18", "5.10")
    assert done.returncode == 0, done.stderr
    assert "+ BPF_MAP_TYPE_RINGBUF" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
    changes = json.loads(ebpf("diff", "4.18", "5.10", "--json", "--kind", "map_type").stdout)
    assert {"name", "kind", "program_type", "before", "after"} == set(changes[0])
    assert {change["kind"] for change in changes} == {"map_type"}


@pytest.mark.root
def test_doctor_finds_this_machine_usable() -> None:
    done = ebpf("doctor")
    assert done.returncode in (0, 1), done.stderr
    assert max(map(len, done.stdout.splitlines())) <= 80
    findings = {item["name"]: item for item in json.loads(ebpf("doctor", "--json").stdout)}
    for name in (
        "kernel",
        "maps",
        "programs",
        "capabilities",
        "seccomp",
        "lockdown",
        "memlock",
        "bpffs",
        "JIT",
        "BTF",
        "kconfig",
    ):
        assert name in findings
    assert findings["maps"]["status"] == "good"
    for item in findings.values():
        assert item["status"] == "good" or item["text"]


def test_completion_in_the_real_shell() -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("bash is not installed")
    script = """
        eval "$(ebpf completion bash)"
        COMP_WORDS=(ebpf explain BPF_MAP_TYPE_LRU_H); COMP_CWORD=2; _ebpf; echo "${COMPREPLY[@]}"
        COMP_WORDS=(ebpf doc); COMP_CWORD=1; _ebpf; echo "${COMPREPLY[@]}"
    """
    function = 'ebpf() { "$PYTHON" -m ebpf "$@"; }\n'
    import os
    import sys

    done = subprocess.run(
        [bash, "-c", function + script],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHON": sys.executable},
    )
    assert done.stdout.split("\n")[:2] == ["BPF_MAP_TYPE_LRU_HASH", "doctor"], done.stderr
