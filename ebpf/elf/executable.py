"""Executables and shared libraries, as far as uprobes need them: where a function is in the file, and USDT notes."""

from __future__ import annotations

import mmap
import os
import struct

from ebpf.errors import ArgumentError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Executable", "UsdtNote", "find_file", "function_offset"]

_SECTION = struct.Struct("=IIQQQQIIQQ")
_SEGMENT = struct.Struct("=IIQQQQQQ")
_SYMBOL = struct.Struct("=IBBHQQ")
_LOAD, _SYMTAB, _DYNSYM, _NOTE = 1, 2, 11, 7
_EXECUTABLE = 1  # PF_X
_FUNCTION, _INDIRECT = 2, 10  # STT_FUNC, STT_GNU_IFUNC
_USDT = 3  # NT_STAPSDT of the owner "stapsdt": https://sourceware.org/systemtap/wiki/UserSpaceProbeImplementation
_PLACES = ("/lib64", "/usr/lib64", "/lib", "/usr/lib", "/usr/local/lib")


class UsdtNote:
    """A statically defined tracing point.

    Attributes:
        provider, name: by which it is known.
        address: its virtual address in the file; ``offset`` is where it is in the file.
        semaphore: the offset in the file of the counter that says whether it is traced; 0 for none.
        arguments: how its arguments are found, ``"-4@%edi 8@-16(%rbp)"``.
    """

    __slots__ = ("address", "arguments", "name", "offset", "provider", "semaphore")

    def __init__(self, provider: str, name: str, address: int, offset: int, semaphore: int, arguments: str) -> None:
        self.provider = provider
        self.name = name
        self.address = address
        self.offset = offset
        self.semaphore = semaphore
        self.arguments = arguments

    def __repr__(self) -> str:
        return f"<UsdtNote {self.provider}:{self.name} at {self.offset:#x}: {self.arguments}>"


