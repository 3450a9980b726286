"""The mainline version behind what a kernel calls itself. Pure functions over text.

Distributions put their own numbers into uname's release (Ubuntu's ``5.4.0-150-generic`` is 5.4.233, Debian 11's
``5.10.0-30-amd64`` is 5.10.218), so other places are asked first.
"""

from __future__ import annotations

__all__ = ["mainline", "numeric_prefix", "of_code", "of_debian", "of_signature"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Optional

    Version = tuple[int, int, int]
    MaybeVersion = Optional[Version]

# LINUX_VERSION_CODE has eight bits for each of the last two numbers: nothing bigger is a kernel's version, a vendor's
# "2024.03" least of all. The sublevel of a stable release may grow beyond (4.9.337).
_BIGGEST = 255
_BIGGEST_SUBLEVEL = 65535
_DIGITS = frozenset("0123456789")


def numeric_prefix(text: str) -> MaybeVersion:
    """The version that a release string begins with: ``"6.8.0-31-generic"`` gives (6, 8, 0).

    A missing third number counts as 0 (``"6.19-rc1"``); ``None`` when the text does not begin with a kernel's version.
    """
    numbers: list[int] = []
    text = text.strip()
    for position in range(3):
        if position:
            if not text.startswith("."):
                break
            text = text[1:]
        length = 0
        while length < len(text) and text[length] in _DIGITS:
            length += 1
        if not 0 < length <= 5:
            break
        numbers.append(int(text[:length]))
        text = text[length:]
    if len(numbers) < 2 or not 0 < numbers[0] <= _BIGGEST or numbers[1] > _BIGGEST:
        return None
    sublevel = numbers[2] if len(numbers) == 3 else 0
    return (numbers[0], numbers[1], sublevel) if sublevel <= _BIGGEST_SUBLEVEL else None


def of_signature(signature: str) -> MaybeVersion:
    """The last word of Ubuntu's /proc/version_signature, ``"Ubuntu 5.4.0-150.167~18.04.1-generic 5.4.233"``."""
    words = signature.split()
    return numeric_prefix(words[-1]) if len(words) >= 2 else None


def of_debian(version: str) -> MaybeVersion:
    """The package's version in uname's version field, ``"#1 SMP Debian 5.10.218-1 (2024-06-01)"``.

    Raspberry Pi's packages have an epoch (``"Debian 1:6.6.31-1+rpt1"``).
    """
    words = version.split()
    for position, word in enumerate(words[:-1]):
        if word == "Debian":
            package = words[position + 1]
            epoch, colon, rest = package.partition(":")
            return numeric_prefix(rest if colon and epoch.isdigit() else package)
    return None


def of_code(code: int) -> MaybeVersion:
    """A LINUX_VERSION_CODE, as the vDSO's note holds it."""
    version = (code >> 16, code >> 8 & 0xFF, code & 0xFF)
    return version if 0 < version[0] <= _BIGGEST else None


def mainline(
    release: str, version: str = "", signature: str | None = None, code: int | None = None
) -> tuple[str | None, str]:
    """The mainline version ``"x.y.z"`` (``None`` when it cannot be told) and where it comes from, in words.

    Parameters:
        release: uname's release.
        version: uname's version, the one that begins with ``#1 SMP``.
        signature: what /proc/version_signature says; ``None`` when there is none.
        code: the LINUX_VERSION_CODE in the vDSO's note; ``None`` when there is none.
    """
    if signature:
        found = of_signature(signature)
        if found:
            return _text(found), "/proc/version_signature"
    found = of_debian(version)
    if found:
        return _text(found), "the package's version in uname's version"
    named = numeric_prefix(release)
    found = of_code(code) if code is not None else None
    if found:
        return _from_code(found, named)
    if named:
        return _text(named), "uname's release"
    return None, f"no source says: uname's release is {release!r}"


def _from_code(found: Version, named: MaybeVersion) -> tuple[str, str]:
    source = "the vDSO's note"
    # Linux kernel commit 9b82f13e7ef3 ("kbuild: clamp SUBLEVEL to 255") (in v5.12, and in the stable series whose
    # sublevels grew that far).
    if found[2] == _BIGGEST:
        if named and named[:2] == found[:2] and named[2] >= _BIGGEST:
            return _text(named), "uname's release, which the vDSO's note agrees with"
        source += ", which counts no further than 255"
    elif named and named[:2] != found[:2]:
        source += f"; uname's release says {_text(named)}"
    return _text(found), source


def _text(version: Version) -> str:
    return f"{version[0]}.{version[1]}.{version[2]}"
