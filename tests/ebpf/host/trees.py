"""Directory trees laid out like the systems they were copied from, and child processes that report what they see."""

from __future__ import annotations

import contextlib
import functools
import importlib
import json
import os
import pkgutil
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any


def plant(root: Path, files: dict[str, str | bytes]) -> str:
    """Write files below a directory; the directory's name comes back."""
    for name, contents in files.items():
        path = root / name.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(contents if isinstance(contents, bytes) else contents.encode())
    return str(root)


@functools.cache
def _import_everything() -> None:
    """Whoever gives up root's privileges cannot import from a tree below /root any more."""
    import ebpf
    import featuredb

    for package in (ebpf, featuredb):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith("__main__"):
                with contextlib.suppress(ImportError):
                    importlib.import_module(module.name)


def in_child(task: Callable[[], Any]) -> Any:
    """Run a task in a forked process, which may give up its privileges for good, and return what it returns."""
    _import_everything()
    sys.stdout.flush()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            report = json.dumps({"value": task()})
        except BaseException:
            report = json.dumps({"error": traceback.format_exc()})
        with os.fdopen(writing, "w") as pipe:
            pipe.write(report)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        text = pipe.read()
    os.waitpid(child, 0)
    answer = json.loads(text)
    assert "error" not in answer, answer["error"]
    return answer["value"]


def become_nobody() -> None:
    """Give up every privilege, as a daemon does."""
    os.setgroups([])
    os.setresgid(65534, 65534, 65534)
    os.setresuid(65534, 65534, 65534)
