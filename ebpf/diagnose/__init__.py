"""A failed bpf(2) call, turned into the reason a person can act on.

Nothing here runs while calls succeed: arguments are held against the kernel's rules, and database, machine and probe
are asked, only after the kernel has refused.
"""

from __future__ import annotations

from ebpf.diagnose.maps import map_arguments, map_create, map_demands, map_failure
from ebpf.diagnose.verdicts import verdict_error

__all__ = ["map_arguments", "map_create", "map_demands", "map_failure", "verdict_error"]