class Executable:
    """An ELF file of 64 bits in this machine's byte order, mapped while it is open.

    Raises `ArgumentError` when it is none, or is cut short.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        try:
            with open(path, "rb") as file:
                self._data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError) as error:
            raise ArgumentError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from None
        try:
            self._read_headers()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Unmap it."""
        self._data.close()

    def __enter__(self) -> Executable:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _broken(self, what: str) -> ArgumentError:
        return ArgumentError(f"{self.path}: {what}")

    def _read_headers(self) -> None:
        data = self._data
        order = 1 if struct.pack("=H", 1) == b"\1\0" else 2
        if len(data) < 64 or data[:4] != b"\x7fELF" or data[4] != 2 or data[5] != order:
            raise self._broken("it is no ELF file of 64 bits in this machine's byte order")
        segments, sections = struct.unpack_from("=QQ", data, 32)
        segment_count, _, section_count, names = struct.unpack_from("=HHHH", data, 56)
        self._segments = self._headers(_SEGMENT, segments, segment_count)
        self._sections = self._headers(_SECTION, sections, section_count)
        self._names = self._sections[names][4] if names < len(self._sections) else 0

    def _headers(self, layout: struct.Struct, offset: int, count: int) -> list[tuple[int, ...]]:
        if offset + layout.size * count > len(self._data):
            raise self._broken("its headers end past the file")
        return [layout.unpack_from(self._data, offset + layout.size * number) for number in range(count)]

    def _string(self, offset: int) -> bytes:
        if offset >= len(self._data):
            return b""
        end = self._data.find(b"\0", offset)
        return self._data[offset:end] if offset <= end else b""

    def _place(self, address: int) -> int:
        """Where an address is in the file."""
        for kind, _, offset, start, _, size, _, _ in self._segments:
            if kind == _LOAD and start <= address < start + size:
                return int(address - start + offset)
        raise self._broken(f"the address {address:#x} is in none of its segments")

    def function(self, name: str) -> int:
        """The offset in the file of a function of its symbol tables. Raises `ArgumentError` when it has none."""
        wanted = name.encode()
        for kind in (_SYMTAB, _DYNSYM):
            for address in self._addresses(kind, wanted):
                return self._place(address)
        raise ArgumentError(
            f"{self.path} has no function {name!r} in its symbol tables. It may be stripped: give an offset instead."
        )

    def _addresses(self, kind: int, wanted: bytes) -> Iterator[int]:
        for section in self._sections:
            if section[1] != kind or section[6] >= len(self._sections):
                continue
            strings = self._sections[section[6]][4]
            table = self._data[section[4] : section[4] + section[5]]
            for name, info, _, index, value, _ in _SYMBOL.iter_unpack(table[: len(table) // 24 * 24]):
                if not index or info & 15 not in (_FUNCTION, _INDIRECT):
                    continue
                start = strings + name
                end = start + len(wanted)
                # A dynamic symbol may carry its version: "read@@GLIBC_2.2.5".
                if self._data[start:end] == wanted and self._data[end : end + 1] in (b"\0", b"@"):
                    yield value

    def functions(self) -> dict[str, int]:
        """Every function by name: its offset in the file."""
        found: dict[str, int] = {}
        for section in self._sections:
            if section[1] not in (_SYMTAB, _DYNSYM) or section[6] >= len(self._sections):
                continue
            strings = self._sections[section[6]][4]
            table = self._data[section[4] : section[4] + section[5]]
            for name, info, _, index, value, _ in _SYMBOL.iter_unpack(table[: len(table) // 24 * 24]):
                if index and info & 15 == _FUNCTION:
                    text = self._string(strings + name).partition(b"@")[0].decode("utf-8", "replace")
                    found.setdefault(text, self._place(value))
        return found

    def usdt(self) -> list[UsdtNote]:
        """Its statically defined tracing points, from the section .note.stapsdt."""
        base, notes = 0, []
        for section in self._sections:
            name = self._string(self._names + section[0])
            if name == b".stapsdt.base":
                base = section[3]
            elif name == b".note.stapsdt" and section[1] == _NOTE:
                notes.append((section[4], section[4] + section[5]))
        return [note for start, end in notes for note in self._notes(start, end, base)]

    def _notes(self, at: int, end: int, base: int) -> Iterator[UsdtNote]:
        end = min(end, len(self._data))
        while at + 12 <= end:
            name_size, size, kind = struct.unpack_from("=III", self._data, at)
            content = at + 12 + (name_size + 3 & ~3)
            at = content + (size + 3 & ~3)
            if kind != _USDT or at > end or size < 24:
                continue
            address, link_base, semaphore = struct.unpack_from("=QQQ", self._data, content)
            texts = self._data[content + 24 : content + size].split(b"\0")
            if len(texts) < 3:
                continue
            # prelink may have moved the file since it was linked: by as much as its base has moved.
            moved = base - link_base if base else 0
            provider, name, arguments = (text.decode("utf-8", "replace") for text in texts[:3])
            address += moved
            counter = self._place(semaphore + moved) if semaphore else 0
            yield UsdtNote(provider, name, address, self._place(address), counter, arguments)


def find_file(path: str) -> str:
    """The file that a path or a bare name means: names of libraries as the dynamic loader, others as the shell.

    Raises `ArgumentError` when there is none.
    """
    if "/" in path:
        if os.path.exists(path):
            return path
        raise ArgumentError(f"{path} is not there")
    machine = os.uname().machine
    libraries = [f"{place}/{machine}-linux-gnu" for place in ("/lib", "/usr/lib")]
    where = [*libraries, *_PLACES] if ".so" in path else os.get_exec_path()
    for directory in where:
        candidate = os.path.join(directory, path)
        if os.path.isfile(candidate):
            return os.path.realpath(candidate)
    raise ArgumentError(f"{path!r} is in none of {', '.join(where)}")


def function_offset(path: str, function: str) -> int:
    """The offset in a file of one of its functions. Raises `ArgumentError` when it is not there."""
    with Executable(path) as file:
        return file.function(function)
