"""Walking over the keys of a map that may change meanwhile."""

from __future__ import annotations

import errno
import os

from ebpf import uapi
from ebpf.core.adaptation import adapt
from ebpf.errors import SyscallError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ebpf.core.elements import Elements

__all__ = ["first_key", "following_key", "walk"]

_ROUNDS = 100


def walk(core: Elements, *, again: bool = False) -> Iterator[bytes]:
    """The keys, one ``BPF_MAP_GET_NEXT_KEY`` each.

    Parameters:
        again: walk once more until no key comes that has not come before. A hash map puts an entry that is overwritten
            at the head of its bucket (kernel/bpf/hashtab.c, htab_map_update_elem()), where a walk that is in the midst
            of the bucket has been already.

    The next key is asked for before a key is handed out, so that deleting what was handed out is safe. When somebody
    else deletes the key the walk stands on, the kernel starts over from the first (kernel/bpf/hashtab.c,
    htab_map_get_next_key()): keys seen before are passed over, so that each is handed out once and those that are
    there all the time are not missed.

    A trie of kernels before "bpf: Fix exact match conditions in trie_get_next_key()" (in v6.13) does not start over
    but passes over entries, when the key it stands on is gone. Its keys are therefore all gathered before the first is
    handed out.
    """
    seen: set[bytes] = set()
    if core.map_type == uapi.BPF_MAP_TYPE_LPM_TRIE:
        return iter(list(_walk(core, seen)))
    return _repeated(core, seen) if again else _walk(core, seen)


def _repeated(core: Elements, seen: set[bytes]) -> Iterator[bytes]:
    before = -1
    while len(seen) != before:
        before = len(seen)
        yield from _walk(core, seen)


def _walk(core: Elements, seen: set[bytes]) -> Iterator[bytes]:
    key = first_key(core)
    for _ in range(_ROUNDS * (core.max_entries + 10)):
        if key is None:
            return
        following = following_key(core, key)
        if key not in seen:
            seen.add(key)
            yield key
        key = following
    raise SyscallError(
        errno.EAGAIN,
        f"the map changes faster than its keys can be walked over: the walk began anew {_ROUNDS} times."
        " Use a batch lookup, or stop the writers.",
        "BPF_MAP_GET_NEXT_KEY",
    )


def following_key(core: Elements, key: bytes) -> bytes | None:
    """The key after `key`; ``None`` at the end."""
    result, following = core.next_key(key)
    if result >= 0:
        return following
    if result == -errno.ENOENT:
        return None
    raise core.failed(uapi.BPF_MAP_GET_NEXT_KEY, key, 0, -result)


def first_key(core: Elements) -> bytes | None:
    """The first key, ``None`` in an empty map.

    Kernels that cannot take NULL for "the first" answer EFAULT; they give the first key after a key that is not there.
    Linux kernel commit 8fe45924387b ("bpf: map_get_next_key to return first key on NULL") (in v4.12).
    """
    result, following = core.next_key(None)
    if result >= 0:
        return following
    if result == -errno.ENOENT:
        return None
    if result != -errno.EFAULT:
        raise core.failed(uapi.BPF_MAP_GET_NEXT_KEY, None, 0, -result)
    adapt(core, "first_key")
    for guess in _guesses(core.key_size):
        if core.find(guess) is None:
            return following_key(core, guess)
    raise SyscallError(
        errno.EFAULT, "no key that is missing from the map was found to start the walk from", "BPF_MAP_GET_NEXT_KEY"
    )


def _guesses(size: int) -> Iterator[bytes]:
    yield b"\xff" * size  # beyond the end of an array
    for _ in range(64):
        yield os.urandom(size)
