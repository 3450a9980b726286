"""What a program needs of a kernel, and does not get: asked only after it was refused."""

from __future__ import annotations

from ebpf.asm import Instruction, disassemble, needs
from ebpf.asm.opcodes import CALL, JMP, PSEUDO_CALL
from ebpf.errors import AssemblyError
from ebpf.kernel import running
from ebpf.verdict import SUPPORTED, UNKNOWN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ebpf.verdict import Verdict

__all__ = ["Need", "helper_name", "instruction_at", "unmet"]


class Need:
    """Something this kernel does not offer: the verdict, and the first instruction that asks for it."""

    __slots__ = ("instruction", "place", "verdict")

    def __init__(self, verdict: Verdict, place: int, instruction: Instruction) -> None:
        self.verdict = verdict
        self.place = place
        self.instruction = instruction

    def explain(self) -> str:
        """``bpf_x needs Linux 5.8 (commit …), this is 5.4. (instruction 3, `call bpf_x#9`)``."""
        return f"{self.verdict.explain()} (instruction {self.place}, `{self.instruction}`)"


def _walk(insns: bytes) -> Iterator[tuple[int, Instruction]]:
    try:
        program = disassemble(insns)
    except AssemblyError:
        return
    place = 0
    for insn in program:
        yield place, insn
        place += insn.slots


def instruction_at(insns: bytes, place: int | None) -> Instruction | None:
    """The instruction with this number."""
    return next((insn for number, insn in _walk(insns) if number == place), None)


def helper_name(insn: Instruction | None) -> str | None:
    """The helper that an instruction calls."""
    if insn is None or insn.code != JMP | CALL or insn.src:
        return None
    import featuredb

    return next((each.name for each in featuredb.features("helper") if each.value == insn.imm), None)


def unmet(insns: bytes, program_type: str) -> list[Need]:
    """Every kind of instruction and every helper in the program that is not supported here, in order of appearance."""
    seen: set[str] = set()
    found = []
    for place, insn in _walk(insns):
        name = needs.feature(insn)
        # A call within the program is not asked about by the first kernels' verifiers in words of its own.
        helper = helper_name(insn) if name is None or insn.src == PSEUDO_CALL else None
        asked = helper or name
        if asked is None or asked in seen:
            continue
        seen.add(asked)
        verdict = running().check(asked, program_type if helper else None)
        if verdict.status not in (SUPPORTED, UNKNOWN):
            found.append(Need(verdict, place, insn))
    return found
