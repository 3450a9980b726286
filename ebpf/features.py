"""The friendly door to the running kernel.

::

    import ebpf

    if ebpf.features.supported("BPF_MAP_TYPE_RINGBUF"): ...
    ebpf.features.require("BPF_PROG_TYPE_XDP", "bpf_fib_lookup")
    ebpf.features.choose("BPF_MAP_TYPE_RINGBUF", "BPF_MAP_TYPE_PERF_EVENT_ARRAY")

Names are the kernel's own (``BPF_MAP_TYPE_LRU_HASH``, ``bpf_ringbuf_output``) or, where it has none, the database's
(``bounded_loops``); ``ebpf features`` lists them.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ebpf.kernel.base import Report
    from ebpf.verdict import Verdict

__all__ = ["check", "choose", "report", "require", "supported"]


def supported(name: str, program_type: str | None = None) -> bool:
    """Whether the running kernel has a feature and this process may use it.

    Parameters:
        name: the feature.
        program_type: for a helper or a kfunc, the program type that is to call it.

    Raises `ebpf.errors.UnknownFeatureError` for a name that no feature has, with the closest names.
    """
    return check(name, program_type).status == "supported"


def check(name: str, program_type: str | None = None) -> Verdict:
    """The running kernel's verdict on a feature:

    its status and the evidence. Parameters and errors as for `supported`.
    """
    from ebpf.kernel.live import current

    return current().check(name, program_type)


def require(*names: str) -> None:
    """Raise unless every one of the features is supported here.

    Raises `ebpf.errors.UnsupportedFeatureError` (absent or compiled out), `ebpf.errors.PermissionDeniedError` (denied,
    also a `PermissionError`), `ebpf.errors.UndecidedFeatureError` (unknown): for the first that is not, with its
    reasons and alternatives; `ebpf.errors.UnknownFeatureError` for a name that no feature has.
    """
    for verdict in [check(name) for name in names]:
        if not verdict:
            from ebpf import diagnose

            raise diagnose.verdict_error(verdict)


def choose(*names: str) -> str:
    """The first of the features that is supported here: name the best one first.

    Raises as `require` does for the first name when none is supported; `ebpf.errors.ArgumentError` without names.
    """
    if not names:
        from ebpf.errors import ArgumentError

        raise ArgumentError("choose() needs the name of at least one feature")
    verdicts = [check(name) for name in names]
    for verdict in verdicts:
        if verdict:
            return verdict.name
    from ebpf import diagnose

    raise diagnose.verdict_error(verdicts[0], others=verdicts[1:])


def report() -> Report:
    """The running kernel's verdict on every feature there is."""
    from ebpf.kernel.live import current

    return current().report()
