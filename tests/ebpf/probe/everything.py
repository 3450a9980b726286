"""Every trial of the tables, by kind; what the tests run over."""

from __future__ import annotations

from ebpf.probe import (
    abilities,
    attach,
    attributes,
    btf,
    commands,
    flags,
    instructions,
    links,
    maps,
    outcome,
    verifier,
)

# Trials that look at files, which anyone may: at sysfs, procfs, and first at the kernel's BTF.
WITHOUT_BPF = frozenset(("vmlinux_btf", "module_btf", "jit", "exceptions", "open_coded_iterators"))

NAMES: dict[str, tuple[str, ...]] = {
    "command": commands.NAMES,
    "map_type": tuple(maps.TABLE),
    "attach_type": tuple(attach.TABLE),
    "link_type": links.NAMES,
    "flag": tuple(flags.TABLE),
    "attribute": tuple(attributes.TABLE),
    "verifier": tuple(verifier.TABLE),
    "instruction": tuple(name for name in instructions.NAMES if name != "may_goto"),  # tried as the verifier's
    "btf": btf.NAMES,
    "ability": tuple(name for name in abilities.TABLE if name != "jit"),
    "jit": ("jit",),
}
_MODULES = {
    "command": commands,
    "map_type": maps,
    "attach_type": attach,
    "link_type": links,
    "flag": flags,
    "attribute": attributes,
    "verifier": verifier,
    "instruction": instructions,
    "btf": btf,
    "ability": abilities,
    "jit": abilities,
}


def run(*kinds: str) -> dict[str, outcome.Outcome]:
    """The outcome of every trial of these kinds (all if none is named); trials that say nothing are left out."""
    outcomes: dict[str, outcome.Outcome] = {}
    for kind in kinds or NAMES:
        for name in NAMES[kind]:
            answer = _MODULES[kind].trial(name)
            if answer is not None:
                outcomes[name] = answer
    return outcomes


def statuses() -> dict[str, str]:
    """The status of every trial, for a child process to report."""
    return {name: answer.status for name, answer in run().items()}
