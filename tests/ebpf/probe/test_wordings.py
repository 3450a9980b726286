"""What verifiers of several releases said, word for word."""

from __future__ import annotations

import errno

import pytest

from ebpf.probe import wordings
from ebpf.probe.calls import ENOTSUPP

_EINVAL, _EACCES = -errno.EINVAL, -errno.EACCES
_STATISTICS = b"verification time 11 usec\nstack depth 0\nprocessed 1 insns (limit 1000000) max_states_per_insn 0\n"


@pytest.mark.parametrize(
    ("result", "log", "expected"),
    [
        (3, b"", True),
        (_EINVAL, b"invalid func 134217727\n", False),  # 4.4
        (_EINVAL, b"unknown func 9999\n", False),  # 4.9
        (_EINVAL, b"unknown func bpf_override_return#58\nprocessed 0 insns\n", False),  # 5.10
        (_EINVAL, b"invalid func unknown#134217727\n" + _STATISTICS, False),  # 5.10 to 7.3
        (_EINVAL, b"program of this type cannot use helper bpf_get_stack#67\n" + _STATISTICS, False),  # 6.9 and later
        (_EINVAL, b"helper call is not allowed in probe\n" + _STATISTICS, False),  # bpf_d_path for a syscall program
        (-ENOTSUPP, b"func bpf_get_func_ip#173 not supported for program type 5\n", False),
        (_EINVAL, b"helper call might sleep in a non-sleepable prog\n", True),
        (_EINVAL, b"sleepable helper bpf_copy_from_user#148 in non-sleepable prog\n" + _STATISTICS, True),  # 7.3
        (_EINVAL, b"At program exit the register R0 has smin=0 smax=1 should have been in [1, 1]\n", True),
        (_EACCES, b"R1 type=ctx expected=fp, pkt, pkt_meta, map_key, map_value\n" + _STATISTICS, True),
        (_EACCES, b"R2 !read_ok\n" + _STATISTICS, True),
        (_EACCES, b"", None),  # a security module, not the verifier
        (_EINVAL, b"a sentence that no verifier has said yet\n" + _STATISTICS, None),
        (_EINVAL, _STATISTICS, None),
        (_EINVAL, b"", None),
        (-errno.EPERM, b"", None),
        (-errno.ENOMEM, b"", None),
    ],
)
def test_helpers(result: int, log: bytes, expected: bool | None) -> None:
    assert wordings.classify(result, log) is expected


@pytest.mark.parametrize(
    ("result", "log", "expected"),
    [
        (0, b"", True),
        (_EINVAL, b"BPF_CALL uses reserved fields\n", False),  # 5.10: no calls of kernel functions
        (_EACCES, b"calling kernel function vfs_read is not allowed\n" + _STATISTICS, False),
        (_EINVAL, b"kernel btf_id 1 is not a function\n", False),
        (_EINVAL, b"arg#0 pointer type STRUCT task_struct must point to scalar\n", True),
        (_EACCES, b"R1 type=ctx expected=fp\n" + _STATISTICS, True),
        (_EINVAL, b"metadata kfuncs require device-bound program\n" + _STATISTICS, None),
        (_EINVAL, _STATISTICS, None),
        (_EINVAL, b"", None),
        (-errno.EPERM, b"", None),
    ],
)
def test_kfuncs(result: int, log: bytes, expected: bool | None) -> None:
    assert wordings.classify_kfunc(result, log) is expected


def test_no_such_helper_is_told_from_not_for_this_type() -> None:
    assert wordings.no_such(b"invalid func unknown#134217727\n")
    assert not wordings.no_such(b"unknown func bpf_override_return#58\n")
    assert not wordings.no_such(b"program of this type cannot use helper bpf_get_stack#67\n")


@pytest.mark.parametrize(
    ("log", "said"),
    [
        (
            b"0: (85) call bpf_get_stack#67\nunknown func bpf_get_stack#67\nprocessed 0 insns\n",
            "unknown func bpf_get_stack#67",
        ),
        (b"R2 !read_ok\n" + _STATISTICS, "R2 !read_ok"),
        (b"subprog 0 (<unknown>) main insns_self 1\n" + _STATISTICS, ""),
        (b"", ""),
        (b"\xff\n", "\ufffd"),
    ],
)
def test_gist(log: bytes, said: str) -> None:
    assert wordings.gist(log) == said
