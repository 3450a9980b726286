"""The records and names of one BTF blob: where each is, found once, in order, no further than asked for."""

from __future__ import annotations

import struct
from array import array
from bisect import bisect_left
from itertools import compress

from ebpf.btf import kinds
from ebpf.btf.header import Header
from ebpf.btf.kinds import HEADER_WORDS, KIND_MASK, KIND_SHIFT, VLEN_MASK
from ebpf.errors import BtfError
from ebpf.twin import extension as twin

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from typing_extensions import Self

    from ebpf.btf.types import Type

__all__ = ["Records"]

_FEW = 4  # names that are searched for one by one; more are looked for in one pass over all records


class Records:
    """What `Btf` is made of: records by id and by name, words, strings. Parameters as for `Btf`."""

    def __init__(self, data: bytes, base: Self | None = None) -> None:
        self._base = base
        self.first_id: int = 1 if base is None else base.first_id + len(base)
        self._first_offset: int = 0 if base is None else base.strings_end
        header = Header(data)
        self.types_offset = header.types_offset
        self._strings: bytes = data[header.strings_offset : header.strings_offset + header.strings_size]
        if base is None and self._strings[:1] != b"\0":
            raise BtfError("the strings do not begin with an empty one", header.strings_offset)
        if self._strings and self._strings[-1]:
            raise BtfError("the last string does not end", header.strings_offset + header.strings_size - 1)
        types = data[header.types_offset : header.types_offset + header.types_size]
        self._bytes = types if header.native else _swapped(types)  # in this machine's byte order, for searching
        self._words = memoryview(self._bytes).cast("I")
        self._lengths = kinds.Lengths(header.layout)
        self._starts = array("I")  # the word at which each record begins, as far as known
        self._next = 0  # the word after the last known record
        self._looked_up: dict[str, list[int]] = {}  # the ids of names that were asked for
        self._beginnings: dict[str, list[str]] = {}
        self._names: list[int] = []  # the first word of every record, once many were asked for
        self._objects: dict[int, Type] = {}
        self.native = header.native
        self.pointer_size: int = 8 if base is None else base.pointer_size

    def __len__(self) -> int:
        """The number of types, without those of the base."""
        self._walk(len(self._words))
        return len(self._starts)

    # Records

    def _walk(self, end: int) -> None:
        """Find where records begin, up to the word `end` at least. A record's length follows from its info word."""
        position = self._next
        if position >= end:
            return
        if twin is not None:
            starts, position, unknown = twin.btf_walk(self._bytes, position, end, self._lengths.table)
            self._starts.frombytes(starts)
        else:
            position, unknown = self._walk_on(position, end)
        if unknown >= 0:
            self._next = position
            raise BtfError(f"a type of unknown kind {unknown}", self.types_offset + 4 * position)
        if position > len(self._words) or (end >= len(self._words) and position < len(self._words)):
            last = self._starts.pop() if position > len(self._words) and self._starts else position
            self._next = last
            raise BtfError("the last type is cut off", self.types_offset + 4 * last)
        self._next = position

    def _walk_on(self, position: int, end: int) -> tuple[int, int]:
        """Note the records that begin before the word `end`: the word behind them, and a kind that nobody knows."""
        # The info words alone, cut where the walk shall stop: running off their end is what ends the loop, cheaper than
        # a comparison for each of 100,000 records.
        info, lengths = self._words[1 : end + 1], self._lengths
        found = self._starts.append
        try:
            while True:
                length = lengths[info[position]]
                found(position)
                position += length
        except IndexError:
            return position, -1
        except kinds.UnknownKind as error:
            return position, error.kind

    def _begins(self, position: int) -> int | None:
        """The place in the list of records of the one that begins at this word; `None` when none begins there."""
        self._walk(position + 1)
        place = bisect_left(self._starts, position)
        return place if place < len(self._starts) and self._starts[place] == position else None

    def _find(self, needle: bytes) -> Iterator[tuple[int, int]]:
        """The records of this BTF that begin with these bytes: id and word."""
        found = self._bytes.find(needle)
        while found >= 0:
            if not found % 4:
                place = self._begins(found // 4)
                if place is not None:
                    yield self.first_id + place, found // 4
            found = self._bytes.find(needle, found + 1)

    def _record(self, type_id: int) -> tuple[Self, int]:
        """The BTF that holds a type, and the word at which its record begins."""
        if self._base is not None and type_id < self.first_id:
            return self._base._record(type_id)
        place = type_id - self.first_id
        while place >= len(self._starts) and self._next < len(self._words):
            self._walk(min(len(self._words), self._next + HEADER_WORDS * (place + 1 - len(self._starts))))
        if not 0 <= place < len(self._starts):
            raise BtfError(f"there is no type {type_id}", self.types_offset)
        return self, self._starts[place]

    # Names

    def string(self, offset: int) -> str:
        """The string at an offset of the string section. Raises `BtfError` outside it."""
        if self._base is not None and offset < self._first_offset:
            return self._base.string(offset)
        start = offset - self._first_offset
        if start >= len(self._strings):
            raise BtfError(f"a name at {offset}, past the end of the strings", self.types_offset)
        return self._strings[start : self._strings.index(b"\0", start)].decode("utf-8", "backslashreplace")

    def _offsets(self, name: str) -> Iterator[int]:
        """Every offset at which the string section reads `name`: a name may be the end of a longer string."""
        if self._base is not None:
            yield from self._base._offsets(name)
        needle = name.encode() + b"\0"
        found = self._strings.find(needle)
        while found >= 0:
            yield self._first_offset + found
            found = self._strings.find(needle, found + 1)

    def names_from(self, beginning: str) -> list[str]:
        """The strings that begin with `beginning`: names of flavours such as ``task_struct___old``."""
        found = self._beginnings.get(beginning)
        if found is None:
            found, needle = [], b"\0" + beginning.encode()
            at = self._strings.find(needle)
            while at >= 0:
                end = self._strings.index(b"\0", at + 1)
                found.append(self._strings[at + 1 : end].decode("utf-8", "backslashreplace"))
                at = self._strings.find(needle, at + 1)
            self._beginnings[beginning] = found
        return found

    def ids(self, name: str, *wanted: int) -> list[int]:
        """The ids of the types with this name, of these kinds (`ebpf.btf.kinds`) or of any; without the base's."""
        found = self._looked_up.get(name)
        if found is None:
            offsets = set(self._offsets(name)) if name else set[int]()
            if len(offsets) <= _FEW and self._next < len(self._words):
                found = sorted(type_id for offset in offsets for type_id, _ in self._find(struct.pack("=I", offset)))
            else:
                found = [self.first_id + place for place in self._named(offsets)]
            self._looked_up[name] = found
        return [each for each in found if not wanted or self.kind_at(self._starts[each - self.first_id]) in wanted]

    def _named(self, offsets: Collection[int]) -> Iterator[int]:
        """The places of all records whose names are at these offsets."""
        if not self._names:
            self._walk(len(self._words))
            self._names = list(map(self._words.__getitem__, self._starts))
        return compress(range(len(self._names)), map(offsets.__contains__, self._names))

    def look_up(self, names: Collection[str]) -> None:
        """Look for many names at once, so that `ids`, and what builds on it, need not search for each of them."""
        names = [name for name in names if name not in self._looked_up]
        if not names:
            return
        self._walk(len(self._words))
        found: dict[str, list[int]] = {name: [] for name in names}
        by_offset = self._wanted(names)
        places: Iterable[int]
        if twin is not None:
            places = twin.btf_select(
                self._bytes, self._starts, list(by_offset), self._first_offset + len(self._strings)
            )
        else:
            # No loop in Python over 100,000 records: it would take three times as long.
            hits = map(by_offset.__contains__, map(self._words.__getitem__, self._starts))
            places = compress(range(len(self._starts)), hits)
        for place in places:
            found[by_offset[self._words[self._starts[place]]]].append(self.first_id + place)
        self._looked_up.update(found)

    def find(self, name: str, *wanted: int) -> int | None:
        """The id of the first type with this name, of one of these kinds or of any; the base's come first."""
        if self._base is not None:
            found = self._base.find(name, *wanted)
            if found is not None:
                return found
        return next(iter(self.ids(name, *wanted)), None)

    def word(self, position: int) -> int:
        """A word of the section of types. Raises `BtfError` past its end."""
        try:
            return self._words[position]
        except IndexError:
            raise BtfError("the last type is cut off", self.types_offset + 4 * position) from None

    def record_words(self, start: int) -> tuple[int, ...]:
        """The words of the record that begins at this word, without the first three."""
        return tuple(self._words[start + HEADER_WORDS : start + self._lengths[self._words[start + 1]]])

    @property
    def strings(self) -> bytes:
        """The section of strings, without the base's."""
        return self._strings

    @property
    def strings_end(self) -> int:
        """The offset after the last string: where those of a module's BTF begin."""
        return self._first_offset + len(self._strings)

    def kind_at(self, start: int) -> int:
        """The kind of the record that begins at this word."""
        return self._words[start + 1] >> KIND_SHIFT & KIND_MASK

    def elements(self, start: int, words: int) -> Iterator[Sequence[int]]:
        """The elements of a record (members, enumerators), each of so many words."""
        first = start + HEADER_WORDS
        for at in range(first, first + words * (self._words[start + 1] & VLEN_MASK), words):
            yield self._words[at : at + words]

    def _wanted(self, names: Collection[str]) -> dict[int, str]:
        """Many names by their offsets: one pass over the strings is cheaper than a search for each.

        Only whole strings are found; a few names are searched for, wherever they stand.
        """
        if len(names) <= (_FEW if twin is not None else 24):
            return {offset: name for name in names for offset in self._offsets(name)}
        found: dict[int, str] = {} if self._base is None else self._base._wanted(names)
        if twin is not None:
            found.update(twin.btf_strings(self._strings, names, self._first_offset))
            return found
        wanted = {name.encode(): name for name in names}
        strings = self._strings.split(b"\0")
        offset, counted = self._first_offset, 0
        for number in compress(range(len(strings)), map(wanted.__contains__, strings)):
            offset += sum(map(len, strings[counted:number])) + number - counted  # each ends in one more byte
            counted = number
            found[offset] = wanted[strings[number]]
        return found


def _swapped(types: bytes) -> bytes:
    """A section in the other byte order: it is made of 32-bit words throughout."""
    from array import array

    words = array("I", types)
    words.byteswap()
    return words.tobytes()
