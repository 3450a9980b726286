"""What v1 marks stable never moves nor changes: its whole surface, held against a committed snapshot.

``python -m tests.ebpf.v1.test_surface`` prints the surface as it is. Lines may be added to surface.txt when a name is
new; a line of a stable name that changes or goes is a broken promise.
"""

from __future__ import annotations

import enum
import inspect
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType

import ebpf.v1
from ebpf.stability import stability

SNAPSHOT = Path(__file__).with_name("surface.txt")


def surface() -> Iterator[str]:
    for module_name in sorted(ebpf.v1.__all__):
        module = getattr(ebpf.v1, module_name)
        for name in sorted(module.__all__):
            thing = getattr(module, name)
            path = f"v1.{module_name}.{name}"
            level = stability(thing)
            if inspect.isclass(thing):
                bases = ", ".join(base.__name__ for base in thing.__bases__)
                yield f"{level} class {path}({bases})"
                for line in _members(thing):
                    yield f"{level}   {path}.{line}"
            else:
                yield f"{level} def {path}{inspect.signature(thing)}"


def _members(cls: type) -> Iterator[str]:
    if issubclass(cls, enum.Enum):
        for member in cls:
            yield f"{member.name} = {member.value}"
        return
    names = {name for base in cls.__mro__ if base.__module__.startswith("ebpf.v1") for name in vars(base)}
    for name in sorted(names):
        member = inspect.getattr_static(cls, name)
        if name.startswith("_") and not (name.startswith("__") and isinstance(member, FunctionType)):
            continue
        if isinstance(member, property):
            assert member.fget is not None
            yield f"{name}: {inspect.signature(member.fget).return_annotation}"
        elif isinstance(member, FunctionType):
            yield f"{name}{inspect.signature(member)}"


def test_the_surface_is_the_snapshot() -> None:
    now, then = list(surface()), SNAPSHOT.read_text().splitlines()
    broken = [line for line in then if line.startswith("stable") and line not in now]
    assert not broken, "a stable name of v1 has changed or gone"
    assert now == then, "surface.txt is not up to date: see the top of this file"


def test_every_public_name_is_marked() -> None:
    unmarked = [
        f"{module_name}.{name}"
        for module_name in ebpf.v1.__all__
        for name in getattr(ebpf.v1, module_name).__all__
        if stability(getattr(getattr(ebpf.v1, module_name), name)) is None
    ]
    assert not unmarked


if __name__ == "__main__":
    print("\n".join(surface()))
