"""A program of an object: before `load` what is to be loaded, afterwards the program."""

from __future__ import annotations

import struct

from ebpf import uapi
from ebpf.core.program import ProgramCore
from ebpf.errors import ClosedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ebpf.core.links.base import LinkCore
    from ebpf.core.object.relocate import Ready
    from ebpf.core.targets import BtfTarget
    from ebpf.elf import Linked, ProgramSpec
    from featuredb.sections import Section

__all__ = ["LoadableProgram"]

_FUNC_INFO = struct.Struct("=2I")  # struct bpf_func_info: insn_off, type_id
_LINE_INFO = struct.Struct("=4I")  # struct bpf_line_info: insn_off, file_name_off, line_off, line_col
_CALL = b"\x85\x00"
# Since 5.5 there are four helpers for what bpf_probe_read() and bpf_probe_read_str() did before.
_OLD_READS = {
    uapi.BPF_FUNC_probe_read_kernel: uapi.BPF_FUNC_probe_read,
    uapi.BPF_FUNC_probe_read_user: uapi.BPF_FUNC_probe_read,
    uapi.BPF_FUNC_probe_read_kernel_str: uapi.BPF_FUNC_probe_read_str,
    uapi.BPF_FUNC_probe_read_user_str: uapi.BPF_FUNC_probe_read_str,
}


class LoadableProgram(ProgramCore):
    """A program of an object.

    Attributes:
        spec: what the object file says of it (`ebpf.elf.ProgramSpec`).
        autoload: whether `load` loads it; those of sections that begin with ``?`` are not, unless asked for.
        program_type, expected_attach_type: numbers; from its section's name, and may be set before.
        target: what it is for: the function, tracepoint or hook of its section's name; may be set before.
        links: the object's, which hold on to what is attached until it is closed.
        extends: for an extension (``SEC("freplace")``), and for tracing another program: that program.
    """

    __slots__ = ("autoload", "extends", "linked", "links", "spec", "target")

    def __init__(self, spec: ProgramSpec, links: list[LinkCore], *, adapt: bool = True) -> None:
        from ebpf.core.fd import Descriptor

        Descriptor.__init__(self, adapt=adapt)
        found = spec.definition
        number = _number(found.program_type) if found else 0
        attach = _number(found.attach_type) if found and found.attach_type else 0
        flags = sum(_number(flag) for flag in found.flags) if found else 0
        self._describe(number, spec.name, spec.object.license, attach, flags, 0)
        self.spec = spec
        self.links = links
        self.autoload = not spec.optional
        self.target = found.target if found else ""
        self.extends: ProgramCore | None = None
        self.linked: Linked | None = None

    @property
    def fd(self) -> int:
        """The file descriptor. Raises `ClosedError` before the object is loaded, and once it is closed."""
        if self._fd < 0:
            state = "closed" if self.linked is not None else "not loaded"
            raise ClosedError(f"program {self.name!r} is {state}")
        return self._fd

    @property
    def loaded(self) -> bool:
        """Whether it is in the kernel."""
        return self._fd >= 0

    @property
    def aimed(self) -> Section | None:
        """What its section's name means, with the `target` that was set instead of the name's own."""
        from featuredb import sections

        found = self.spec.definition
        if found is None or found.target == self.target:
            return found
        return sections.lookup(f"{found.name}/{self.target}") or found

    def put(self, ready: Ready, btf_fd: int, aim: BtfTarget, sees_functions: bool) -> None:
        """Load it. `ready` is its code, `btf_fd` the object's BTF (0 for none), `aim` what it is for.

        Raises what `ProgramCore` does.
        """
        from ebpf.errors import ProgramLoadError

        try:
            self._put(bytes(ready.code), ready, btf_fd, aim, sees_functions)
        except ProgramLoadError as error:
            older = _with_old_reads(ready.code)
            if older is None or not self._may_read_the_old_way(error):
                raise
            self._put(older, ready, btf_fd, aim, sees_functions)
            self._note("probe_read")

    def _put(self, code: bytes, ready: Ready, btf_fd: int, aim: BtfTarget, sees_functions: bool) -> None:
        spec, target = self.spec, self.target
        definition = spec.definition
        functions, lines = _records(ready, sees_functions) if btf_fd else (b"", b"")
        held = self.extends
        ProgramCore.__init__(
            self,
            self.program_type,
            code,
            license=self.license,
            name=spec.name,
            expected_attach_type=self.expected_attach_type or None,
            optional_attach_type=bool(definition and definition.attach_type_optional),
            flags=self.flags,
            attach_btf_id=aim.btf_id,
            attach_btf_obj_fd=aim.module_fd,
            attach_prog_fd=held.fd if held is not None else 0,
            prog_btf_fd=btf_fd,
            func_info=functions,
            func_info_rec_size=_FUNC_INFO.size if functions else 0,
            line_info=lines,
            line_info_rec_size=_LINE_INFO.size if lines else 0,
            fd_array=ready.fd_array,
            kern_version=spec.object.kern_version,
            describe=ready.describe,
            adapt=self.adapt,
        )
        self.linked, self.target = ready.linked, target

    def _may_read_the_old_way(self, error: Exception) -> bool:
        from ebpf.core.adaptation import ADAPTATIONS, refused
        from ebpf.kernel import running

        row = ADAPTATIONS["probe_read"]
        if running().check(row.feature).status != "absent":
            return False
        if not self.adapt:
            raise refused(row) from error
        return True

    def _note(self, name: str) -> None:
        from ebpf.core.adaptation import adapt

        adapt(self, name)


def _number(name: str) -> int:
    number = getattr(uapi, name)
    assert isinstance(number, int)
    return number


def _with_old_reads(code: bytearray) -> bytes | None:
    """The program with bpf_probe_read() instead of its successors; ``None`` when it calls none of them."""
    changed = bytearray(code)
    found = False
    at = code.find(_CALL)
    while at >= 0:
        if not at % 8:
            (helper,) = struct.unpack_from("=i", code, at + 4)
            older = _OLD_READS.get(helper)
            if older is not None:
                struct.pack_into("=i", changed, at + 4, older)
                found = True
        at = code.find(_CALL, at + 1)
    return bytes(changed) if found else None


def _records(ready: Ready, sees_functions: bool) -> tuple[bytes, bytes]:
    """func_info and line_info; none when they do not cover every function, which the kernel insists on."""
    linked = ready.linked
    starts = [start for start, _ in linked.parts]
    functions = lines = b""
    if sees_functions and [each.instruction for each in linked.func_info] == starts:
        functions = b"".join(_FUNC_INFO.pack(each.instruction, each.type_id) for each in linked.func_info)
    if {each.instruction for each in linked.line_info}.issuperset(starts):
        rows = {each.instruction: each for each in reversed(linked.line_info)}
        lines = b"".join(
            _LINE_INFO.pack(number, each.file_offset, each.line_offset, each.line << 10 | each.column)
            for number, each in sorted(rows.items())
        )
    return functions, lines
