"""``python -m ebpf.cli``: the command line."""

from ebpf.cli import entry

entry()
