"""Importing is cheap: what is loaded when, in fresh interpreters."""

from __future__ import annotations

import subprocess
import sys

import pytest

# Modules that cost more than they give on the way to one answer.
HEAVY = {
    "json",
    "logging",
    "dataclasses",
    "typing",
    "enum",
    "re",
    "packaging",
    "importlib.resources",
    "pathlib",
    "subprocess",
}


def loaded(code: str) -> set[str]:
    bare = _modules("pass")
    return _modules(code) - bare


def _modules(code: str) -> set[str]:
    script = f"{code}\nimport sys; print(*sys.modules)"
    command = [sys.executable, "-S", "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_import_ebpf_loads_only_itself() -> None:
    assert {name for name in loaded("import ebpf") if name.split(".")[0] in ("ebpf", "featuredb", "ctypes")} == {"ebpf"}


@pytest.mark.root
def test_one_answer_loads_nothing_heavy() -> None:
    new = loaded("import ebpf; assert ebpf.features.supported('BPF_MAP_TYPE_LRU_HASH')")
    assert not new & HEAVY
    assert "featuredb._compiled.helper" not in new


def test_every_public_name_is_reachable() -> None:
    import ebpf

    for name in ebpf.__all__:
        assert getattr(ebpf, name) is not None
    assert set(ebpf.__all__) == set(dir(ebpf))
    with pytest.raises(AttributeError, match="'ebpf' has no attribute 'nonsense'"):
        ebpf.nonsense  # noqa: B018
