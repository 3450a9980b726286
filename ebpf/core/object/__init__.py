"""Loading object files: maps, types, relocations, programs, and every obstacle at once when that fails.

`ebpf.v2.Object` is the public face of `ObjectCore`.
"""

from __future__ import annotations

from ebpf.core.object.loader import ObjectCore
from ebpf.core.object.obstacle import Obstacle
from ebpf.core.object.program import LoadableProgram
from ebpf.core.object.variables import Variables

__all__ = ["LoadableProgram", "ObjectCore", "Obstacle", "Variables"]
