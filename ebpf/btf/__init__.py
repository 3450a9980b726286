"""Reading BTF, the type information of kernels, modules and object files: pure, no system calls but reading the file.

::

    btf = Btf.open("/sys/kernel/btf/vmlinux")
    btf.enumerators("bpf_map_type")["BPF_MAP_TYPE_RINGBUF"]   # 27
    btf.functions(["bpf_obj_new_impl"])                       # {name: id}

Nothing is decoded before it is asked for: the kernel's BTF holds over 100,000 types. What is not BTF, or breaks off,
raises `BtfError` with the offset.
"""

from __future__ import annotations

from ebpf.btf.reader import Btf
from ebpf.errors import BtfError

__all__ = ["Btf", "BtfError"]
