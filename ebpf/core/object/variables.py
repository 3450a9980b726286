"""The variables of an object: set before it is loaded, read and written while it runs."""

from __future__ import annotations

from ebpf.errors import ArgumentError, ClosedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    from ebpf.btf import Btf
    from ebpf.core.codec import Codec
    from ebpf.core.map import MapCore
    from ebpf.elf import MapSpec, Variable

__all__ = ["DataMap", "Variables"]


class DataMap:
    """A section of variables: bytes before it is loaded, the value of a map afterwards.

    Its memory is mapped when a variable is first read, where the kernel allows that; else each access is a call.
    """

    def __init__(self, spec: MapSpec) -> None:
        self.spec = spec
        self.initial: bytearray | None = None if spec.data is None else bytearray(spec.data)
        self._core: MapCore | None = None
        self._memory: Any = None

    @property
    def constant(self) -> bool:
        """Whether it cannot be changed once it is loaded."""
        return self.spec.name.startswith((".rodata", ".kconfig"))

    def loaded(self, core: MapCore) -> None:
        """Take the map whose value it is from now on."""
        self._core = core

    def closed(self) -> None:
        """Let go of the map and its memory."""
        memory, self._memory, self._core = self._memory, None, None
        if memory is not None:
            memory.close()

    def read(self, offset: int, size: int) -> bytes:
        """Bytes of the value as it is now."""
        if self._core is None:
            if self.initial is None:
                return bytes(size)
            return bytes(self.initial[offset : offset + size])
        memory = self._map()
        if memory is not None:
            return bytes(memory[offset : offset + size])
        return self._core.lookup(bytes(4))[offset : offset + size]

    def write(self, offset: int, content: bytes) -> None:
        """Change bytes of the value."""
        if self._core is None:
            if self.initial is None:
                self.initial = bytearray(self.spec.value_size)
            self.initial[offset : offset + len(content)] = content
            return
        memory = self._map()
        if memory is not None:
            memory[offset : offset + len(content)] = content
            return
        whole = bytearray(self._core.lookup(bytes(4)))
        whole[offset : offset + len(content)] = content
        self._core.update(bytes(4), bytes(whole))

    def _map(self) -> Any:
        if self._memory is None:
            from ebpf import uapi
            from ebpf.core.memory import map_memory

            core = self._core
            if core is None or not core.flags & uapi.BPF_F_MMAPABLE:
                return None
            self._memory = map_memory(core, self.spec.value_size, writable=not self.constant)
        return self._memory


class Variables:
    """The variables of an object by name: ``variables["limit"] = 5`` before it is loaded, ``variables["count"]`` while
    it runs. Constants (``const volatile``) can be set before only.

    A name that several source files have as ``static`` is the first of them.
    """

    def __init__(self, maps: Iterable[DataMap], btf: Btf | None) -> None:
        self._btf = btf
        self._places: dict[str, tuple[DataMap, Variable]] = {}
        self._codecs: dict[str, Codec] = {}
        for data in maps:
            for variable in data.spec.variables:
                self._places.setdefault(variable.name, (data, variable))

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, name: object) -> bool:
        return name in self._places

    def _find(self, name: str) -> tuple[DataMap, Variable]:
        try:
            return self._places[name]
        except KeyError:
            from difflib import get_close_matches

            close = get_close_matches(name, self._places, 3)
            hint = f"; did you mean {' or '.join(close)}?" if close else ""
            raise ArgumentError(f"the object has no variable {name!r}{hint}") from None

    def type_of(self, name: str) -> Codec:
        """The type of a variable: what BTF says, or else bytes."""
        found = self._codecs.get(name)
        if found is None:
            from ebpf.core.codec import codec
            from ebpf.core.codec_btf import from_btf

            _, variable = self._find(name)
            found = codec(variable.size)
            if self._btf is not None and variable.type_id:
                typed = from_btf(self._btf, variable.type_id)
                if typed.size == variable.size:
                    found = typed
            self._codecs[name] = found
        return found

    def __getitem__(self, name: str) -> Any:
        data, variable = self._find(name)
        return self.type_of(name).decode(data.read(variable.offset, variable.size))

    def __setitem__(self, name: str, value: Any) -> None:
        data, variable = self._find(name)
        try:
            content = self.type_of(name).encode(value)
        except ArgumentError as error:
            raise ArgumentError(f"variable {name!r}: {error}") from None
        if data.constant and data._core is not None:
            raise ClosedError(f"{name!r} is a constant of a loaded object: set it before load()")
        data.write(variable.offset, content)

    def items(self) -> Iterator[tuple[str, Any]]:
        """Names and values as they are now."""
        for name in self._places:
            yield name, self[name]

    def __repr__(self) -> str:
        return f"<Variables {', '.join(self._places)}>"
