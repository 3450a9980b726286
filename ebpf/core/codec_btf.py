"""Types of keys and values out of the BTF that a map was created with."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ebpf.core.codec import Kind
    from ebpf.core.map import MapCore

__all__ = ["described"]


def described(core: MapCore) -> tuple[Kind | None, Kind | None]:
    """What BTF says of the key and of the value of a map; ``None`` where it says nothing that fits."""
    return None, None
