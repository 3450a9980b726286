"""What the tools share."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

from ebpf.errors import EbpfError


def object_file(name: str) -> Path:
    """The tool's programs, as the Makefile builds them; in ``EBPF_TOOLS_BUILD`` if that is set."""
    directory = Path(os.environ.get("EBPF_TOOLS_BUILD") or Path(__file__).parent / "build")
    path = directory / f"{name}.bpf.o"
    if not path.exists():
        sys.exit(f"{path} is not there: build it with make -C {Path(__file__).parent}")
    return path


def text(name: bytes) -> str:
    """A C string."""
    return name.partition(b"\0")[0].decode("utf-8", "replace")


def at_the_end(main: Callable[[], None]) -> None:
    """Run a tool: Ctrl-C ends it, an error of the library is one message."""
    try:
        main()
    except KeyboardInterrupt:
        pass
    except EbpfError as error:
        sys.exit(str(error))
