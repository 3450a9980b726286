"""Trials by the verifier: a program with the thing asked for, beside the same program without it."""

from __future__ import annotations

import errno

from ebpf.probe import calls, context
from ebpf.probe.judge import judge
from ebpf.probe.outcome import Outcome
from ebpf.verdict import ABSENT, DENIED, SUPPORTED, UNKNOWN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["UNKNOWN_INSTRUCTION", "try_program"]

# What verifiers said, from 3.18 to 7.x, of an instruction or an operand that they do not know (kernel/bpf/verifier.c:
# check_alu_op(), do_check(), bpf_opcode_in_insntable(), check_pseudo… and resolve_pseudo_ldimm64()).
UNKNOWN_INSTRUCTION = (
    "unknown opcode",
    "unknown insn class",
    "uses reserved fields",
    "invalid BPF_ALU opcode",
    "invalid BPF_JMP opcode",
    "invalid BPF_ALU64 opcode",
    "invalid BPF_LD_IMM insn",
    "invalid BPF_END opcode",
    "uses invalid atomic opcode",
    "unrecognized bpf_ld_imm64 insn",
    "invalid bpf_ld_imm64 insn",
    "unknown insn",
    "invalid atomic operand size",
    "jump out of range",
    "BPF_XADD uses reserved",
    "unrecognized bpf_ld_imm64",
)

_EINVAL, _EACCES, _E2BIG = errno.EINVAL, errno.EACCES, errno.E2BIG


def try_program(
    name: str,
    load: Callable[[], tuple[int, str]],
    control: Callable[[], int],
    wordings: tuple[str, ...],
    *,
    known: tuple[str, ...] = (),
    silent: tuple[int, ...] = (),
    privileged: bool = True,
) -> Outcome:
    """Load the program; when it is refused, load its control and read the log.

    Parameters:
        name: the feature, for the outcome's text.
        load: loads the program and returns the result with the verifier's log.
        control: loads the same program without the thing asked for.
        wordings: parts of the log by which a verifier that does not know the thing refuses it.
        known: parts of the log by which one that knows it refuses this use of it.
        silent: errnos which mean the same without a word in the log.
        privileged: whether the verifier allows it to a process without CAP_BPF (before 5.8 CAP_SYS_ADMIN) as well.
    """
    result, log = load()
    call = f"BPF_PROG_LOAD for {name}"
    if result >= 0 or context.refusal(result, call) is not None:
        return judge(result, call, context.can_load)
    answer = f"{call} answered {calls.spell(result)}"
    said = next((line for line in log.splitlines() if any(text in line for text in known + wordings)), "")
    if said:
        answer += f" ({said.strip()})"
    if any(text in log for text in known):
        return Outcome(SUPPORTED, f"{answer}, as only a verifier that knows it does", -result)
    held = judge(control(), "the same without it", context.can_load)
    if held.status == DENIED:
        return Outcome(DENIED, f"{answer}, and {held.text}", held.errno)
    if privileged and not context.capable():
        return Outcome(DENIED, f"{answer}, and this process has neither CAP_BPF nor CAP_SYS_ADMIN", -result)
    if held.status == SUPPORTED and (said or -result in silent):
        return Outcome(ABSENT, f"{answer}, while {held.text}", -result)
    answer += f", and {held.text}" if held.status != SUPPORTED else ""
    if log and not said:
        answer += f", in words unknown here ({_gist(log)})"
    if not context.capable(perfmon=True):
        # Speculative paths are verified too without it: loops may not end, pointers may not be compared …
        return Outcome(DENIED, f"{answer}; this process has no CAP_PERFMON, which relaxes the verifier", -result)
    return Outcome(UNKNOWN, answer, -result)


def _gist(log: str) -> str:
    """The last line of a verifier's log before its statistics, the registers and the report that newer kernels add."""
    log = log.partition("\nVerification failed:")[0]
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    words = [line for line in lines if not line.startswith(("processed ", "old state", "cur state", "from "))]
    return words[-1] if words else " ".join(lines)
