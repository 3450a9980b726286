"""Packages of a Debian mirror: found in a suite's index, downloaded, and checked against it."""

from __future__ import annotations

import fnmatch
import hashlib
import http.client
import lzma
import re
import shutil
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from vagrant.errors import BadDownload, MatrixError, NotObtainable

__all__ = ["Mirror", "Package", "configured", "forget"]

_TIMEOUT = 60  # seconds without a byte


@dataclass(frozen=True)
class Package:
    """What is downloaded, from where, and what it must be."""

    name: str
    version: str
    url: str
    sha256: str


@dataclass(frozen=True)
class Mirror:
    """A Debian mirror. ``security`` holds the suites whose name ends in "-security"; empty when none is known."""

    base: str
    security: str = ""

    def find(self, suites: tuple[str, ...], pattern: str, unindexed: dict[str, str], version: str = "") -> Package:
        """The newest package of that name (a shell pattern), or its given version, in the first suite that has it.

        ``unindexed`` are files of the pool, with their SHA-256, for what no index lists any more.
        Raises `NotObtainable`.
        """
        tried = []
        for suite in suites:
            base = self.security if suite.endswith("-security") else self.base
            if not base:
                tried.append(f"{suite} (apt knows no security mirror)")
                continue
            found = [
                entry
                for entry in _index(base, suite)
                if fnmatch.fnmatchcase(entry["Package"], pattern) and version in ("", entry["Version"])
            ]
            if found:
                newest = max(found, key=lambda entry: _numbers(entry["Version"]))
                url = f"{base}/{newest['Filename']}"
                return Package(newest["Package"], newest["Version"], url, newest["SHA256"])
            tried.append(suite)
        for file, sha256 in unindexed.items():
            name, its_version, _ = file.rpartition("/")[2].split("_")
            if fnmatch.fnmatchcase(name, pattern) and version in ("", its_version):
                return Package(name, its_version, f"{self.base}/{file}", sha256)
        wanted = f"{pattern} {version}".rstrip()
        raise NotObtainable(f"{self.base} has no {wanted} in {', '.join(tried)}")

    def download(self, package: Package, target: Path, progress: Callable[[int, int], None]) -> None:
        """Write a package to a file. Raises `BadDownload` if it is not what it should be, `NotObtainable`."""
        digest = hashlib.sha256()
        done = 0
        try:
            with _open(package.url) as answer, target.open("wb") as file:
                size = int(answer.headers.get("Content-Length") or 0)
                while chunk := answer.read(1 << 18):
                    file.write(chunk)
                    digest.update(chunk)
                    done += len(chunk)
                    progress(done, size)
        except (urllib.error.URLError, ValueError) as error:
            raise NotObtainable(f"{package.url}: {error}") from None
        except (ConnectionError, http.client.HTTPException) as error:
            raise BadDownload(f"{package.url}: broke off after {done} bytes ({error})") from None
        if size and done != size:
            raise BadDownload(f"{package.url}: broke off after {done} of {size} bytes; run it again")
        if digest.hexdigest() != package.sha256:
            raise BadDownload(
                f"{package.url}: its SHA-256 is {digest.hexdigest()}, not {package.sha256} as it should be; run it "
                "again, and if that does not help the mirror is broken: name another with --mirror URL"
            )


def configured() -> Mirror:
    """The mirror that apt is configured with. Raises `MatrixError` on a machine whose apt tells of none."""
    if shutil.which("apt-get") is None:
        raise MatrixError("no apt on this machine to learn a Debian mirror from: name one with --mirror URL")
    command = ["apt-get", "indextargets", "--format", "$(COMPONENT) $(ORIGIN) $(URI)", "Created-By: Packages"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    main = security = ""
    for line in done.stdout.splitlines():
        component, _, rest = line.partition(" ")
        base, separator, suite = rest.rpartition(" ")[2].partition("/dists/")
        if component != "main" or not separator or not base.startswith("http"):
            continue
        if "-security" in suite or base.endswith("security"):
            security = security or base
        elif _is_debian(rest):
            main = main or base
    if not main:
        raise MatrixError("apt is configured with no Debian mirror over HTTP: name one with --mirror URL")
    return Mirror(main, security)


def _is_debian(target: str) -> bool:
    origin = target.rpartition(" ")[0]
    return origin in ("Debian", "Debian Backports", "")


_indexes: dict[tuple[str, str], list[dict[str, str]]] = {}


def forget() -> None:
    """Read every index anew when it is asked for next."""
    _indexes.clear()


def _index(base: str, suite: str) -> list[dict[str, str]]:
    """The packages of a suite's index; read once. An index that the mirror does not have is empty."""
    key = (base, suite)
    if key not in _indexes:
        url = f"{base}/dists/{suite}/main/binary-amd64/Packages.xz"
        try:
            with _open(url) as answer:
                text = lzma.decompress(answer.read()).decode()
        except urllib.error.HTTPError as error:
            if error.code != 404:
                raise NotObtainable(f"{url}: {error}") from None
            text = ""
        except (urllib.error.URLError, ConnectionError, ValueError) as error:
            raise NotObtainable(f"{url}: {error}") from None
        except (lzma.LZMAError, EOFError, http.client.HTTPException) as error:
            raise BadDownload(f"{url}: a broken index ({error}); run it again") from None
        _indexes[key] = [fields for entry in text.split("\n\n") if (fields := _fields(entry))]
    return _indexes[key]


def _fields(entry: str) -> dict[str, str]:
    lines = [line for line in entry.splitlines() if ": " in line and not line.startswith(" ")]
    return dict(line.split(": ", 1) for line in lines)


def _open(url: str):  # type: ignore[no-untyped-def]  # urlopen's own answer has no public type
    # apt's mirrors take a plus in a path for itself only when it is escaped.
    scheme, _, rest = url.partition("://")
    return urllib.request.urlopen(f"{scheme}://{urllib.parse.quote(rest, safe='/:~@[]')}", timeout=_TIMEOUT)


def _numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", version)]
