"""Proof of ``ebpf check``: what it foretells against what happens.

``python -m tests.prediction`` takes every object of Debian's xdp-tools, opensnitch-ebpf-modules, suricata, libbpf-tools
and of tests/objects, asks `ebpf.check` about each kernel of the matrix, really loads each there, with this library and
with ``bpftool prog loadall``, and writes docs/prediction.md.
"""
