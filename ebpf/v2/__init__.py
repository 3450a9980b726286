"""Version 2 of the library (beta): maps as mappings and sequences, programs, links and objects, typed once.

::

    from ebpf import v2

    with v2.HashMap(key="u32", value="u64", max_entries=1024) as m:
        m[1] = 2
        dict(m.items())     # {1: 2}

Names are loaded when they are first asked for.
"""

from __future__ import annotations

# The module of this package -> the public names that it has.
_NAMES: dict[str, tuple[str, ...]] = {
    "attach": ("Link",),
    "array": (
        "ArrayMap",
        "IndexedMap",
        "PerCpuArrayMap",
    ),
    "events": (
        "EventBuffer",
        "Poller",
        "RingBuffer",
        "event_buffer",
    ),
    "hash": (
        "HashMap",
        "LpmTrie",
        "LruHashMap",
        "LruPerCpuHashMap",
        "PerCpuHashMap",
        "RHashMap",
    ),
    "keyed": ("KeyedMap",),
    "map": ("Map",),
    "network": (
        "CpuMap",
        "DevMap",
        "DevMapHash",
        "ReuseportSockArray",
        "SockHash",
        "SockMap",
        "XskMap",
    ),
    "object": (
        "Object",
        "ObjectProgram",
    ),
    "listing": (
        "btfs",
        "links",
        "programs",
        "statistics",
    ),
    "open": (
        "maps",
        "open_map",
    ),
    "perf": (
        "PerfBuffer",
        "Sample",
    ),
    "program": ("Program",),
    "queue": (
        "BloomFilter",
        "Queue",
        "Stack",
    ),
    "references": (
        "ArrayOfMaps",
        "CgroupArray",
        "HashOfMaps",
        "PerfEventArray",
        "ProgramArray",
    ),
    "special": (
        "Arena",
        "InsnArray",
        "StackTraceMap",
        "StructOps",
    ),
    "storage": (
        "CgroupStorage",
        "CgrpStorage",
        "InodeStorage",
        "PerCpuCgroupStorage",
        "SkStorage",
        "TaskStorage",
    ),
    "types": (
        "s16",
        "s32",
        "s64",
        "s8",
        "u16",
        "u32",
        "u64",
        "u8",
    ),
    "user_ring": ("UserRingBuffer",),
}
_HOMES = {name: home for home, names in _NAMES.items() for name in names}

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ebpf.v2 import attach
    from ebpf.v2.array import ArrayMap, IndexedMap, PerCpuArrayMap
    from ebpf.v2.attach import Link
    from ebpf.v2.events import EventBuffer, Poller, RingBuffer, event_buffer
    from ebpf.v2.hash import HashMap, LpmTrie, LruHashMap, LruPerCpuHashMap, PerCpuHashMap, RHashMap
    from ebpf.v2.keyed import KeyedMap
    from ebpf.v2.listing import btfs, links, programs, statistics
    from ebpf.v2.map import Map
    from ebpf.v2.network import CpuMap, DevMap, DevMapHash, ReuseportSockArray, SockHash, SockMap, XskMap
    from ebpf.v2.object import Object, ObjectProgram
    from ebpf.v2.open import maps, open_map
    from ebpf.v2.perf import PerfBuffer, Sample
    from ebpf.v2.program import Program
    from ebpf.v2.queue import BloomFilter, Queue, Stack
    from ebpf.v2.references import ArrayOfMaps, CgroupArray, HashOfMaps, PerfEventArray, ProgramArray
    from ebpf.v2.special import Arena, InsnArray, StackTraceMap, StructOps
    from ebpf.v2.storage import CgroupStorage, CgrpStorage, InodeStorage, PerCpuCgroupStorage, SkStorage, TaskStorage
    from ebpf.v2.types import s8, s16, s32, s64, u8, u16, u32, u64
    from ebpf.v2.user_ring import UserRingBuffer

__all__ = [
    "Arena",
    "ArrayMap",
    "ArrayOfMaps",
    "BloomFilter",
    "CgroupArray",
    "CgroupStorage",
    "CgrpStorage",
    "CpuMap",
    "DevMap",
    "DevMapHash",
    "EventBuffer",
    "HashMap",
    "HashOfMaps",
    "IndexedMap",
    "InodeStorage",
    "InsnArray",
    "KeyedMap",
    "Link",
    "LpmTrie",
    "LruHashMap",
    "LruPerCpuHashMap",
    "Map",
    "Object",
    "ObjectProgram",
    "PerCpuArrayMap",
    "PerCpuCgroupStorage",
    "PerCpuHashMap",
    "PerfBuffer",
    "PerfEventArray",
    "Poller",
    "Program",
    "ProgramArray",
    "Queue",
    "RHashMap",
    "ReuseportSockArray",
    "RingBuffer",
    "Sample",
    "SkStorage",
    "SockHash",
    "SockMap",
    "Stack",
    "StackTraceMap",
    "StructOps",
    "TaskStorage",
    "UserRingBuffer",
    "XskMap",
    "attach",
    "btfs",
    "event_buffer",
    "links",
    "maps",
    "open_map",
    "programs",
    "s8",
    "s16",
    "s32",
    "s64",
    "statistics",
    "u8",
    "u16",
    "u32",
    "u64",
]


def __getattr__(name: str) -> object:
    if name == "attach":
        return getattr(__import__("ebpf.v2.attach").v2, name)
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'ebpf.v2' has no attribute {name!r}")
    # Not importlib.import_module(), whose own import costs more than a look-up.
    module = getattr(__import__(f"ebpf.v2.{home}").v2, home)
    thing: object = getattr(module, name)
    globals()[name] = thing
    return thing


def __dir__() -> list[str]:
    return sorted(__all__)
