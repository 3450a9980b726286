from __future__ import annotations

from ebpf.stability import alpha, beta, stability, stable


def test_marks_are_read_back_from_classes_and_functions() -> None:
    @stable
    class Thing:
        @beta
        def method(self) -> None: ...

    @alpha
    def function() -> None: ...

    assert stability(Thing) == "stable"
    assert stability(Thing.method) == "beta"
    assert stability(function) == "alpha"


def test_a_mark_is_not_inherited() -> None:
    @stable
    class Base: ...

    class Child(Base): ...

    assert stability(Child) is None
    assert stability(42) is None
