"""RLIMIT_MEMLOCK, against which kernels before 5.11 count programs and maps."""

from __future__ import annotations

import contextlib
import errno
import resource

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["with_more"]


def with_more(attempt: Callable[[], int]) -> int:
    """The call again under a raised limit: its result, or -EPERM. The limit stays raised only when that was needed.

    Linux kernel commit 97306be45fbe ("bpf: Eliminate rlimit-based memory accounting infra for bpf maps") (in v5.11).
    """
    which = resource.RLIMIT_MEMLOCK
    soft, hard = resource.getrlimit(which)
    for limit in ((resource.RLIM_INFINITY, resource.RLIM_INFINITY), (hard, hard)):
        if limit == (soft, hard):
            continue
        try:
            resource.setrlimit(which, limit)
        except (OSError, ValueError):  # without CAP_SYS_RESOURCE the hard limit is the end
            continue
        result = attempt()
        if result == -errno.EPERM:
            with contextlib.suppress(OSError, ValueError):
                resource.setrlimit(which, (soft, hard))
        return result
    return -errno.EPERM
