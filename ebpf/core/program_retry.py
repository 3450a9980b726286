"""A program that was refused: loaded again without what an older kernel does not know, or refused with the reason."""

from __future__ import annotations

import errno
import os

from ebpf import uapi
from ebpf.core.adaptation import ADAPTATIONS, adapt
from ebpf.kernel import running

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ebpf.core.program import ProgramCore
    from ebpf.core.program_load import Load

__all__ = ["retried"]

# How a kernel refuses a field that it does not know: E2BIG for one past its attribute; a name of 4.14, EINVAL.
_TOO_NEW = (errno.E2BIG, errno.EINVAL)


def retried(core: ProgramCore, load: Load, error: int) -> int:
    """A descriptor after all, or the exception that `ebpf.diagnose` makes of it.

    Parameters:
        core: the program, which gets the log, and the adaptations that were needed.
        load: what was tried.
        error: the errno that it met.
    """
    names: list[str] = []
    without: list[str] = []
    if error == errno.EPERM and core.adapt:
        from ebpf.core.memlock import with_more

        fd = with_more(load.attempt)
        if fd >= 0:
            return _adapted(core, fd, ["memlock"])
    if error in _TOO_NEW:
        versioned = load.program_type == uapi.BPF_PROG_TYPE_KPROBE and not load.fields["kern_version"]
        if versioned:
            from ebpf.probe.programs import version_code

            load.fields["kern_version"] = version_code()
        for name, fields in load.relaxations():
            if not running().check(ADAPTATIONS[name].feature):
                names.append(name)
                without.extend(fields)
        if versioned or names:
            fd = load.attempt(without)
            if fd >= 0:
                return _adapted(core, fd, names)
    result, core.log = load.logged(without)
    if result >= 0:  # refused before, taken now: memory came back, a signal was gone
        return _adapted(core, result, names)
    from ebpf.diagnose.programs import program_load

    raise program_load(load, -result if names else error, core.log)


def _adapted(core: ProgramCore, fd: int, names: list[str]) -> int:
    """Note what was done; the program is closed again when that is refused."""
    try:
        for name in names:
            adapt(core, name)
    except BaseException:
        os.close(fd)
        raise
    return fd
