"""The report of a run: a table for a terminal, and a directory with the details."""

from __future__ import annotations

import json
import re
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

from vagrant.result import OK, Result

__all__ = ["Logs", "keep", "summary", "table", "write"]

_WIDTH = 80


def table(results: list[Result]) -> str:
    """A line for each kernel, in 80 columns, and under it what went wrong."""
    name = min(20, max([8, *(len(result.kernel) for result in results)]))
    release = 34 - name
    lines = [f"{'kernel':{name}} {'release':{release}} {'result':14}  pass fail skip  boot    run"]
    for result in results:
        boot = "-" if result.boot_seconds is None else f"{result.boot_seconds:.0f} s"
        lines.append(
            f"{_short(result.kernel, name):{name}} {_short(result.release, release):{release}} {result.status:14} "
            f"{result.passed:>5} {result.failed:>4} {result.skipped:>4} {boot:>5} {f'{result.run_seconds:.0f} s':>6}"
        )
    for result in results:
        if result.status == OK:
            continue
        lines += ["", f"{result.kernel}: {result.status}: {result.explanation}"]
        lines += [f"  {failure}"[: 2 * _WIDTH] for failure in result.failures[:20]]
        if result.status not in ("failed",):
            lines += [f"  {line}"[: 2 * _WIDTH] for line in result.console[-12:]]
    green = sum(result.status == OK for result in results)
    return "\n".join([*lines, "", f"{green} of {len(results)} kernels ok"])


def summary(result: Result) -> str:
    """One kernel's result as one line."""
    if result.status == OK:
        return f"ok: {result.passed} passed, {result.skipped} skipped in {result.run_seconds:.0f} s"
    return f"{result.status}: {result.explanation}"


def keep(result: Result, shared: Path, directory: Path) -> None:
    """Copy out of a guest's shared directory what outlives it."""
    profile = shared / "profile.json"
    if profile.exists():
        result.profile = str(directory / f"{result.kernel}.json")
        shutil.copyfile(profile, result.profile)
    if (shared / "junit.xml").exists():
        shutil.copyfile(shared / "junit.xml", directory / f"{result.kernel}.xml")


def write(results: list[Result], directory: Path) -> None:
    """``report.json`` and ``report.txt``."""
    data = {"written": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "kernels": [r.as_dict() for r in results]}
    (directory / "report.json").write_text(json.dumps(data, indent=1) + "\n")
    (directory / "report.txt").write_text(table(results) + "\n")


class Logs:
    """Keeps every line of a guest in a file, and says how far its tests are and which of them fail."""

    def __init__(self, directory: Path, say: Callable[[str, str], None]) -> None:
        self._directory = directory
        self._say = say
        self._reached: dict[str, int] = {}
        self._lock = threading.Lock()

    def line(self, name: str, line: bytes) -> None:
        with self._lock:
            first = name not in self._reached
            with (self._directory / f"{name}.log").open("wb" if first else "ab") as file:
                file.write(line)
            self._reached.setdefault(name, 0)
        text = line.decode(errors="replace").rstrip()
        percent = re.search(r"\[ *(\d+)%\]$", text)
        if percent and int(percent.group(1)) // 20 > self._reached[name] // 20:
            self._reached[name] = int(percent.group(1))
            self._say(name, f"{self._reached[name]} % of the tests")
        failed = re.match(r"(\S+::.*?) (FAILED|ERROR) +\[", text)
        if failed:
            self._say(name, f"{failed.group(2).lower()}: {failed.group(1)}")


def _short(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"
