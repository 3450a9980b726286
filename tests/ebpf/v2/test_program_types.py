"""A program of every type that this kernel has, in each shape that the type may have."""

from __future__ import annotations

import pytest

from ebpf import errors, uapi
from ebpf.asm import R0, exit_, mov
from ebpf.core.program import ProgramCore
from ebpf.probe import programs
from ebpf.v2 import Program

pytestmark = pytest.mark.root

SHAPES = [
    pytest.param(name, shape, number, id=f"{name[14:]}-{number}", marks=pytest.mark.requires(name))
    for name, shapes in programs.TABLE.items()
    for number, shape in enumerate(shapes)
    if "." not in shape.target  # members of struct_ops are loaded with the structure, by an object
]


@pytest.mark.parametrize(("name", "shape", "number"), SHAPES)
def test_every_type(name: str, shape: programs.Shape, number: int) -> None:
    from ebpf.probe.kernel_btf import find

    if shape.target and find(shape.target) is None:
        pytest.skip(f"this kernel has no {shape.target}")
    fields = shape.fields(programs.target_id(shape.target))
    attach_type = int(fields.get("expected_attach_type", 0)) or None
    try:
        with ProgramCore(
            getattr(uapi, name),
            b"".join(map(bytes, [mov(R0, shape.returns), exit_()])),
            expected_attach_type=attach_type,
            flags=shape.flags,
            attach_btf_id=int(fields.get("attach_btf_id", 0)),
        ) as program:
            assert program.info().type_name == name
    except errors.ProgramLoadError as error:
        if not number and not shape.target:
            raise
        pytest.skip(str(error))  # an attach type, a flag or a target that is younger than the program type, or refused


def test_an_extension_says_what_it_extends() -> None:
    with pytest.raises(errors.ProgramLoadError, match="BPF_PROG_TYPE_EXT"):
        Program("ext", [mov(R0, 0), exit_()])
