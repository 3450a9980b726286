"""``python -m ebpf``: the command line."""

from ebpf.cli import entry

entry()
