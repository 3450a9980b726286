"""The configuration that the kernel was built with, from wherever the system keeps it."""

from __future__ import annotations

from ebpf.host.files import MISSING, READ, UNREADABLE, Files, status_of

__all__ = ["KConfig", "candidates"]

_GZIP = b"\x1f\x8b"
_XZ = b"\xfd7zXZ\0"
_BIGGEST = 64 << 20
_FEW = 16


def candidates(release: str) -> tuple[str, ...]:
    """The places where the configuration of the kernel `release` may be, the running kernel's own first."""
    return (
        "/proc/config.gz",
        f"/boot/config-{release}",
        f"/usr/lib/modules/{release}/config",
        f"/lib/modules/{release}/config",
        f"/lib/modules/{release}/build/.config",
        f"/usr/src/linux-headers-{release}/.config",
        f"/usr/src/kernels/{release}/.config",
        f"/lib/kernel/config-{release}",
        f"/usr/lib/kernel/config-{release}",
        f"/usr/lib/ostree-boot/config-{release}",
    )


class KConfig:
    """A kernel's configuration.

    Attributes:
        status: ``"read"``, ``"unreadable"`` (it could not be opened, or makes no sense) or ``"missing"``.
        path: where it is, or ``None`` when it is missing.
        reason: why it could not be read; empty otherwise.
    """

    __slots__ = ("_asked", "_text", "_values", "path", "reason", "status")

    def __init__(self, status: str, path: str | None, text: bytes = b"", reason: str = "") -> None:
        self.status = status
        self.path = path
        self.reason = reason
        self._text = b"\n" + text + b"\n"
        self._asked = 0
        self._values: dict[bytes, bytes] = {}  # all that the text sets, once much was asked

    @classmethod
    def find(cls, files: Files, release: str) -> KConfig:
        """The first configuration that can be read; else the first that cannot; else a missing one."""
        failed: KConfig | None = None
        for name in candidates(release):
            config = cls._read(files, name)
            if config.status == READ:
                return config
            if config.status == UNREADABLE and failed is None:
                failed = config
        return failed or cls(MISSING, None, reason="no configuration file in any of the usual places")

    @classmethod
    def from_file(cls, path: str) -> KConfig:
        """The configuration in a file: plain, gzip or xz."""
        import os

        return cls._read(Files(), os.path.abspath(path))

    @classmethod
    def _read(cls, files: Files, name: str) -> KConfig:
        path = files.path(name)
        try:
            data = files.read(name)
        except OSError as error:
            status = status_of(error)
            return cls(status, path if status == UNREADABLE else None, reason=f"{path}: {error.strerror}")
        text, wrong = _unpack(data)
        if not wrong:
            wrong = _implausible(text)
        if wrong:
            return cls(UNREADABLE, path, reason=f"{path}: {wrong}")
        return cls(READ, path, text)

    def get(self, option: str) -> str | None:
        """An option's value: ``"y"``, ``"m"``, ``"n"``, or the text of a number or string.

        ``"n"`` is an option that a configuration which was read does not set; ``None`` means that nothing was read.

        Parameters:
            option: the option's name, with or without ``CONFIG_``.
        """
        if self.status != READ:
            return None
        name = (option if option.startswith("CONFIG_") else "CONFIG_" + option).encode()
        found = self._find(name)
        if found is None:
            return "n"
        value = found.decode("utf-8", "replace").strip()
        if len(value) >= 2 and value[0] == value[-1] == '"':
            return value[1:-1].replace('\\"', '"').replace("\\\\", "\\")
        return value

    def _find(self, name: bytes) -> bytes | None:
        """What the text sets an option to. The first few are searched for: that costs less than reading all of them."""
        self._asked += 1
        if self._asked <= _FEW:
            at = self._text.find(b"\n" + name + b"=")
            return None if at < 0 else self._text[at : self._text.index(b"\n", at + 1)].partition(b"=")[2]
        if not self._values:
            lines = (line.partition(b"=") for line in self._text.split(b"\n") if line.startswith(b"CONFIG_"))
            self._values = {name: value for name, sign, value in lines if sign}
        return self._values.get(name)

    def __repr__(self) -> str:
        return f"KConfig({self.status}, {self.path or self.reason})"


def _unpack(data: bytes) -> tuple[bytes, str]:
    """The text, or what is wrong with it."""
    if data.startswith(_GZIP):
        import zlib

        try:
            gzip = zlib.decompressobj(16 + zlib.MAX_WBITS)
            text = gzip.decompress(data, _BIGGEST)
        except zlib.error as error:
            return b"", f"broken gzip data ({error})"
        return (text, "") if gzip.eof else (b"", "truncated gzip data")
    if data.startswith(_XZ):
        try:
            import lzma
        except ImportError:
            return b"", "xz data, and this Python is built without lzma"

        try:
            xz = lzma.LZMADecompressor(lzma.FORMAT_XZ)
            text = xz.decompress(data, _BIGGEST)
        except lzma.LZMAError as error:
            return b"", f"broken xz data ({error})"
        return (text, "") if xz.eof else (b"", "truncated xz data")
    return data, ""


def _implausible(text: bytes) -> str:
    """Why the text cannot be a configuration; empty when it can."""
    if not text.strip():
        return "an empty file"
    if b"\0" in text:
        return "binary data"
    if not text.startswith(b"CONFIG_") and b"\nCONFIG_" not in text:
        return "no option in it: not a kernel configuration"
    return ""
