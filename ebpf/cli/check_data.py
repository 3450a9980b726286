"""What ``ebpf check`` writes for programs: JSON, described in docs/check.md, and SARIF."""

from __future__ import annotations

import sys

from ebpf.cli import output
from ebpf.cli.check_report import Report

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ebpf.check import Answer, Requirements, Target

__all__ = ["VERSION", "Json", "Sarif"]

VERSION = "1"
"""The version of the JSON format."""


class Json(Report):
    """One object; its files are written one by one, so that none need be kept."""

    def __init__(self, kernels: Sequence[Target]) -> None:
        self._kernels = kernels
        self._first = True

    def begin(self) -> None:
        import json

        kernels = [
            {**target.kernel.describe(), "name": target.name, "recorded_in": list(target.hosts)}
            for target in self._kernels
        ]
        sys.stdout.write(f'{{"version": {json.dumps(VERSION)}, "kernels": {json.dumps(kernels)}, "files": [')

    def _write(self, data: object) -> None:
        import json

        sys.stdout.write(("\n" if self._first else ",\n") + json.dumps(data))
        self._first = False

    def file(self, found: Requirements, answers: Sequence[Answer]) -> None:
        self._write({**found.as_dict(), "kernels": [answer.as_dict() for answer in answers]})

    def unreadable(self, path: str, text: str) -> None:
        self._write({"path": path, "error": text})

    def end(self) -> None:
        sys.stdout.write("\n]}\n")


class Sarif(Report):
    """One run with a result for each finding.

    Parameters:
        named: whether kernels were asked for: what others lack is nobody's fault.
    """

    def __init__(self, named: bool) -> None:
        self._named = named
        self._checked: list[tuple[Requirements, Sequence[Answer]]] = []
        self._unreadable: dict[str, str] = {}

    def file(self, found: Requirements, answers: Sequence[Answer]) -> None:
        self._checked.append((found, answers if self._named else ()))

    def unreadable(self, path: str, text: str) -> None:
        self._unreadable[path] = text

    def end(self) -> None:
        from ebpf import __version__
        from ebpf.check.sarif import sarif

        output.dump(sarif(self._checked, self._unreadable, __version__))
