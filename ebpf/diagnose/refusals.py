"""Reasons for which a program is refused, from the most telling to the least: each looks at errno, log and database.

The verifier's words are those of kernel/bpf/verifier.c, in the wordings of 4.4 to 7.3.
"""

from __future__ import annotations

import errno
import os
import re

from ebpf import uapi
from ebpf.diagnose.needs import Need, helper_name, instruction_at, unmet
from ebpf.diagnose.words import size_text
from ebpf.kernel import running
from ebpf.probe.calls import ENOTSUPP
from ebpf.verdict import ABSENT, COMPILED_OUT, DENIED, SUPPORTED, UNKNOWN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from ebpf.core.program_load import Load
    from ebpf.diagnose.verifier_log import Said
    from ebpf.verdict import Verdict

    Finder = Callable[[Load, int, Said, str], "Finding | None"]

__all__ = ["Finding", "find"]

_MORE = 4  # so many needs are told, the rest is counted


class Finding:
    """A reason: in words, with the verdicts on features that stand behind it."""

    __slots__ = ("denied", "text", "verdicts")

    def __init__(self, text: str, verdicts: Iterable[Verdict] = (), denied: bool = False) -> None:
        self.text = text
        self.verdicts = tuple(verdicts)
        self.denied = denied


def find(load: Load, error: int, said: Said, type_name: str) -> Finding:
    """The reason for a refusal; the verifier's own words when nothing more is known.

    Parameters:
        load: what was refused.
        error: the errno.
        said: what the verifier said.
        type_name: ``BPF_PROG_TYPE_…``.
    """
    for finder in _FINDERS:
        finding = finder(load, error, said, type_name)
        if finding is not None:
            return finding
    return Finding(said.message or os.strerror(error) if error != ENOTSUPP else said.message or "not supported")


def _count(load: Load) -> int:
    return len(load.insns) // 8


def _too_long(load: Load, error: int, said: Said, type_name: str) -> Finding | None:
    count = _count(load)
    if said.message or count <= uapi.BPF_MAXINSNS or error not in (errno.E2BIG, errno.EINVAL):
        return None
    text = f"the program has {count:,} instructions"
    verdict = running().check("instruction_limit_1m")
    if verdict.status in (ABSENT, DENIED):
        needs = f", more need {verdict.needs}" if verdict.needs else ""
        return Finding(f"{text}; {verdict.kernel} takes {uapi.BPF_MAXINSNS:,} at most{needs}", [verdict])
    return Finding(f"{text}, which is more than this kernel takes")


def _refused(load: Load, error: int, said: Said, type_name: str) -> Finding | None:
    """EPERM, or EACCES without a word: capabilities, lockdown, memlock, a security module."""
    if said.message or error not in (errno.EPERM, errno.EACCES):
        return None
    kernel = running()
    for name in (type_name, *_named(load)):
        verdict = _check(name)
        if verdict is not None and verdict.status in (ABSENT, COMPILED_OUT, DENIED):
            return Finding(verdict.explain(), [verdict], denied=verdict.status == DENIED)
    memlock = kernel.host.memlock
    if error == errno.EPERM and memlock.soft is not None and memlock.needed():
        return Finding(
            "this kernel counts programs against RLIMIT_MEMLOCK, which is"
            f" {size_text(memlock.soft)} for this process: raise it, with ulimit -l or as root",
            denied=True,
        )
    return Finding(
        f"{type_name} works here, but this program was refused before the verifier saw it: by a security module, a"
        " seccomp filter, lockdown or a capability that its attach type needs",
        denied=True,
    )


def _gpl_only(load: Load, error: int, said: Said, type_name: str) -> Finding | None:
    if "cannot call GPL" not in said.message:
        return None
    name = helper_name(instruction_at(load.insns, said.instruction)) or "the function it calls"
    return Finding(
        f'{name} is for GPL-compatible programs only, and the licence of this one is {load.license!r}. Declare "GPL" or'
        ' "Dual BSD/GPL" if the program is.'
    )


_HELPER = re.compile(r"(?:unknown func|cannot use helper|invalid func) (?:bpf_\w+#|unknown#)?\d*")


