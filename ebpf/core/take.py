"""Taking an entry out of a map, also where no single command does so."""

from __future__ import annotations

import errno

from ebpf import uapi
from ebpf.core.adaptation import adapt
from ebpf.core.elements import NOT_FOR_BATCH

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ebpf.core.map import MapCore

__all__ = ["take"]

# The deletion decides who has taken it, so that of two who try one gets it. Queues and stacks have no deletion.
_NOT_DELETABLE = frozenset((uapi.BPF_MAP_TYPE_QUEUE, uapi.BPF_MAP_TYPE_STACK))
# Of these the newer kernels have the command; for the others two calls are no adaptation.
_NATIVE = frozenset(
    getattr(uapi, "BPF_MAP_TYPE_" + name) for name in ("HASH", "PERCPU_HASH", "LRU_HASH", "LRU_PERCPU_HASH", "RHASH")
)


def take(core: MapCore, key: bytes = b"") -> bytes:
    """The value that was under `key`, which is deleted.

    One ``BPF_MAP_LOOKUP_AND_DELETE_ELEM``; where the kernel does not have it for this type, a lookup and a deletion.
    Raises `KeyMissingError`.
    """
    result = core.owner.read(uapi.BPF_MAP_LOOKUP_AND_DELETE_ELEM, core.check_key(key), 0)
    if isinstance(result, bytes):
        return result
    # EINVAL: the kernel does not know the command; ENOTSUPP or EOPNOTSUPP: it does, but not for this type.
    if -result not in NOT_FOR_BATCH or core.map_type in _NOT_DELETABLE:
        raise core.failed(uapi.BPF_MAP_LOOKUP_AND_DELETE_ELEM, key, 0, -result)
    if core.map_type in _NATIVE:
        adapt(core, "lookup_and_delete")
    value = core.find(key)
    if value is None or not core.discard(key):
        raise core.failed(uapi.BPF_MAP_LOOKUP_AND_DELETE_ELEM, key, 0, errno.ENOENT)
    return value
