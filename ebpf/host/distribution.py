"""Which distribution built the kernel, and which one this process sees. Pure functions over text.

In a container os-release is the container's, the kernel is the host's: what the kernel's own strings say goes first.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ebpf.host.files import Files

__all__ = ["Distribution", "OsRelease", "of_kernel", "parse_os_release", "resolve"]


class OsRelease:
    """What os-release(5) says: ``id``, ``version`` (VERSION_ID), ``like`` (ID_LIKE), ``name``; empty when silent."""

    __slots__ = ("id", "like", "name", "path", "version")

    def __init__(self, fields: dict[str, str], path: str = "") -> None:
        self.id = fields.get("ID", "").lower()
        self.version = fields.get("VERSION_ID", "")
        self.like = tuple(fields.get("ID_LIKE", "").lower().split())
        self.name = fields.get("PRETTY_NAME", "") or fields.get("NAME", "")
        self.path = path

    @classmethod
    def read(cls, files: Files) -> OsRelease:
        """Read /etc/os-release, or /usr/lib/os-release where that is missing."""
        for path in ("/etc/os-release", "/usr/lib/os-release"):
            text = files.text(path)
            if text is not None:
                return cls(parse_os_release(text), path)
        return cls({})


class Distribution:
    """A distribution: ``id`` as os-release spells it, ``release``, ``source`` in words.

    ``of_kernel`` is true when the kernel's own strings name it: only then may its kernel be expected to have what that
    distribution's kernels have.
    """

    __slots__ = ("id", "of_kernel", "release", "source")

    def __init__(self, identifier: str, release: str, source: str, of_kernel: bool) -> None:
        self.id = identifier
        self.release = release
        self.source = source
        self.of_kernel = of_kernel


def parse_os_release(text: str) -> dict[str, str]:
    """os-release(5): assignments as a shell reads them, one a line."""
    fields: dict[str, str] = {}
    for line in text.splitlines():
        name, equals, value = line.strip().partition("=")
        if not equals or not name or name.startswith("#"):
            continue
        value = value.strip()
        if len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'":
            value = value[1:-1]
            for escaped in '"$`\\':
                value = value.replace("\\" + escaped, escaped)
        fields[name.strip()] = value
    return fields


# The mark that a distribution leaves in uname's release, followed by its own release number.
_NUMBERED = (
    (".amzn", "amzn"),
    ("+deb", "debian"),
    (".azl", "azurelinux"),
    (".cm", "mariner"),
    (".fc", "fedora"),
    (".mga", "mageia"),
    (".ph", "photon"),
    (".an", "anolis"),
    (".al", "alinux"),
    (".oe", "openeuler"),
)
# A mark without a number, in uname's release and in its version. Order matters: the special before the general.
_IN_RELEASE = (
    ("-microsoft-", "wsl"),
    ("-pve", "proxmox"),
    ("-linuxkit", "linuxkit"),
    ("-flatcar", "flatcar"),
    ("-coreos", "coreos"),
    ("-talos", "talos"),
    ("-gentoo", "gentoo"),
    ("-arch", "arch"),
    ("-zen", "arch"),
    ("-MANJARO", "manjaro"),
    ("-valve", "steamos"),
    ("-tlinux", "tencentos"),
    ("-android", "android"),
    ("+rpt", "raspbian"),
)
_IN_VERSION = (
    ("-Ubuntu", "ubuntu"),
    ("kali", "kali"),
    ("Debian ", "debian"),
    ("-Alpine", "alpine"),
    ("NixOS", "nixos"),
    ("PVE ", "proxmox"),
)
# Families whose members run each other's kernels, or rebuild them under the same name.
_RHEL = ("rhel", "centos", "almalinux", "rocky", "ol", "scientific", "cloudlinux", "virtuozzo")


def of_kernel(release: str, version: str = "") -> tuple[str, str]:
    """The distribution that uname's release and version name, and its release number; empty strings when silent."""
    if "uek" in release:
        return "ol", _major_of_el(release)
    if ".el" in release and _major_of_el(release):
        return "rhel", _major_of_el(release)
    for mark, identifier in _NUMBERED:
        number = _number_after(release, mark)
        if number:
            if identifier == "openeuler" and len(number) >= 4:
                number = f"{number[:2]}.{number[2:4]}"
            return identifier, number
    for mark, identifier in _IN_RELEASE:
        if mark in release:
            return identifier, ""
    for mark, identifier in _IN_VERSION:
        if mark in version:
            return identifier, _backport_target(version) if identifier == "ubuntu" else ""
    if release.endswith("-default"):
        return "suse", _suse_release(release)
    return "", ""


def resolve(release: str, version: str, os_release: OsRelease) -> Distribution:
    """The distribution of the kernel where its strings name one, otherwise the one that os-release names."""
    identifier, number = of_kernel(release, version)
    if not identifier:
        if os_release.id:
            source = f"{os_release.path}; the kernel itself does not say"
            return Distribution(os_release.id, os_release.version, source, False)
        return Distribution("", "", "neither the kernel nor os-release says", False)
    source = "the kernel's release" if of_kernel(release)[0] else "the kernel's version"
    if _same_family(identifier, os_release) and (not number or _is_part(number, os_release.version)):
        # The same distribution, seen from inside: os-release knows the rebuild's name and the minor release.
        same = identifier in (os_release.id, "rhel", "suse")
        return Distribution(
            os_release.id if same else identifier,
            os_release.version or number,
            f"{source} and {os_release.path}",
            True,
        )
    return Distribution(identifier, number, source, True)


def _same_family(identifier: str, os_release: OsRelease) -> bool:
    if not os_release.id:
        return False
    if identifier == "rhel":
        return os_release.id in _RHEL or "rhel" in os_release.like
    if identifier == "suse":
        return os_release.id.startswith(("sles", "sled", "opensuse")) or "suse" in os_release.like
    return identifier == os_release.id


def _is_part(number: str, version: str) -> bool:
    return version == number or version.startswith(number + ".")


def _digits_at(text: str, start: int) -> str:
    end = start
    while end < len(text) and "0" <= text[end] <= "9":
        end += 1
    return text[start:end]


def _number_after(text: str, mark: str) -> str:
    at = text.find(mark)
    return _digits_at(text, at + len(mark)) if at >= 0 else ""


def _major_of_el(release: str) -> str:
    """``.el8`` is 8; an update kernel of a minor release says so: ``.el8_6`` is 8.6."""
    major = _number_after(release, ".el")
    minor = _number_after(release, f".el{major}_") if major else ""
    return f"{major}.{minor}" if minor else major


def _backport_target(version: str) -> str:
    """Ubuntu's hardware enablement kernels name the release they were built for: ``#48~20.04.1-Ubuntu``."""
    tail = version.partition("~")[2]
    year = _digits_at(tail, 0)
    month = _digits_at(tail, len(year) + 1) if tail[len(year) : len(year) + 1] == "." else ""
    return f"{year}.{month}" if len(year) == 2 and len(month) == 2 else ""


def _suse_release(release: str) -> str:
    """SUSE's ``5.14.21-150400.24.46-default`` was built for 15.4: two digits each for major, minor and update."""
    build = _digits_at(release, release.find("-") + 1)
    return f"{int(build[:2])}.{int(build[2:4])}" if len(build) == 6 else ""
