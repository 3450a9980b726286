"""What the result of one trial means, given its control."""

from __future__ import annotations

import errno

from ebpf.probe import calls, context
from ebpf.probe.outcome import Outcome
from ebpf.verdict import ABSENT, DENIED, SUPPORTED, UNKNOWN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection

__all__ = ["judge"]


def judge(
    result: int,
    call: str,
    control: Callable[[], Outcome],
    *,
    known: Collection[int] = (),
    absent: Collection[int] = (errno.EINVAL,),
    makes_fd: bool = True,
) -> Outcome:
    """The outcome of a trial; closes the descriptor that it returned.

    Parameters:
        result: what the call returned: an fd, or -errno.
        call: the call in words, for the outcome's text.
        control: makes the trial's control, only when the result needs one to be believed. It is a call of the same
            command that every kernel which has the command accepts, and that this process may be refused as well.
        known: errnos which only a kernel that knows the feature gives.
        absent: errnos which a kernel that does not know the feature gives, when the control succeeds.
        makes_fd: whether a result that is no errno is a descriptor, to be closed.

    A known errno under a refused control is ``denied``: the kernel knows it, and this process cannot use it.
    """
    if result >= 0:
        if makes_fd:
            calls.closing(result)
        return Outcome(SUPPORTED, f"{call} succeeded")
    refused = context.refusal(result, call)
    if refused is not None:
        return refused
    number, answer = -result, f"{call} answered {calls.spell(result)}"
    if number not in known and number not in absent:
        return Outcome(UNKNOWN, answer, number)
    held = control()
    if held.status == DENIED:
        return Outcome(DENIED, f"{answer}, but {held.text}", held.errno)
    if number in known:
        if held.status == ABSENT:
            return Outcome(UNKNOWN, f"{answer}, but {held.text}", number)
        return Outcome(SUPPORTED, f"{answer}, as only a kernel that knows it does", number)
    if held.status == SUPPORTED:
        return Outcome(ABSENT, f"{answer} while {held.text}", number)
    if held.status == ABSENT:  # what it is a part of is not there either
        return Outcome(ABSENT, f"{answer}, and {held.text}", number)
    return Outcome(UNKNOWN, f"{answer}, and {held.text}", number)
