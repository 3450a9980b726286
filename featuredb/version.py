"""Kernel versions: strings to keys that compare. "6.10" is not "6.1"."""

from __future__ import annotations

__all__ = ["version_key"]

_KEYS: dict[str, tuple[int, ...]] = {}
"""Keys of the versions seen: the records repeat a few dozen of them thousands of times."""


def version_key(version: str) -> tuple[int, ...]:
    """The numeric prefix of a version as a tuple: ``(6, 10)`` for ``"6.10"``, ``(4, 18, 0)`` for ``"4.18.0-372.el8"``.

    Raises `ValueError` when the string does not start with at least two numbers.
    """
    key = _KEYS.get(version)
    if key is None:
        key = _KEYS[version] = _parse(version)
    return key


def _parse(version: str) -> tuple[int, ...]:
    numbers = []
    for part in version.split("."):
        digits = len(part) - len(part.lstrip("0123456789"))
        if not digits:
            break
        numbers.append(int(part[:digits]))
        if digits < len(part):
            break
    if len(numbers) < 2:
        raise ValueError(f"{version!r} does not start with a kernel version such as 5.10")
    return tuple(numbers[:3])
