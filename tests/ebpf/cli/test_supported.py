from __future__ import annotations

import json

import pytest

from tests.ebpf.cli.run import ebpf


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--kernel", "5.10", "BPF_MAP_TYPE_RINGBUF"], 0, "is supported on 5.10"),
        (["--kernel", "5.4", "BPF_MAP_TYPE_RINGBUF"], 1, "needs Linux 5.8"),
        (["--kernel", "5.4", "BPF_MAP_TYPE_HASH", "BPF_MAP_TYPE_RINGBUF"], 1, "needs Linux 5.8"),
        (["--kernel", "5.10", "BPF_MAP_TYPE_NONE"], 2, "no kernel feature is called"),
        (["--kernel", "5.10", "bpf_fib_lookup", "--program-type", "BPF_PROG_TYPE_XDP"], 0, "supported"),
        (["--kernel", "5.10", "bpf_fib_lookup", "--program-type", "BPF_PROG_TYPE_KPROBE"], 1, "BPF_PROG_TYPE_KPROBE"),
    ],
)
def test_exit_codes(arguments: list[str], code: int, said: str) -> None:
    done = ebpf("supported", *arguments)
    assert done.returncode == code, done.stderr
    assert said in done.stdout + done.stderr


def test_quiet_says_nothing() -> None:
    done = ebpf("supported", "-q", "--kernel", "5.4", "BPF_MAP_TYPE_RINGBUF")
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "")


def test_json() -> None:
    done = ebpf("supported", "--json", "--kernel", "5.4", "BPF_MAP_TYPE_HASH", "BPF_MAP_TYPE_RINGBUF")
    answer = json.loads(done.stdout)
    assert {name: entry["status"] for name, entry in answer.items()} == {
        "BPF_MAP_TYPE_HASH": "supported",
        "BPF_MAP_TYPE_RINGBUF": "absent",
    }


@pytest.mark.root
def test_the_running_kernel() -> None:
    assert ebpf("supported", "BPF_MAP_TYPE_HASH", "BPF_PROG_TYPE_SOCKET_FILTER").returncode == 0
