"""What verifiers say of a call, release by release: sets of wordings, as measured on 5.10, 6.1, 6.12, 6.18 and 7.3.

The texts are those of kernel/bpf/verifier.c. A message that is in no set decides nothing.
"""

from __future__ import annotations

import errno

from ebpf.probe.calls import ENOTSUPP

__all__ = ["ABSENT", "NO_SUCH", "PRESENT", "classify", "classify_kfunc", "gist"]

NO_SUCH = ("invalid func unknown#", "invalid func bpf_", "invalid func ")
"""The kernel has no helper of this number."""
ABSENT = (
    "unknown func ",  # 3.18 to 6.8: not for this program type, or not known at all
    "cannot use helper ",  # 6.9 and later: "program of this type cannot use helper bpf_x#N"
    "Use a helper allowed for this program type",  # 7.2 and later, the advice below the message
    *NO_SUCH,
)
PRESENT = (
    "At program exit the register R0",  # the call was accepted; the program's return value was not
    "helper call is not allowed in probe",  # for some attach targets only
    "helper call might sleep in a non-sleepable prog",
    "sleepable helper ",
    "reference leak",
    "Unreleased reference",
    "is not a scalar",
    "cannot tail call",
    "cannot call GPL-restricted function",
    "cannot call GPL only function",
    "kernel subsystem misconfigured func",
    "R0 !read_ok",
    "Use the helper only from an allowed attach point",  # 7.2 and later
    "Move the helper call outside the critical section",
    "Initialize R",
    "Pass a value with one of the accepted",
)
CLOSED_KFUNC = (
    " is not allowed",  # "calling kernel function X is not allowed": not for this program type, or no kfunc at all
    "Use a kfunc allowed for this program type",  # 7.2 and later
    "is not a function",
    "is not a kernel function",
    "calling kernel function is not supported",  # no JIT support for it
    "JIT does not support calling kernel function",
)
UNDECIDED_KFUNC = ("metadata kfuncs require device-bound program",)
"""Said to every program type, before it is looked at."""


def classify(result: int, log: str) -> bool | None:
    """Whether the call is open to the program type: from the load's result and the verifier's log; `None`: undecided.

    EACCES is the verifier's refusal of arguments, which it looks at only when it knows the call. ENOTSUPP is how
    bpf_get_func_ip and its like refuse a program type by name.
    """
    if result >= 0 or result == -errno.EACCES:
        return True
    if result == -ENOTSUPP:
        return False
    if result != -errno.EINVAL:
        return None
    if any(text in log for text in ABSENT):
        return False
    if any(text in log for text in PRESENT):
        return True
    return None


def classify_kfunc(result: int, log: str) -> bool | None:
    """The same for a call of a kfunc:

    what is said about arguments, sleeping or references comes after the call is allowed.
    """
    if result >= 0:
        return True
    if any(text in log for text in UNDECIDED_KFUNC):
        return None
    if any(text in log for text in CLOSED_KFUNC):
        return False
    return True if log and result in (-errno.EACCES, -errno.EINVAL, -errno.EFAULT) else None


def gist(log: str) -> str:
    """The line of a log that says what was wrong."""
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    for line in reversed(lines):
        if any(text in line for text in ABSENT + PRESENT):
            return line
    words = [line for line in lines if not line.startswith(("processed ", "verification time", "stack depth"))]
    return words[-1] if words else ""
