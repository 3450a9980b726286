"""Annotations for the fields of dataclasses that are keys or values: an `int` of a size."""

from __future__ import annotations

from typing import Annotated

__all__ = ["s8", "s16", "s32", "s64", "u8", "u16", "u32", "u64"]

u8 = Annotated[int, "u8"]
u16 = Annotated[int, "u16"]
u32 = Annotated[int, "u32"]
u64 = Annotated[int, "u64"]
s8 = Annotated[int, "s8"]
s16 = Annotated[int, "s16"]
s32 = Annotated[int, "s32"]
s64 = Annotated[int, "s64"]
