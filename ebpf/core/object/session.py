"""One attempt at loading an object: what was made so far, and every obstacle that was met."""

from __future__ import annotations

import sys

from ebpf import uapi
from ebpf.core.map import MapCore
from ebpf.core.object import btf as objects_btf
from ebpf.core.object import kconfig
from ebpf.core.object.ksyms import Symbols
from ebpf.core.object.maps import Maker, kernel_name
from ebpf.core.object.obstacle import Obstacle
from ebpf.core.object.relocate import Ready, ready
from ebpf.core.object.structs import StructOps
from ebpf.core.object.targets import aim_of
from ebpf.elf.externs import KCONFIG
from ebpf.elf.maps import DATA, STRUCT_OPS
from ebpf.elf.program import DATA as DATA_REFERENCE
from ebpf.elf.program import EXTERN, MAP
from ebpf.errors import EbpfError, ObjectFileError, ObjectLoadError, ProgramLoadError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ebpf.core.object.loader import ObjectCore
    from ebpf.core.object.program import LoadableProgram
    from ebpf.elf import Linked, MapSpec

__all__ = ["Session"]


class Session:
    """One attempt. `run` either makes everything or raises; then `undo` takes back what there is."""

    def __init__(self, owner: ObjectCore) -> None:
        self._owner = owner
        self._file = owner.file
        self._obstacles: list[Obstacle] = []
        self._maps: dict[str, MapCore] = {}
        self._symbols = Symbols()
        self._btf = objects_btf.LoadedBtf(None)
        self._maker: Maker | None = None
        self._wanted = [program for program in owner.programs.values() if program.autoload]
        self._linked: dict[str, Linked] = {}
        self._structs: dict[str, StructOps] = {}

    def run(self) -> dict[str, MapCore]:
        """Load everything; the maps by name. Raises `ObjectLoadError` with every obstacle."""
        if self._file.byteorder != sys.byteorder:
            self._block(
                "btf", "", f"it was compiled for {self._file.byteorder}-endian machines, this is {sys.byteorder}"
            )
            self._stop()
        self._find_structs()
        self._linked = {program.name: program.spec.linked for program in self._wanted}
        used = {
            relocation.target
            for linked in self._linked.values()
            for relocation in linked.relocations
            if relocation.kind == EXTERN
        }
        externs = [each for name, each in self._file.externs.items() if name in used]
        self._symbols.look_up(externs, self._obstacles)
        self._btf = objects_btf.load(self._owner)
        self._maker = Maker(self._file.name, self._btf.fd, self._owner.pin_root, self._owner.adapt)
        self._make_maps()
        prepared = self._prepare()
        if self._obstacles:
            self._look_further()
            self._stop()
        for program, code in prepared:
            self._put(program, code)
        if self._obstacles:
            self._stop()
        self._connect()
        if self._obstacles:
            self._stop()
        return self._maps

    def _block(self, part: str, name: str, reason: str, **more: object) -> None:
        self._obstacles.append(Obstacle(part, name, reason, **more))  # type: ignore[arg-type]  # as in Obstacle

    def _stop(self) -> None:
        raise ObjectLoadError(self._file.name, self._obstacles)

    def _find_structs(self) -> None:
        """The structures of functions, and which of their programs are for what; the others are not loaded."""
        for spec in self._file.maps.values():
            if spec.kind != STRUCT_OPS or spec.optional or self._file.btf is None:
                continue
            try:
                self._structs[spec.name] = StructOps(spec, self._file.btf, self._owner.btf)
            except EbpfError as error:
                self._block("map", spec.name, str(error), section=spec.section, error=error)
        members = {name: number for each in self._structs.values() for name, number in each.programs.items()}
        for program in self._wanted:
            if program.program_type == uapi.BPF_PROG_TYPE_STRUCT_OPS:
                program.expected_attach_type = members.get(program.name, 0)
        self._wanted = [
            program
            for program in self._wanted
            if program.program_type != uapi.BPF_PROG_TYPE_STRUCT_OPS or program.name in members
        ]

    # Maps

    def _needed(self) -> list[MapSpec]:
        """The maps to be made: those that are defined, and the variables that the programs use."""
        touched = {
            relocation.target
            for linked in self._linked.values()
            for relocation in linked.relocations
            if relocation.kind in (MAP, DATA_REFERENCE)
        }
        if any(each.kind == KCONFIG for each in self._file.externs.values()):
            touched.add(".kconfig")
        return [
            spec
            for spec in self._file.maps.values()
            if spec.kind != STRUCT_OPS and (spec.kind != DATA or spec.name in touched)
        ]

    def _make_maps(self) -> None:
        assert self._maker is not None
        for spec in self._needed():
            data = self._owner.data_map(spec.name)
            if spec.map_type == uapi.BPF_MAP_TYPE_ARENA and spec.data is not None:
                reason = "variables in an arena (__arena_global) are not loaded by this library yet"
                self._block("map", spec.name, reason, section=spec.section)
                continue
            try:
                core = self._maker.make(spec)
                self._maps[spec.name] = core
                if data is not None:
                    content: bytes | bytearray | None = data.initial
                    if spec.name == ".kconfig":
                        content = kconfig.value_of(
                            self._file.externs.values(), spec.value_size, self._owner.kconfig, self._obstacles
                        )
                    self._maker.fill(spec, core, content)
            except EbpfError as error:
                verdict = getattr(error, "verdict", None)
                self._block("map", spec.name, str(error), section=spec.section, verdict=verdict, error=error)
        for name, each in self._structs.items():
            try:
                self._maps[name] = each.make(kernel_name(each.spec, self._file.name), self._btf.fd, self._owner.adapt)
            except EbpfError as error:
                verdict = getattr(error, "verdict", None)
                self._block("map", name, str(error), section=each.spec.section, verdict=verdict, error=error)
        descriptors = {name: core.fd for name, core in self._maps.items()}
        for spec in self._needed():
            made = self._maps.get(spec.name)
            if made is not None and spec.map_type != uapi.BPF_MAP_TYPE_PROG_ARRAY and spec.initial_values:
                self._link(spec, made, descriptors)

    def _link(self, spec: MapSpec, core: MapCore, descriptors: dict[str, int]) -> None:
        assert self._maker is not None
        try:
            self._maker.link(spec, core, descriptors)
        except EbpfError as error:
            self._block("map", spec.name, str(error), section=spec.section, error=error)

    # Programs

    def _prepare(self) -> list[tuple[LoadableProgram, Ready]]:
        descriptors = {name: core.fd for name, core in self._maps.items()}
        done = []
        for program in self._wanted:
            if not program.program_type:
                reason = "its section's name says no program type; set program_type before load(), or autoload = False"
                self._block("program", program.name, reason, section=program.spec.section)
            try:
                code = ready(
                    self._linked[program.name],
                    self._file.btf,
                    self._owner.btf,
                    descriptors,
                    self._file.externs,
                    self._symbols,
                    self._obstacles,
                )
            except ObjectFileError as error:
                self._block("program", program.name, error.message, section=program.spec.section, error=error)
                continue
            done.append((program, code))
        return done

    def _put(self, program: LoadableProgram, code: Ready) -> None:
        try:
            owner = next((each for each in self._structs.values() if program.name in each.programs), None)
            aim = owner.aim() if owner is not None else aim_of(program)
            try:
                program.put(code, self._btf.fd, aim, self._btf.functions)
            finally:
                aim.close()
        except EbpfError as error:
            self._obstacles.append(_refusal(program, code, error))

    def _look_further(self) -> None:
        """What else the programs need and do not get: nothing of them was tried yet."""
        from ebpf.core import rules
        from ebpf.diagnose.needs import unmet
        from ebpf.kernel import running

        for program in self._wanted:
            if not program.program_type:
                continue
            type_name = rules.program_type_name(program.program_type)
            verdict = running().check(type_name) if type_name.startswith("BPF_") else None
            if verdict is not None and verdict.status in ("absent", "compiled_out", "denied"):
                self._block("program", program.name, verdict.explain(), section=program.spec.section, verdict=verdict)
                continue
            linked = self._linked[program.name]
            for need in unmet(linked.insns, type_name):
                line = Ready(linked).describe(need.place)
                self._block(
                    "program",
                    program.name,
                    need.verdict.explain(),
                    section=program.spec.section,
                    instruction=need.place,
                    line=line,
                    verdict=need.verdict,
                )

    def _connect(self) -> None:
        """What can be done only when the programs are there: tail calls, variables."""
        programs = {program.name: program.fd for program in self._wanted}
        for spec in self._file.maps.values():
            core = self._maps.get(spec.name)
            if core is None:
                continue
            if spec.map_type == uapi.BPF_MAP_TYPE_PROG_ARRAY and spec.initial_values:
                self._link(spec, core, programs)
            data = self._owner.data_map(spec.name)
            if data is not None:
                data.loaded(core)
        for name, each in self._structs.items():
            try:
                self._owner.values[name] = each.value(programs)
            except EbpfError as error:
                self._block("map", name, str(error), section=each.spec.section, error=error)

    def undo(self) -> None:
        """Close everything and remove the pins that were made."""
        for program in self._wanted:
            program.close()
        for data in map(self._owner.data_map, self._file.maps):
            if data is not None:
                data.closed()
        while self._maps:
            self._maps.popitem()[1].close()
        if self._maker is not None:
            self._maker.unpin()

    def close(self) -> None:
        """Close what served loading only."""
        self._btf.close()
        self._symbols.close()


def _refusal(program: LoadableProgram, code: Ready, error: EbpfError) -> Obstacle:
    """The obstacle that the kernel's refusal of a program is."""
    reason, instruction, line = str(error), None, ""
    if isinstance(error, ProgramLoadError):
        instruction, line = error.instruction, error.source
        lost = code.poisoned(instruction)
        if lost is not None:
            reason = f"it uses what this kernel does not have: {lost.problem}. Guard it with bpf_core_field_exists()."
    return Obstacle(
        "program",
        program.name,
        reason,
        section=program.spec.section,
        instruction=instruction,
        line=line,
        verdict=getattr(error, "verdict", None),
        error=error,
    )
