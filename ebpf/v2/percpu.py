"""What per-CPU maps have in common, as a mixin."""

from __future__ import annotations

from ebpf.core.codec import codec

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ebpf.core.codec import Codec, Kind
    from ebpf.core.map import MapCore

__all__ = ["PerCpuValues"]


class PerCpuValues:
    """Values are lists, or an axis of numpy, with one element for each possible CPU."""

    __slots__ = ()

    @classmethod
    def _value_codec(cls, value: Kind) -> Codec:
        from ebpf.core.codec_percpu import PerCpuCodec

        return PerCpuCodec(codec(value, "value"))

    @staticmethod
    def _value_size(value: Codec) -> int:
        each: Codec = value.each  # type: ignore[attr-defined]  # a PerCpuCodec
        return each.size

    @classmethod
    def _codecs(cls, core: MapCore, key: Kind | None, value: Kind | None) -> tuple[Codec, Codec]:
        return (
            codec(core.key_size if key is None else key, "key"),
            cls._value_codec(core.value_size if value is None else value),
        )

    def total(self, key: Any) -> Any:
        """The sum of all CPUs' values, for numbers: one ``BPF_MAP_LOOKUP_ELEM``."""
        return sum(self[key])  # type: ignore[index]  # a map
