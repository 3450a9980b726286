"""Trial syscalls: what the running kernel does for this process, found out by asking it.

Each kind of feature has its module with one declarative table: what is tried, and what each errno means. A trial leaves
nothing behind, attaches nothing and writes nothing into the kernel log.
"""

from __future__ import annotations

from ebpf.probe import context
from ebpf.probe.outcome import Outcome

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from ebpf.probe.sweep import Survey

__all__ = ["Outcome", "context", "survey", "trial"]

# The module of each kind's trials; the kinds that are not here have none.
_MODULES = {
    "command": "commands",
    "map_type": "maps",
    "program_type": "programs",
    "attach_type": "attach",
    "link_type": "links",
    "helper": "helpers",
    "kfunc": "kfuncs",
    "flag": "flags",
    "attribute": "attributes",
    "verifier": "verifier",
    "instruction": "instructions",
    "btf": "btf",
    "ability": "abilities",
    "jit": "abilities",
    "xdp": "abilities",
    "struct_ops": "abilities",
    "iterator": "abilities",
}


def trial(name: str, program_type: str | None = None) -> Outcome | None:
    """Try one feature on the running kernel.

    Parameters:
        name: the feature, as `featuredb` names it.
        program_type: for a helper or a kfunc, the program type that is to call it.

    Returns what the trial said, or `None` when there is no trial for it. A conclusive ``absent`` stands beside a
    control that succeeded; ``denied`` means that this process was refused, whether or not the kernel has the feature.
    """
    import featuredb

    kind = featuredb.kind_of(name)
    module = _MODULES.get(kind) if kind is not None else None
    if module is None:
        return None
    trials = getattr(__import__(f"ebpf.probe.{module}").probe, module)
    outcome: Outcome | None = trials.trial(name, program_type)
    return outcome


def survey(kinds: Collection[str] | None = None, meanwhile: Callable[[], object] | None = None) -> Survey:
    """Try everything, or every feature of these kinds, using the processor's cores: see `ebpf.probe.sweep`."""
    from ebpf.probe.sweep import survey as everything

    return everything(kinds, meanwhile=meanwhile)