def _helper(load: Load, error: int, said: Said, type_name: str) -> Finding | None:
    """A helper that this kernel, or this type of program, does not have; and what else is missing."""
    if not any(_HELPER.search(line) for line in (said.message, *said.lines)):
        return None
    found = unmet(load.insns, type_name)
    if found:
        return _needs(found)
    insn = instruction_at(load.insns, said.instruction)
    name = helper_name(insn)
    if name is not None:
        return Finding(f"{name} is not for programs of {type_name} with this attach type")
    return Finding(f"no kernel that is known here has a helper with the number {insn.imm}") if insn else None


_KFUNC = re.compile(r"calling kernel function (\w+) is not allowed|for kernel function (\w+)")
_NO_KFUNC = (
    "calling kernel function",
    "is not a kernel function",
    "kernel btf_id",
    "cannot find address for kernel function",
)


def _kfunc(load: Load, error: int, said: Said, type_name: str) -> Finding | None:
    if not any(text in said.message for text in _NO_KFUNC):
        return None
    verdict = running().check("BPF_PSEUDO_KFUNC_CALL")
    if verdict.status in (ABSENT, COMPILED_OUT):
        return Finding(verdict.explain(), [verdict])
    named = _KFUNC.search(said.message)
    name = named and (named.group(1) or named.group(2))
    if not name:
        return Finding(
            f"{said.message}: it calls what is no kernel function here. Is the id from another kernel's BTF?"
        )
    verdict_of_it = _check(name, type_name)
    if verdict_of_it is not None and verdict_of_it.status not in (SUPPORTED, UNKNOWN):
        return Finding(verdict_of_it.explain(), [verdict_of_it])
    return Finding(f"the kernel function {name} is not open to programs of {type_name}")


def _check(name: str, type_name: str | None = None) -> Verdict | None:
    from ebpf.errors import UnknownFeatureError

    try:
        return running().check(name, type_name)
    except UnknownFeatureError:
        return None


_DENIED = (
    ("function calls to other bpf functions are allowed for", "CAP_BPF"),
    ("loading/calling other bpf or kernel functions are allowed for", "CAP_BPF"),
    ("pointer arithmetic on", "CAP_PERFMON"),
    ("pointer comparison prohibited", "CAP_PERFMON"),
    ("leaks addr", "CAP_PERFMON"),
    ("prohibited for !root", "CAP_PERFMON"),
)


def _unprivileged(load: Load, error: int, said: Said, type_name: str) -> Finding | None:
    """What the verifier allows to privileged processes alone."""
    held = running().host.capabilities
    for text, capability in _DENIED:
        if text in said.message and not (held.has(capability) or held.has("CAP_SYS_ADMIN")):
            return Finding(f"the verifier allows this only with {capability}, which is missing", denied=True)
    return None


# Abilities by the words of a verifier that lacks them.
_ABILITIES = (
    ("back-edge from insn", "bounded_loops"),
    ("tail_calls are not allowed in", "tail_calls_with_bpf_to_bpf_calls"),
    ("mixing of tail_calls and bpf-to-bpf", "tail_calls_with_bpf_to_bpf_calls"),
    ("programs can be sleepable", "sleepable_uprobes"),
    ("only one level of indirection", "inner_map_of_other_size"),
)


def _ability(load: Load, error: int, said: Said, type_name: str) -> Finding | None:
    for text, name in _ABILITIES:
        verdict = _check(name) if text in said.message else None
        if verdict is not None and verdict.status not in (SUPPORTED, UNKNOWN):
            return Finding(verdict.explain(), [verdict])
    return None


_HINTS = (
    (
        "BPF program is too large",
        "the verifier gave up: there are too many ways through the program. Make branches and loops fewer, use"
        " bpf_loop() or a bounded loop, or split it into tail calls",
    ),
    (
        "jumps is too complex",
        "the verifier gave up: there are too many branches to come back to. Split the program, or use a loop",
    ),
    ("stack size", "its functions take more than the 512 bytes of stack there are: use a map for large variables"),
    ("invalid bpf_context access", "its context has no field there, or not one that this type of program may use"),
    ("R0 !read_ok", "it ends without a return value in r0"),
    ("unreachable insn", "it has instructions that are never reached, which this kernel refuses"),
)


def _hint(load: Load, error: int, said: Said, type_name: str) -> Finding | None:
    for text, hint in _HINTS:
        if text in said.message:
            return Finding(hint)
    return None


