"""A verdict that is not *supported*, turned into the exception a caller gets."""

from __future__ import annotations

import errno

from ebpf.errors import EbpfError, PermissionDeniedError, UndecidedFeatureError, UnsupportedFeatureError
from ebpf.verdict import ABSENT, COMPILED_OUT, DENIED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ebpf.verdict import Verdict

__all__ = ["verdict_error"]


def verdict_error(verdict: Verdict, others: Sequence[Verdict] = ()) -> EbpfError:
    """The exception for a verdict that is not *supported*; `others` are verdicts on what could have stood in for it."""
    text = _unsupported(verdict)
    for other in others:
        text += f" {other.explain()}"
    if verdict.status == DENIED:
        return PermissionDeniedError(text + _fix(verdict), verdict, errno.EPERM)
    if verdict.status in (ABSENT, COMPILED_OUT):
        return UnsupportedFeatureError(text, verdict)
    return UndecidedFeatureError(text, verdict)


def _unsupported(verdict: Verdict) -> str:
    if verdict.status == ABSENT and verdict.needs:
        text = f"{verdict.subject} is not supported here: it needs {verdict.needs}, this is {verdict.kernel}."
        if verdict.alternatives:
            text += f" Alternative: {', '.join(verdict.alternatives)}."
        return text
    return verdict.explain()


def _fix(verdict: Verdict) -> str:
    for reason in verdict.reasons:
        if "missing" in reason.text and "CAP_" in reason.text:
            names = reason.text.partition(" is missing")[0].partition(" are missing")[0]
            return f" Run with {names} or as root."
    return ""
