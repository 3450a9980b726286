"""What one trial said."""

from __future__ import annotations

from ebpf.probe.outcome import Outcome


def test_equal_by_value() -> None:
    assert Outcome("absent", "EINVAL", 22) == Outcome("absent", "EINVAL", 22)
    assert Outcome("absent", "EINVAL", 22) != Outcome("absent", "EINVAL")
    assert len({Outcome("denied", "EPERM", 1), Outcome("denied", "EPERM", 1)}) == 1
    assert Outcome("denied", "EPERM", 1) != ("denied", "EPERM", 1)


def test_shows_itself() -> None:
    assert repr(Outcome("denied", "refused", 1)) == "Outcome('denied', 'refused', errno=1)"


def test_has_no_other_attributes() -> None:
    assert not hasattr(Outcome("denied", "refused"), "__dict__")
