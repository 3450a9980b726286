"""Keys and values of maps: Python objects to bytes and back."""

from __future__ import annotations

import struct

from ebpf.errors import ArgumentError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ctypes
    from collections.abc import Callable, Iterable
    from typing import Any, Union

    Buffer = Union[bytes, bytearray, memoryview, ctypes.Array[ctypes.c_char]]
    Kind = Union[str, int, type, "Codec", Any]  # Any: a numpy dtype, known only where numpy is

__all__ = ["Codec", "codec"]

# "=": the machine's byte order and no padding, as BPF programs lay out their scalars.
_SCALARS = {
    "u8": "=B",
    "u16": "=H",
    "u32": "=I",
    "u64": "=Q",
    "s8": "=b",
    "s16": "=h",
    "s32": "=i",
    "s64": "=q",
}


class Codec:
    """One key or value type.

    Attributes:
        name: what messages call it.
        size: in bytes.
        encode: ``object -> bytes`` of that size; raises `ArgumentError`.
        decode: ``bytes -> object``.
        alignment: as a member of a C structure, in bytes.
        packer: the `struct.Struct` of a single number, which needs nothing else for encoding and decoding; else `None`.
        dtype: what `numpy.dtype()` makes of it.
    """

    __slots__ = ("alignment", "decode", "dtype", "encode", "name", "packer", "size")

    def __init__(
        self,
        name: str,
        size: int,
        encode: Callable[[Any], bytes],
        decode: Callable[[bytes], Any],
        *,
        alignment: int = 1,
        packer: struct.Struct | None = None,
        dtype: Any = None,
    ) -> None:
        self.name = name
        self.size = size
        self.encode = encode
        self.decode = decode
        self.alignment = alignment
        self.packer = packer
        self.dtype: Any = dtype if dtype is not None else f"V{size}"

    def encode_many(self, items: Iterable[Any]) -> bytes:
        """The bytes of one after the other. An array of numpy with the right dtype is taken as it is."""
        if type(items).__module__ == "numpy":
            return self._encode_array(items)
        if self.packer is not None:
            from array import array

            numbers = items if isinstance(items, (list, tuple)) else list(items)
            try:
                return array(self.packer.format[-1], numbers).tobytes()
            except (OverflowError, TypeError, ValueError):
                items = numbers  # one of them is wrong: encode() says which
        return b"".join(map(self.encode, items))

    def _encode_array(self, items: Any) -> bytes:
        import numpy

        dtype = numpy.dtype(self.dtype)
        if items.dtype != dtype.base or items.shape[1:] != dtype.shape:
            return b"".join(map(self.encode, items))
        return numpy.ascontiguousarray(items).tobytes()

    def decode_many(self, data: Buffer, count: int) -> list[Any]:
        """The first `count` of what lies one after the other in `data`."""
        size = self.size
        view = memoryview(data).cast("B")[: count * size]
        if self.packer is not None:
            return view.cast(self.packer.format[-1]).tolist()  # type: ignore[call-overload,no-any-return]  # a char
        decode = self.decode
        return [decode(bytes(view[position : position + size])) for position in range(0, count * size, size)]

    def iterate(self, data: Buffer, count: int) -> Iterable[Any]:
        """The same, made one by one: for what does not keep them all."""
        if self.packer is None:
            return self.decode_many(data, count)
        view = memoryview(data).cast("B")[: count * self.size]
        return view.cast(self.packer.format[-1])  # type: ignore[call-overload,no-any-return]  # a char

    def array(self, data: Any, count: int) -> Any:
        """The same as an array of numpy, over the memory of `data`."""
        import numpy

        return numpy.frombuffer(data, self.dtype, count)

    def __repr__(self) -> str:
        return f"Codec({self.name!r}, {self.size})"


def codec(kind: Kind, what: str = "value") -> Codec:
    """The codec for a type.

    Parameters:
        kind: one of

            - ``"u8"``, ``"u16"``, ``"u32"``, ``"u64"``, ``"s8"`` … ``"s64"``: integers in the machine's byte order;
            - a format of the `struct` module, such as ``"<IHH"``: a tuple, or the one thing in it;
            - ``"char[16]"``: text that ends with a NUL;
            - a number of bytes: raw `bytes` of that length;
            - a `ctypes.Structure`, ``Union``, array or simple type;
            - a dataclass whose fields are annotated with one of these (``ebpf.v2.u32`` …);
            - a dtype of numpy;
            - `ipaddress.IPv4Address`, ``IPv6Address``; ``IPv4Network``, ``IPv6Network`` as keys of a trie;
            - a `Codec`.
        what: ``"key"`` or ``"value"``, for the error messages.

    Raises `ArgumentError` for anything else.
    """
    if isinstance(kind, str):
        if kind in _SCALARS:
            return _scalar(kind, what)
        from ebpf.core import codec_format

        found = codec_format.from_format(kind, what)
        if found is not None:
            return found
    elif isinstance(kind, int) and not isinstance(kind, bool):
        if kind >= 0:
            return _raw(kind, what)
    elif isinstance(kind, Codec):
        return kind
    else:
        found = _of_type(kind, what)
        if found is not None:
            return found
    raise ArgumentError(
        f"{what} type {kind!r} is not known: give one of {', '.join(_SCALARS)}, a number of bytes for raw bytes,"
        " a struct format, a ctypes or dataclass type, a numpy dtype, or an address type of ipaddress"
    )


def _of_type(kind: Any, what: str) -> Codec | None:
    origin = kind if isinstance(kind, type) else type(kind)
    if origin.__module__.partition(".")[0] == "numpy":
        from ebpf.core import codec_numpy

        return codec_numpy.from_dtype(kind, what)
    if not isinstance(kind, type):
        return None
    if kind.__module__ == "ipaddress":
        from ebpf.core import codec_network

        return codec_network.from_class(kind, what)
    if hasattr(kind, "__dataclass_fields__"):
        from ebpf.core import codec_dataclass

        return codec_dataclass.from_dataclass(kind, what)
    from ebpf.core import codec_ctypes

    return codec_ctypes.from_ctypes(kind, what)


def _scalar(kind: str, what: str) -> Codec:
    packer = struct.Struct(_SCALARS[kind])
    bits = packer.size * 8
    low, high = (0, 2**bits - 1) if kind[0] == "u" else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)

    def encode(number: Any) -> bytes:
        try:
            return packer.pack(number)
        except struct.error:
            raise ArgumentError(f"{what} {number!r} is not a {kind}: give an integer from {low} to {high}") from None

    def decode(data: bytes) -> Any:
        return packer.unpack(data)[0]

    dtype = f"={'u' if kind[0] == 'u' else 'i'}{packer.size}"
    return Codec(kind, packer.size, encode, decode, alignment=packer.size, packer=packer, dtype=dtype)


def _raw(size: int, what: str) -> Codec:
    def encode(data: Any) -> bytes:
        if not isinstance(data, (bytes, bytearray, memoryview)) or len(bytes(data)) != size:
            raise ArgumentError(f"{what} {data!r} is not bytes of length {size}")
        return bytes(data)

    return Codec(f"{size} bytes", size, encode, bytes)