def _instructions(load: Load, error: int, said: Said, type_name: str) -> Finding | None:
    """Instructions that this kernel does not know: by its words, or where it has none."""
    from ebpf.probe.refusals import UNKNOWN_INSTRUCTION

    unknown = any(text in line for line in (said.message, *said.lines) for text in UNKNOWN_INSTRUCTION)
    if not unknown and (said.message or error not in (errno.EINVAL, ENOTSUPP, errno.EOPNOTSUPP)):
        return None
    found = unmet(load.insns, type_name)
    return _needs(found) if found else None


def _needs(found: Sequence[Need]) -> Finding:
    text = " ".join(need.explain() for need in found[:_MORE])
    if len(found) > _MORE:
        text += f" And {len(found) - _MORE} more, in .verdicts."
    return Finding(text, [need.verdict for need in found])


# Fields of BPF_PROG_LOAD and the feature that each needs, newest first.
_FIELDS = (
    ("prog_token_fd", "program_token"),
    ("fd_array", "fd_array"),
    ("attach_btf_obj_fd", "attach_btf_object"),
    ("attach_btf_id", "attach_btf_id"),
    ("prog_btf_fd", "program_btf"),
    ("expected_attach_type", "expected_attach_type"),
    ("prog_ifindex", "program_ifindex"),
    ("prog_flags", "program_flags"),
)


def _arguments(load: Load, error: int, said: Said, type_name: str) -> Finding | None:
    """EINVAL or E2BIG without a word: the type, its attach type, a flag or a field is not known."""
    if said.message or error not in (errno.EINVAL, errno.E2BIG, ENOTSUPP, errno.EOPNOTSUPP):
        return None
    names = [type_name] if type_name.startswith("BPF_") else []
    names.extend(_named(load))
    names.extend(feature for field, feature in _FIELDS if load.fields.get(field))
    for name in names:
        verdict = _check(name)
        if verdict is not None and verdict.status in (ABSENT, COMPILED_OUT, DENIED):
            return Finding(verdict.explain(), [verdict], denied=verdict.status == DENIED)
    if error != errno.EINVAL:
        return None
    return _mistaken(load, type_name)


def _mistaken(load: Load, type_name: str) -> Finding:
    """Everything asked for is known here, so the arguments do not fit together."""
    import featuredb
    from ebpf.core import rules

    if not type_name.startswith("BPF_"):
        return Finding(f"{type_name} is no type that any known kernel has")
    flags = int(load.fields.get("prog_flags", 0)) & ~_flags()
    if flags:
        return Finding(f"its flags have {flags:#x}, which no known kernel takes")
    allowed = featuredb.get(type_name).extra.get("attach_types") or ()
    attach_type = int(load.fields.get("expected_attach_type", 0))
    name = rules.attach_type_name(attach_type)
    if allowed and name not in allowed:
        given = f"expected_attach_type is {name}" if attach_type else "it does not say what it is to be attached as"
        return Finding(f"{given}; a program of {type_name} is one of {', '.join(allowed)}")
    shown = [
        f"{key} {value:#x}" for key, _ in reversed(_FIELDS) if isinstance(value := load.fields.get(key), int) and value
    ]
    return Finding(f"the kernel refuses these arguments together{': ' if shown else ''}{', '.join(shown)}")


def _flags() -> int:
    """Every flag of BPF_PROG_LOAD that a kernel has."""
    import featuredb

    mask = uapi.BPF_F_TOKEN_FD
    for record in featuredb.features("flag"):
        if record.group == "BPF_PROG_LOAD":
            mask |= record.value or 0
    return mask


def _named(load: Load) -> list[str]:
    """The attach type and the flags, by name."""
    import featuredb
    from ebpf.core import rules

    names = []
    attach_type = load.fields.get("expected_attach_type")
    if isinstance(attach_type, int) and attach_type:
        names.append(rules.attach_type_name(attach_type))
    flags = load.fields.get("prog_flags")
    if isinstance(flags, int):
        known = (record for record in featuredb.features("flag") if record.group == "BPF_PROG_LOAD" and record.value)
        names.extend(record.name for record in known if flags & (record.value or 0))
    return names


_FINDERS: tuple[Finder, ...] = (
    _too_long,
    _refused,
    _gpl_only,
    _helper,
    _kfunc,
    _unprivileged,
    _ability,
    _instructions,
    _hint,
    _arguments,
)
