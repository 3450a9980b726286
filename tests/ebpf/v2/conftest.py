"""The trace file system for the tests of objects, too."""

from tests.ebpf.core.links.conftest import tracefs

__all__ = ["tracefs"]
