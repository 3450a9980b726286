"""A Debian mirror of a few packages, served over HTTP from a directory, that can be made to misbehave."""

from __future__ import annotations

import contextlib
import hashlib
import http.server
import lzma
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

__all__ = ["TestMirror", "serving"]


class TestMirror:
    """What the server serves. ``broken`` and ``truncated`` are paths whose content is spoilt on the way."""

    __test__ = False

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.url = ""
        self.broken: set[str] = set()
        self.truncated: set[str] = set()
        self.requests: list[str] = []

    def add(self, suite: str, name: str, version: str, files: dict[str, bytes], listed: bool = True) -> Path:
        """Build a package, put it into the pool and, if it is to be listed, into a suite's index."""
        tree = self.directory / "build" / f"{name}_{version}"
        (tree / "DEBIAN").mkdir(parents=True)
        fields = f"Package: {name}\nVersion: {version}\nArchitecture: amd64\nMaintainer: x <x@example.org>\n"
        (tree / "DEBIAN/control").write_text(fields + "Description: for a test\n")
        for path, content in files.items():
            (tree / path).parent.mkdir(parents=True, exist_ok=True)
            (tree / path).write_bytes(content)
        archive = self.directory / f"pool/{name}_{version}_amd64.deb"
        archive.parent.mkdir(exist_ok=True)
        subprocess.run(["dpkg-deb", "-Znone", "-b", str(tree), str(archive)], capture_output=True, check=True)
        index = self.directory / f"dists/{suite}/main/binary-amd64/Packages.xz"
        index.parent.mkdir(parents=True, exist_ok=True)
        entries = lzma.decompress(index.read_bytes()).decode() if index.exists() else ""
        if listed:
            file = archive.relative_to(self.directory)
            entries += f"{fields}Filename: {file}\nSHA256: {sha256(archive)}\nDescription: for a test\n and more\n\n"
        index.write_bytes(lzma.compress(entries.encode()))
        return archive


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@contextlib.contextmanager
def serving(mirror: TestMirror) -> Iterator[TestMirror]:
    """Serve it; ``mirror.url`` says where."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            mirror.requests.append(self.path)
            path = mirror.directory / self.path.lstrip("/").replace("%2b", "+").replace("%2B", "+")
            if not path.is_file():
                self.send_error(404)
                return
            content = path.read_bytes()
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.path in mirror.broken:
                content = b"X" + content[1:]
            self.wfile.write(content[: len(content) // 2] if self.path in mirror.truncated else content)

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    mirror.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield mirror
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
