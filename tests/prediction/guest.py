"""Runs in a guest: loads every object of a directory, and says what came of it.

``python -m tests.prediction.guest DIRECTORY BPFTOOL`` writes ``loads.json`` into the directory shared with the
host, and copies the kernel's types and configuration there.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from ebpf.elf import MapSpec

__all__ = ["main"]

_PINS = Path("/sys/fs/bpf/prediction")
_LIMIT = 60
_TAIL = 1500


def main() -> int:
    """Load everything; exits with 0 when every object was tried."""
    directory, bpftool = Path(sys.argv[1]), sys.argv[2]
    shared = Path(os.environ["MATRIX_SHARED"])
    release = os.uname().release
    btf = Path("/sys/kernel/btf/vmlinux")
    if btf.exists():
        (shared / "vmlinux.btf").write_bytes(btf.read_bytes())
    config = Path(f"/boot/config-{release}")
    if config.exists():
        (shared / "kconfig").write_bytes(config.read_bytes())
    loads: dict[str, dict[str, str]] = {}
    for path in sorted(directory.glob("*.o")):
        started = time.monotonic()
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        loads[path.name] = {"bpftool": _bpftool(path, bpftool), "ebpf": _ebpf(path), "sha256": digest}
        _say(path.name, loads[path.name], time.monotonic() - started)
        (shared / "loads.json").write_text(json.dumps({"release": release, "sized": True, "loads": loads}))
    return 0


def _say(name: str, results: dict[str, str], seconds: float) -> None:
    words = " ".join(f"{who}:{'-' if text else '+'}" for who, text in results.items() if who != "sha256")
    print(f"{name} {words} {seconds:.1f} s", flush=True)


def _bpftool(path: Path, bpftool: str) -> str:
    """Empty when it loads, otherwise the end of what bpftool says."""
    command = [bpftool, "prog", "loadall", str(path), str(_PINS)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_LIMIT, check=False)
        text = "" if done.returncode == 0 else (done.stderr + done.stdout)[-_TAIL:] or f"exit code {done.returncode}"
    except subprocess.TimeoutExpired:
        text = f"no answer after {_LIMIT} s"
    shutil.rmtree(_PINS, ignore_errors=True)
    return text


def _ebpf(path: Path) -> str:
    """Empty when it loads, otherwise the exception."""
    from ebpf import uapi
    from ebpf.v2.object import Object

    try:
        with Object.open(path) as loaded:
            for program in loaded.programs.values():
                # Suricata's: their names say nothing, suricata loads them as socket filters.
                program.program_type = program.program_type or uapi.BPF_PROG_TYPE_SOCKET_FILTER
            for spec in loaded.specs.values():
                _size(spec)
            loaded.load()
    except Exception as error:
        text = f"{type(error).__name__}: {error}"
        log = getattr(error, "log", "")
        return (text + ("\n" + str(log) if log and str(log) not in text else ""))[-_TAIL:]
    return ""


def _size(spec: MapSpec) -> None:
    """Give a map the size that the object's own user space would give it."""
    from ebpf.check.maps import unsized

    what = unsized(spec)
    if what == "max_entries":
        spec.max_entries = 128
    if what and not spec.value_size:
        spec.value_size = 8 * 127  # of stack traces: an address for each frame


if __name__ == "__main__":
    sys.exit(main())
