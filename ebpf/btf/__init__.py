"""Reading BTF, the type information of kernels, modules and object files: pure, no system calls but reading the file.

::

    btf = Btf.open("/sys/kernel/btf/vmlinux")
    btf.enumerators("bpf_map_type")["BPF_MAP_TYPE_RINGBUF"]   # 27
    btf.functions(["bpf_obj_new_impl"])                       # {name: id}
    btf.find_type("task_struct").member("pid").offset         # types as objects: ebpf.btf.types

Nothing is decoded before it is asked for: the kernel's BTF holds over 100,000 types. What is not BTF, or breaks off,
raises `BtfError` with the offset. `BtfBuilder` makes BTF, `ebpf.btf.sanitise` makes it fit for older kernels,
`ebpf.btf.format` prints it as C, and `ebpf.btf.core` is CO-RE.
"""

from __future__ import annotations

from ebpf.btf.reader import Btf
from ebpf.errors import BtfError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ebpf.btf.build import BtfBuilder

__all__ = ["Btf", "BtfBuilder", "BtfError"]


def __getattr__(name: str) -> object:
    if name == "BtfBuilder":
        from ebpf.btf.build import BtfBuilder

        return BtfBuilder
    raise AttributeError(f"module 'ebpf.btf' has no attribute {name!r}")
