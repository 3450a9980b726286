"""What verifiers say of a call, release by release: sets of wordings, as measured on 5.10, 6.1, 6.12, 6.18 and 7.3.

The texts are those of kernel/bpf/verifier.c. A message that is in no set decides nothing.
"""

from __future__ import annotations

import errno

from ebpf.probe.calls import ENOTSUPP

__all__ = ["ABSENT", "NO_SUCH", "PRESENT", "classify", "classify_kfunc", "gist", "no_such", "went_through"]

NO_SUCH = (
    b"invalid func ",  # "invalid func 27", "invalid func unknown#134217727"
)
"""The kernel has no helper of this number."""
ABSENT = (
    b"cannot use helper ",  # 6.9 and later: "program of this type cannot use helper bpf_x#N"
    b"unknown func ",  # 3.18 to 6.8: not for this program type, or not known at all
    b"Use a helper allowed for this program type",  # 7.2 and later, the advice below the message
    b"helper call is not allowed in probe",  # not where this program is attached: bpf_d_path, bpf_sk_storage_get
    b"Use the helper only from an allowed attach point",  # 7.2 and later
    *NO_SUCH,
)
PRESENT = (
    b"At program exit the register R0",  # the call was accepted; the program's return value was not
    b"helper call might sleep in a non-sleepable prog",
    b"sleepable helper ",
    b"reference leak",
    b"Unreleased reference",
    b"is not a scalar",
    b"cannot tail call",
    b"cannot call GPL-restricted function",
    b"cannot call GPL only function",
    b"R0 !read_ok",
    b"Move the helper call outside the critical section",
    b"Initialize R",
    b"Pass a value with one of the accepted",
)
CLOSED_KFUNC = (
    b" is not allowed",  # "calling kernel function X is not allowed": not for this program type, or no kfunc at all
    b"Use a kfunc allowed for this program type",  # 7.2 and later
    b"is not a function",
    b"is not a kernel function",
    b"calling kernel function is not supported",  # BTF is missing
    b"JIT does not support calling kernel function",
    b"cannot find address for kernel function",
    b"BPF_CALL uses reserved fields",  # before 5.13, which knows no such calls
)
UNDECIDED_KFUNC = (
    b"metadata kfuncs require device-bound program",  # said to every program type, before it is looked at
    b"failed to get kernel btf",
    b"invalid offset",
)
_STATISTICS = (b"processed ", b"verification time ", b"stack depth ", b"subprog ")
_SAID = ABSENT + PRESENT


def no_such(log: bytes) -> bool:
    """Whether the kernel said that it has no helper of this number, for no program type."""
    return any(text in log for text in NO_SUCH)


def went_through(log: bytes) -> bool:
    """Whether the verifier took a bare call as it is: it stopped at the register behind it, which no call reads."""
    return b"R9" in log


def classify(result: int, log: bytes) -> bool | None:
    """Whether the call is open to the program type: from the load's result and the verifier's log; `None`: undecided.

    EACCES is the verifier's refusal of arguments, which it looks at only when it knows the call; a security module's
    comes without a word. ENOTSUPP is how bpf_get_func_ip and its like refuse a program type by name.
    """
    if result >= 0:
        return True
    if result == -errno.EACCES:
        return True if log else None
    if result == -ENOTSUPP:
        return False
    if result != -errno.EINVAL:
        return None
    for text in ABSENT:
        if text in log:
            return False
    return True if any(text in log for text in PRESENT) else None


def classify_kfunc(result: int, log: bytes) -> bool | None:
    """The same for a call of a kfunc.

    What is said about arguments, sleeping or references comes after the call was allowed.
    """
    if result >= 0:
        return True
    if any(text in log for text in UNDECIDED_KFUNC):
        return None
    if any(text in log for text in CLOSED_KFUNC):
        return False
    spoken = bool(log) and not log.startswith(_STATISTICS)
    return True if spoken and result in (-errno.EACCES, -errno.EINVAL, -errno.EFAULT) else None


def gist(log: bytes) -> str:
    """The line of a log that says what was wrong."""
    words = [line for line in log.splitlines() if line.strip() and not line.startswith(_STATISTICS)]
    for line in reversed(words):
        if any(text in line for text in _SAID):
            return line.decode("ascii", "replace").strip()
    return words[-1].decode("ascii", "replace").strip() if words else ""
