"""What can be read about this machine without bpf(2): release and distribution, configuration, privileges, policies.

::

    from ebpf import host

    machine = host.read()
    machine.version            # '6.1.140': the mainline release behind uname
    machine.kconfig.get("CONFIG_BPF_JIT")
    machine.capabilities.has("CAP_BPF")

Reading never raises: what cannot be read is ``None`` or has a status that says *missing* or *unreadable*.
"""

from __future__ import annotations

from ebpf.host.machine import Host

__all__ = ["Host", "read"]


def read(root: str = "/") -> Host:
    """What can be read about this machine, lazily: nothing is opened before it is asked for.

    Parameters:
        root: a directory tree to read instead of the live system, laid out as ``/`` is (``proc/sys/kernel/osrelease``,
            ``boot/config-…``). What only system calls can tell is then unknown.
    """
    return Host(root)
